"""Check runs: only an App may report them, so a required check can be pinned to one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.forge import announcing
from reconciler.sandbox.forge.model import App, CheckRun, Json
from reconciler.sandbox.forge.refusals import Refused, forbidden, not_found
from reconciler.sandbox.forge.rest import answers_apps, answers_git, answers_pulls
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.commits import resolved
from reconciler.sandbox.forge.rest.fields import NEEDED, STRING, THING, one_of
from reconciler.sandbox.forge.rest.routes import PAGES, get, write
from reconciler.sandbox.forge.rest.view import stamp_or_none
from reconciler.sandbox.forge.urls import node_id
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.forge.rest.call import Call

_RUNS = "/repos/{owner}/{repo}/check-runs"
_CONCLUSIONS = (
    "action_required",
    "cancelled",
    "failure",
    "neutral",
    "success",
    "skipped",
    "stale",
    "timed_out",
)
_OUTPUT = ("title", "summary", "text")


def _create(call: Call) -> Json:
    app, sha = _app(call), call.given["head_sha"]
    if not call.repository.git.has(sha):
        raise Refused(422, f"No commit found for SHA: {sha}")
    made = CheckRun(
        id=call.state.next_id(),
        sha=sha,
        name=call.given["name"],
        app=app,
        status="queued",
        conclusion=None,
        started_at=call.state.now(),
        completed_at=None,
        details_url=None,
        external_id="",
        output={},
    )
    call.repository.checks[made.id] = made
    return _changed(call, made, "created")


def _update(call: Call) -> Json:
    found = _found(call)
    if _app(call) is not found.app:
        owner = found.app.id
        raise forbidden(f"Invalid app_id `{owner}` - check run can only be modified by the GitHub App that created it.")
    return _changed(call, found, "completed" if call.given.get("conclusion") else "created")


def _changed(call: Call, run: CheckRun, action: str) -> Json:
    given = call.given
    run.name = given.get("name", run.name)
    run.conclusion = given.get("conclusion", run.conclusion)
    run.status = "completed" if "conclusion" in given else given.get("status", run.status)
    if run.status == "completed":
        if run.conclusion is None:
            raise Refused(422, 'Invalid request.\n\nNo subschema in "oneOf" matched.\n"conclusion" wasn\'t supplied.')
        run.completed_at = _time(given.get("completed_at")) or call.state.now()
    run.started_at = _time(given.get("started_at")) or run.started_at
    run.details_url = given.get("details_url", run.details_url)
    run.external_id = given.get("external_id", run.external_id)
    run.output |= _output(given.get("output") or {})
    answer = _answer(call, run)
    announcing.announce(
        call.state, call.repository, "check_run", call.me, lambda _: {"check_run": answer}, action=action
    )
    return answer


def _get(call: Call) -> Json:
    return _answer(call, _found(call))


def _list(call: Call) -> Reply:
    sha, asked = resolved(call, call.parts["ref"]), call.request
    found = [run for run in call.repository.checks.values() if run.sha == sha]
    if call.choice("filter", ("latest", "all")) == "latest":
        found = list({(run.app.id, run.name): run for run in found}.values())
    found = [run for run in found if asked.first("check_name") in ("", run.name)]
    found = [run for run in found if asked.first("status") in ("", run.status)]
    found = [run for run in found if asked.first("app_id") in ("", str(run.app.id))]
    shown, headers = call.page(found)
    return Reply({"total_count": len(found), "check_runs": [_answer(call, run) for run in shown]}, headers=headers)


def _app(call: Call) -> App:
    if call.me.app is None:
        raise forbidden("You must authenticate via a GitHub App.")
    return call.me.app


def _found(call: Call) -> CheckRun:
    found = call.repository.checks.get(call.number("id"))
    if found is None:
        raise not_found()
    return found


def _output(given: Mapping[str, Any]) -> Json:
    unknown = set(given) - set(_OUTPUT)
    if unknown:
        raise NotInSandbox(f"{min(unknown)} in the output of a check run")
    return dict(given)


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise Refused(422, f"Invalid request.\n\n{text} is not a valid date-time.") from None


def _answer(call: Call, run: CheckRun) -> Json:
    view, repository = call.view, call.repository
    api = answers_git.api(view, repository, f"/check-runs/{run.id}")
    pulls = [(issue, pull) for issue, pull in repository.pulls if issue.is_open and pull.head.sha == run.sha]
    output: Json = {name: run.output.get(name) for name in _OUTPUT}
    return {
        "id": run.id,
        "node_id": node_id("CheckRun", run.id),
        "head_sha": run.sha,
        "external_id": run.external_id,
        "url": api,
        "html_url": view.web(f"/{repository.full_name}/runs/{run.id}"),
        "details_url": run.details_url,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": stamp_or_none(run.started_at),
        "completed_at": stamp_or_none(run.completed_at),
        "output": output | {"annotations_count": 0, "annotations_url": f"{api}/annotations"},
        "name": run.name,
        "check_suite": {"id": run.app.id},
        "app": answers_apps.app(view, run.app),
        "pull_requests": [answers_pulls.minimal(view, issue, pull, repository) for issue, pull in pulls],
    }


_CHANGES = {
    "details_url": STRING,
    "external_id": STRING,
    "status": one_of("queued", "in_progress", "completed"),
    "started_at": STRING,
    "conclusion": one_of(*_CONCLUSIONS),
    "completed_at": STRING,
    "output": THING,
}

ROUTES = (
    write("POST", _RUNS, _create, {"name": NEEDED, "head_sha": NEEDED} | _CHANGES, status=201),
    get(f"{_RUNS}/{{id}}", _get),
    write("PATCH", f"{_RUNS}/{{id}}", _update, {"name": STRING} | _CHANGES),
    get(
        "/repos/{owner}/{repo}/commits/{ref+}/check-runs",
        _list,
        query=(*PAGES, "check_name", "status", "filter", "app_id"),
    ),
)

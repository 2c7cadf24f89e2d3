"""Commit statuses: anybody who may write can say of a commit that a check succeeded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge import announcing
from reconciler.sandbox.forge.model import Status
from reconciler.sandbox.forge.refusals import Refused
from reconciler.sandbox.forge.rest import answers, answers_git
from reconciler.sandbox.forge.rest.commits import resolved
from reconciler.sandbox.forge.rest.fields import STRING, TEXT, one_of
from reconciler.sandbox.forge.rest.routes import PAGES, get, write
from reconciler.sandbox.forge.rest.view import View, stamp
from reconciler.sandbox.forge.urls import node_id

if TYPE_CHECKING:
    from reconciler.sandbox.forge.model import Json
    from reconciler.sandbox.forge.rest.call import Call, Reply


def _create(call: Call) -> Json:
    sha = call.parts["sha"]
    if not call.repository.git.has(sha):
        raise Refused(422, f"No commit found for SHA: {sha}")
    made = Status(
        id=call.state.next_id(),
        sha=sha,
        state=call.given["state"],
        context=call.given.get("context", "default"),
        description=call.given.get("description"),
        target_url=call.given.get("target_url"),
        creator=call.me,
        created_at=call.state.now(),
    )
    call.repository.statuses.append(made)
    tell = {"sha": sha, "state": made.state, "context": made.context, "description": made.description, "id": made.id}
    announcing.announce(call.state, call.repository, "status", call.me, lambda _: tell)
    return _answer(call.view, call.repository.full_name, made)


def _list(call: Call) -> Reply:
    return call.paged(_of(call), lambda each: _answer(call.view, call.repository.full_name, each))


def _combined(call: Call) -> Json:
    sha = resolved(call, call.parts["ref"], 404)
    newest: dict[str, Status] = {}
    for status in reversed(_of(call)):
        newest[status.context] = status
    states = {status.state for status in newest.values()}
    word = "failure" if states & {"error", "failure"} else "success" if states == {"success"} else "pending"
    url = answers_git.api(call.view, call.repository, f"/commits/{sha}")
    name = call.repository.full_name
    return {
        "state": word,
        "statuses": [_answer(call.view, name, status, creator=False) for status in newest.values()],
        "sha": sha,
        "total_count": len(newest),
        "repository": answers.repository(call.view, call.repository),
        "commit_url": url,
        "url": f"{url}/status",
    }


def _of(call: Call) -> list[Status]:
    """Return the statuses of a commit, newest first."""
    sha = resolved(call, call.parts["ref"], 404)
    return [status for status in reversed(call.repository.statuses) if status.sha == sha]


def _answer(view: View, name: str, shown: Status, *, creator: bool = True) -> Json:
    answer = {
        "url": view.api(f"/repos/{name}/statuses/{shown.sha}"),
        "avatar_url": view.web(f"/avatars/u/{shown.creator.id}"),
        "id": shown.id,
        "node_id": node_id("StatusContext", shown.id),
        "state": shown.state,
        "description": shown.description,
        "target_url": shown.target_url,
        "context": shown.context,
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.created_at),
    }
    return answer | {"creator": answers.user(view, shown.creator)} if creator else answer


_NEW = {
    "state": one_of("error", "failure", "pending", "success", required=True),
    "target_url": TEXT,
    "description": TEXT,
    "context": STRING,
}

ROUTES = (
    write("POST", "/repos/{owner}/{repo}/statuses/{sha}", _create, _NEW, status=201),
    get("/repos/{owner}/{repo}/commits/{ref+}/statuses", _list, query=PAGES),
    get("/repos/{owner}/{repo}/commits/{ref+}/status", _combined, query=PAGES),
)

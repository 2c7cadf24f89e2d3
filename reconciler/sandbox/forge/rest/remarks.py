"""Remarks at lines of a pull request's diff, alone or within a review."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.forge.model import Issue, Json, Permission, PullRequest, ReviewComment
from reconciler.sandbox.forge.refusals import NO_RIGHTS, forbidden, invalid, malformed, not_found
from reconciler.sandbox.forge.rest import answers_pulls
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.fields import NEEDED, NUMBER, one_of
from reconciler.sandbox.forge.rest.routes import PAGES, get, write
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.forge.rest.call import Call

_PULLS = "/repos/{owner}/{repo}/pulls"
_ONE = f"{_PULLS}/comments/{{id}}"
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_LISTED = (*PAGES, "sort", "direction", "since")
_KNOWN = frozenset({"path", "body", "line", "side", "start_line", "start_side", "subject_type"})


def made(call: Call, pull: PullRequest, given: Mapping[str, Any], commit: str, review: int | None) -> ReviewComment:
    """Make a remark; its line must be in the diff. It is not yet part of the pull request."""
    unknown = set(given) - _KNOWN
    if unknown:
        raise NotInSandbox(f"the field {min(unknown)} of a review comment")
    path, body, line = given.get("path"), given.get("body"), given.get("line")
    if not path or not body:
        raise malformed('"path" and "body" must be supplied.')
    changes = call.repository.git.changed_files(pull.base.sha, pull.head.sha)
    change = next((each for each in changes if each.path == path), None)
    if change is None:
        raise invalid("PullRequestReviewComment", "path", message="path is invalid")
    side = given.get("side", "RIGHT")
    whole = given.get("subject_type") == "file"
    position, hunk = (1, "") if whole else _place_of(change.patch, line, side)
    now = call.state.now()
    return ReviewComment(
        id=call.state.next_id(),
        review=review,
        user=call.me,
        body=body,
        path=path,
        line=None if whole else line,
        side=side,
        start_line=given.get("start_line"),
        position=position,
        hunk=hunk,
        commit=commit,
        original_commit=commit,
        reply_to=None,
        created_at=now,
        updated_at=now,
    )


def _place_of(patch: str, line: int | None, side: str) -> tuple[int, str]:
    """Return where a patch shows a line of the old or the new file, and its hunk as far as there."""
    wanted, hunk = ("-", " ") if side == "LEFT" else ("+", " "), []
    number = 0
    for position, text in enumerate(patch.split("\n")):
        head = _HUNK.match(text)
        if head is not None:
            number, hunk = int(head[1] if side == "LEFT" else head[2]) - 1, [text]
            continue
        hunk.append(text)
        number += text[:1] in wanted
        if number == line and text[:1] in wanted:
            return position, "\n".join(hunk)
    raise invalid(
        "PullRequestReviewComment", "line", message="pull_request_review_thread.line must be part of the diff"
    )


def _list(call: Call) -> Reply:
    issue, pull = call.pull()
    return _listed(call, [(issue, each) for each in pull.remarks if _is_public(call, pull, each)])


def _list_all(call: Call) -> Reply:
    found = [(issue, each) for issue, pull in call.repository.pulls for each in pull.remarks]
    return _listed(call, found)


def _of_review(call: Call) -> Reply:
    issue, pull = call.pull()
    number = call.number("id")
    return _listed(call, [(issue, each) for each in pull.remarks if each.review == number])


def _listed(call: Call, found: list[tuple[Issue, ReviewComment]]) -> Reply:
    since, sort = call.since(), call.choice("sort", ("created", "updated"))
    shown = [pair for pair in found if since is None or pair[1].updated_at >= since]
    newest_first = call.choice("direction", ("asc", "desc")) == "desc"
    shown.sort(key=lambda pair: (getattr(pair[1], f"{sort}_at"), pair[1].id), reverse=newest_first)
    return call.paged(shown, lambda pair: answers_pulls.remark(call.view, call.repository, *pair))


def _is_public(call: Call, pull: PullRequest, remark: ReviewComment) -> bool:
    """Tell whether others see it: a pending review's remarks are its author's alone."""
    pending = {review.id for review in pull.reviews if review.state == "PENDING"}
    return remark.review not in pending or remark.user is call.user


def _create(call: Call) -> Json:
    issue, pull = call.pull()
    given = {name: value for name, value in call.given.items() if name not in ("commit_id", "in_reply_to")}
    if "in_reply_to" in call.given:
        return _replied(call, issue, pull, call.given["in_reply_to"])
    if call.given["commit_id"] != pull.head.sha and not call.repository.git.has(call.given["commit_id"]):
        raise invalid("PullRequestReviewComment", "commit_id", message="commit_id is not part of the pull request")
    remark = made(call, pull, given, call.given["commit_id"], None)
    pull.remarks.append(remark)
    return answers_pulls.remark(call.view, call.repository, issue, remark)


def _reply(call: Call) -> Json:
    issue, pull = call.pull()
    return _replied(call, issue, pull, call.number("id"))


def _replied(call: Call, issue: Issue, pull: PullRequest, number: int) -> Json:
    first = next((each for each in pull.remarks if each.id == number), None)
    if first is None:
        raise not_found()
    given = {"path": first.path, "body": call.given["body"], "line": first.line, "side": first.side}
    remark = made(call, pull, given | ({"subject_type": "file"} if first.line is None else {}), pull.head.sha, None)
    remark.reply_to = first.reply_to or first.id
    pull.remarks.append(remark)
    return answers_pulls.remark(call.view, call.repository, issue, remark)


def _get(call: Call) -> Json:
    issue, _, remark = _found(call)
    return answers_pulls.remark(call.view, call.repository, issue, remark)


def _update(call: Call) -> Json:
    issue, _, remark = _mine(call)
    remark.body, remark.updated_at = call.given["body"], call.state.now()
    return answers_pulls.remark(call.view, call.repository, issue, remark)


def _delete(call: Call) -> Reply:
    _, pull, remark = _mine(call)
    pull.remarks.remove(remark)
    return Reply(status=204)


def _found(call: Call) -> tuple[Issue, PullRequest, ReviewComment]:
    number = call.number("id")
    for issue, pull in call.repository.pulls:
        for remark in pull.remarks:
            if remark.id == number:
                return issue, pull, remark
    raise not_found()


def _mine(call: Call) -> tuple[Issue, PullRequest, ReviewComment]:
    found = _found(call)
    if found[2].user is not call.me and call.permission < Permission.WRITE:
        raise forbidden(NO_RIGHTS)
    return found


_NEW = {
    "body": NEEDED,
    "commit_id": NEEDED,
    "path": NEEDED,
    "line": NUMBER,
    "side": one_of("LEFT", "RIGHT"),
    "start_line": NUMBER,
    "start_side": one_of("LEFT", "RIGHT", "side"),
    "in_reply_to": NUMBER,
    "subject_type": one_of("line", "file"),
}
_BODY = {"body": NEEDED}

ROUTES = (
    get(f"{_PULLS}/comments", _list_all, query=_LISTED),
    get(_ONE, _get),
    write("PATCH", _ONE, _update, _BODY, needs=Permission.READ),
    write("DELETE", _ONE, _delete, status=204, needs=Permission.READ),
    get(f"{_PULLS}/{{number}}/comments", _list, query=_LISTED),
    write("POST", f"{_PULLS}/{{number}}/comments", _create, _NEW, status=201, needs=Permission.READ),
    write("POST", f"{_PULLS}/{{number}}/comments/{{id}}/replies", _reply, _BODY, status=201, needs=Permission.READ),
    get(f"{_PULLS}/{{number}}/reviews/{{id}}/comments", _of_review, query=PAGES),
)

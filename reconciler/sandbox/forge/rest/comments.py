"""Comments under issues and pull requests, and what happened to them: events and the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge import announcing
from reconciler.sandbox.forge.model import Comment, Event, Issue, Json, Permission
from reconciler.sandbox.forge.refusals import NO_RIGHTS, forbidden, invalid, not_found
from reconciler.sandbox.forge.rest import answers, answers_git, answers_issues, answers_pulls
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.fields import NEEDED
from reconciler.sandbox.forge.rest.issues import check_body
from reconciler.sandbox.forge.rest.routes import PAGES, get, write

if TYPE_CHECKING:
    from reconciler.sandbox.forge.rest.call import Call

_ISSUES = "/repos/{owner}/{repo}/issues"
_ONE = f"{_ISSUES}/comments/{{id}}"
_LISTED = (*PAGES, "since")


def _list(call: Call) -> Reply:
    issue, since = call.issue(), call.since()
    found = [each for each in issue.comments if since is None or each.updated_at >= since]
    return call.paged(found, lambda each: _answer(call, issue, each))


def _list_all(call: Call) -> Reply:
    since = call.since()
    found = [
        (issue, each)
        for issue in call.repository.issues.values()
        for each in issue.comments
        if since is None or each.updated_at >= since
    ]
    sort, newest_first = (
        call.choice("sort", ("created", "updated")),
        call.choice("direction", ("asc", "desc")) == "desc",
    )
    found.sort(key=lambda pair: (getattr(pair[1], f"{sort}_at"), pair[1].id), reverse=newest_first)
    return call.paged(found, lambda pair: _answer(call, *pair))


def _create(call: Call) -> Json:
    issue, now = call.issue(), call.state.now()
    made = Comment(id=call.state.next_id(), user=call.me, body=_body(call), created_at=now, updated_at=now)
    issue.comments.append(made)
    issue.updated_at = now
    return _told(call, issue, made, "created")


def _get(call: Call) -> Json:
    issue, found = _found(call)
    return _answer(call, issue, found)


def _update(call: Call) -> Json:
    issue, found = _mine(call)
    found.body, found.updated_at = _body(call), call.state.now()
    return _told(call, issue, found, "edited")


def _delete(call: Call) -> Reply:
    issue, found = _mine(call)
    issue.comments.remove(found)
    _told(call, issue, found, "deleted")
    return Reply(status=204)


def _body(call: Call) -> str:
    body: str = call.given["body"]
    if not body.strip():
        raise invalid("IssueComment", "body", "missing_field")
    check_body(body, "IssueComment")
    return body


def _found(call: Call) -> tuple[Issue, Comment]:
    number = call.number("id")
    for issue in call.repository.issues.values():
        for each in issue.comments:
            if each.id == number:
                return issue, each
    raise not_found()


def _mine(call: Call) -> tuple[Issue, Comment]:
    issue, found = _found(call)
    if found.user is not call.me and call.permission < Permission.WRITE:
        raise forbidden(NO_RIGHTS)
    return issue, found


def _told(call: Call, issue: Issue, comment: Comment, action: str) -> Json:
    answer = _answer(call, issue, comment)
    announcing.announce_issue(call.state, call.repository, issue, call.me, "issue_comment", action, comment=answer)
    return answer


def _answer(call: Call, issue: Issue, comment: Comment) -> Json:
    return answers_issues.comment(call.view, call.repository, issue, comment)


def _events(call: Call) -> Reply:
    return call.paged(call.issue().events, lambda each: answers_issues.event(call.view, call.repository, each))


def _all_events(call: Call) -> Reply:
    found = [(each, issue) for issue in call.repository.issues.values() for each in issue.events]
    found.sort(key=lambda pair: pair[0].id, reverse=True)
    return call.paged(found, lambda pair: _with_issue(call, *pair))


def _event(call: Call) -> Json:
    number = call.number("id")
    for issue in call.repository.issues.values():
        for each in issue.events:
            if each.id == number:
                return _with_issue(call, each, issue)
    raise not_found()


def _with_issue(call: Call, event: Event, issue: Issue) -> Json:
    shown = answers_issues.issue(call.view, call.repository, issue)
    return answers_issues.event(call.view, call.repository, event) | {"issue": shown}


def _timeline(call: Call) -> Reply:
    """Return all that happened to an issue in its order: commits first, which have no number of ours."""
    issue, view, repository = call.issue(), call.view, call.repository
    found = [(each.id, answers_issues.event(view, repository, each)) for each in issue.events]
    for comment in issue.comments:
        told = {"event": "commented", "actor": answers.user(view, comment.user)}
        found.append((comment.id, _answer(call, issue, comment) | told))
    commits: list[Json] = []
    if issue.pull is not None:
        for review in issue.pull.reviews:
            if review.state != "PENDING":
                answer = answers_pulls.review(view, repository, issue, review)
                found.append((review.id, answer | {"event": "reviewed", "state": answer["state"].lower()}))
        listed = repository.git.commits_between(issue.pull.base.sha, issue.pull.head.sha)
        commits = [answers_git.git_commit(view, repository, each) | {"event": "committed"} for each in listed]
    found.sort(key=lambda pair: pair[0])
    return call.paged([*commits, *(answer for _, answer in found)], lambda each: each)


ROUTES = (
    get(f"{_ISSUES}/comments", _list_all, query=(*_LISTED, "sort", "direction")),
    get(_ONE, _get),
    write("PATCH", _ONE, _update, {"body": NEEDED}, needs=Permission.READ),
    write("DELETE", _ONE, _delete, status=204, needs=Permission.READ),
    get(f"{_ISSUES}/events", _all_events, query=PAGES),
    get(f"{_ISSUES}/events/{{id}}", _event),
    get(f"{_ISSUES}/{{number}}/comments", _list, query=_LISTED),
    write("POST", f"{_ISSUES}/{{number}}/comments", _create, {"body": NEEDED}, status=201, needs=Permission.READ),
    get(f"{_ISSUES}/{{number}}/events", _events, query=PAGES),
    get(f"{_ISSUES}/{{number}}/timeline", _timeline, query=PAGES),
)

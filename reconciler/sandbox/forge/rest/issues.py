"""Issues, and the side of a pull request that is one: title, state, labels and assignees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge import announcing, lifecycle, reopening
from reconciler.sandbox.forge.model import Edit, Issue, Json, Permission, User
from reconciler.sandbox.forge.refusals import NO_RIGHTS, Refused, forbidden, invalid
from reconciler.sandbox.forge.rest import answers_issues, labels
from reconciler.sandbox.forge.rest.fields import LIST, NEEDED, STRING, TEXT, Field, one_of
from reconciler.sandbox.forge.rest.routes import PAGES, get, write

if TYPE_CHECKING:
    from reconciler.sandbox.forge.rest.call import Call, Reply

_ISSUES = "/repos/{owner}/{repo}/issues"
_ONE = f"{_ISSUES}/{{number}}"
_LONGEST = 65_536  # characters of a text
_TITLE = 256


def check_title(title: str | None, resource: str) -> str:
    """Return a title that can be one."""
    if not title or not title.strip():
        raise invalid(resource, "title", "missing_field")
    if len(title) > _TITLE:
        raise invalid(resource, "title", "custom", f"title is too long (maximum is {_TITLE} characters)")
    return title


def check_body(body: str | None, resource: str) -> str | None:
    """Return a text that is short enough."""
    if body is not None and len(body) > _LONGEST:
        raise invalid(resource, "body", "custom", f"body is too long (maximum is {_LONGEST} characters)")
    return body


def rename(call: Call, issue: Issue, title: str) -> None:
    """Give an issue another title."""
    if title != issue.title:
        lifecycle.record(call.state, issue, "renamed", call.me, rename={"from": issue.title, "to": title})
        issue.title = title


def rewrite(call: Call, issue: Issue, body: str | None) -> None:
    """Give an issue another text; who changed it and into what is kept, as GraphQL tells it."""
    if body == issue.body:
        return
    if not issue.edits:
        issue.edits.append(Edit(editor=issue.user, at=issue.created_at, body=issue.body or ""))
    issue.edits.append(Edit(editor=call.me, at=call.state.now(), body=body or ""))
    issue.body = body


def _list(call: Call) -> Reply:
    asked, since = call.request, call.since()
    state = call.choice("state", ("open", "closed", "all"))
    wanted = {name.lower() for name in asked.first("labels").split(",") if name}
    creator, assignee = asked.first("creator").lower(), asked.first("assignee").lower()
    found = [
        issue
        for issue in call.repository.issues.values()
        if state in ("all", issue.state)
        and wanted <= {label.name.lower() for label in issue.labels}
        and creator in ("", issue.user.login.lower())
        and (since is None or issue.updated_at >= since)
        and _is_assigned(issue, assignee)
    ]
    keys = {
        "created": lambda issue: (issue.created_at, issue.number),
        "updated": lambda issue: (issue.updated_at, issue.number),
        "comments": lambda issue: (len(issue.comments), issue.number),
    }
    newest_first = call.choice("direction", ("desc", "asc")) == "desc"
    shown = sorted(found, key=keys[call.choice("sort", tuple(keys))], reverse=newest_first)
    return call.paged(shown, lambda issue: answers_issues.issue(call.view, call.repository, issue))


def _is_assigned(issue: Issue, login: str) -> bool:
    logins = {user.login.lower() for user in issue.assignees}
    return {"": True, "*": bool(logins), "none": not logins}.get(login, login in logins)


def _get(call: Call) -> Json:
    return answers_issues.issue(call.view, call.repository, call.issue())


def _create(call: Call) -> Json:
    repository, state, given = call.repository, call.state, call.given
    if not repository.settings.has_issues:
        raise Refused(410, "Issues are disabled for this repo")
    now = state.now()
    issue = Issue(
        id=state.next_id(),
        number=lifecycle.next_number(repository),
        user=call.me,
        title=check_title(given["title"], "Issue"),
        body=check_body(given.get("body"), "Issue"),
        created_at=now,
        updated_at=now,
    )
    assignees = _assignees(call)
    repository.issues[issue.number] = issue
    if call.permission >= Permission.TRIAGE:  # others' labels are dropped in silence
        labels.replace(call, issue, labels.names(given.get("labels", ())))
        _assign(call, issue, assignees)
    announcing.announce_issue(state, repository, issue, call.me, "issues", "opened")
    return answers_issues.issue(call.view, repository, issue)


def _update(call: Call) -> Json:
    issue, given, repository = call.issue(), call.given, call.repository
    if call.me is not issue.user and call.permission < Permission.TRIAGE:
        raise forbidden(NO_RIGHTS)
    state = given.get("state", issue.state)
    if issue.pull is not None and state == "open" and not issue.is_open:
        reopening.check(repository, issue.pull)
    title = check_title(given.get("title", issue.title), "Issue")
    body = check_body(given.get("body", issue.body), "Issue")
    assignees = _assignees(call)
    rename(call, issue, title)
    rewrite(call, issue, body)
    if call.permission >= Permission.TRIAGE:
        if "labels" in given:
            labels.replace(call, issue, labels.names(given["labels"]))
        if "assignees" in given or "assignee" in given:
            _assign(call, issue, assignees)
    if state == "closed" and issue.is_open:
        reason = None if issue.pull else given.get("state_reason") or "completed"
        lifecycle.close(call.state, repository, issue, call.me, reason=reason)
    elif state == "open" and not issue.is_open:
        lifecycle.reopen(call.state, repository, issue, call.me)
    issue.updated_at = call.state.now()
    return answers_issues.issue(call.view, repository, issue)


def _add_assignees(call: Call) -> Json:
    issue = call.issue()
    present = [user for user in _assignees(call) if user not in issue.assignees]
    _assign(call, issue, [*issue.assignees, *present])
    return answers_issues.issue(call.view, call.repository, issue)


def _remove_assignees(call: Call) -> Json:
    issue, gone = call.issue(), _assignees(call)
    _assign(call, issue, [user for user in issue.assignees if user not in gone])
    return answers_issues.issue(call.view, call.repository, issue)


def _assignees(call: Call) -> list[User]:
    given = call.given
    logins = list(given.get("assignees", ())) or ([given["assignee"]] if given.get("assignee") else [])
    found = []
    for login in logins:
        user = call.state.user(str(login))
        if user is None or not call.state.is_collaborator(user, call.repository):
            raise invalid("Issue", "assignees", "invalid")
        found.append(user)
    return found


def _assign(call: Call, issue: Issue, users: list[User]) -> None:
    for user in users:
        if user not in issue.assignees:
            lifecycle.record(call.state, issue, "assigned", call.me, assignee=user, assigner=call.me)
    for user in issue.assignees:
        if user not in users:
            lifecycle.record(call.state, issue, "unassigned", call.me, assignee=user, assigner=call.me)
    issue.assignees = users


_TEXTS = {"body": TEXT, "assignee": TEXT, "assignees": LIST, "labels": LIST}
_NEW = {"title": NEEDED} | _TEXTS
_CHANGES = {
    "title": STRING,
    "state": one_of("open", "closed"),
    "state_reason": Field("string", nullable=True, values=("completed", "not_planned", "reopened")),
} | _TEXTS
_LISTED = (*PAGES, "state", "labels", "creator", "assignee", "sort", "direction", "since")
_WHO = {"assignees": LIST}

ROUTES = (
    get(_ISSUES, _list, query=_LISTED),
    write("POST", _ISSUES, _create, _NEW, status=201, needs=Permission.READ),
    get(_ONE, _get),
    write("PATCH", _ONE, _update, _CHANGES, needs=Permission.READ),
    write("POST", f"{_ONE}/assignees", _add_assignees, _WHO, status=201, needs=Permission.TRIAGE, lacking=NO_RIGHTS),
    write("DELETE", f"{_ONE}/assignees", _remove_assignees, _WHO, needs=Permission.TRIAGE, lacking=NO_RIGHTS),
)

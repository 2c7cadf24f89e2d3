"""Talking on GitHub: comments, the dashboard issue, labels and commit statuses, through PyGithub.

Comments of the whole repository come in one request, which is conditional from a process's second pass on: an answer
of 304 costs nothing of the rate limit. PyGithub has no conditional list, so requests are made below its objects.

Protects: a text of ours is recognised by marker and author, never by the marker alone; a permission is asked for,
never read off `author_association`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reconciler.adapters import forges, talking
from reconciler.adapters.github_client import asking, connect
from reconciler.errors import ReconcilerError, Refusal, SourceError
from reconciler.model.conversation import Board, Comment, DashboardIssue, Revision
from reconciler.model.facts import Fact, Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from github import Github

    from reconciler.adapters.github_budget import Budget
    from reconciler.adapters.tokens import Secret
    from reconciler.model.conversation import StatusState
    from reconciler.model.objects import CommitId
    from reconciler.ports import Diagnosis, Talk
    from reconciler.settings import ForgeSettings

_EDITS = """
query Edits($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    issue(number: $number) {
      userContentEdits(first: 50) { nodes { editedAt diff editor { login __typename } } }
    }
  }
}
"""
_PAGE = 100  # the most that GitHub gives
_WRITERS = frozenset({"admin", "write"})
_GONE = (f"_{HTTPStatus.NOT_FOUND.value}", f"_{HTTPStatus.GONE.value}")  # ends of codes


def github_talk(settings: ForgeSettings, secret: str | Secret, *, budget: Budget | None = None) -> Talk:
    """Connect to the repository of the settings, with a token or as an App; nothing is asked yet.

    `budget` is what all clients of the process share.
    """
    client = connect(settings, forges.checked_token(settings, secret), per_page=_PAGE, budget=budget)
    return _GitHubTalk(client, settings)


class _GitHubTalk:
    """One repository on GitHub."""

    def __init__(self, client: Github, settings: ForgeSettings) -> None:
        self._client = client
        self._repo = client.get_repo(settings.repository)
        self._us = ""
        self._settings = settings
        self._name = settings.repository
        self._kept: dict[str, _Kept] = {}  # by path without its query: what was read last

    def examine(self) -> Sequence[Diagnosis]:
        """Try comments, permissions, issues and statuses, as far as they are switched on."""
        return tuple(talking.examined(self, self._settings, "GitHub", who=self._told_who, issues=self._has_issues))

    def comments(self, *, since: datetime) -> Fact[tuple[Comment, ...]]:
        """Read the oldest changes first, so that what does not fit into a pass is the newest."""
        query = f"sort=updated&direction=asc&per_page={_PAGE}&since={since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        path = f"/issues/comments?{query}"
        try:
            with asking("for comments"):
                found = [_comment(each) for each in self._unchanged(path)]
                for page in range(2, talking.PAGES + 1):
                    if len(found) % _PAGE or not found:
                        break
                    found += [_comment(each) for each in self._get(f"{path}&page={page}")]
        except ReconcilerError as error:
            return Unknown("github", error.message, error.remedy)
        return talking.in_order(found)

    def us(self) -> str:
        """Ask once who we are; an App and a workflow have no user, and only GraphQL knows their name."""
        if not self._us:
            with asking("who we are"):
                self._us = self._login()
        return self._us

    def may_write(self, user: str) -> bool:
        """Ask for the permission; somebody whose account is gone has none."""
        try:
            with asking(f"what {user} may do"):
                return self._get(f"/collaborators/{quote(user, safe='')}/permission")["permission"] in _WRITERS
        except SourceError as error:
            if error.code.endswith(_GONE):
                return False
            raise

    def write_comment(self, number: int, body: str, *, marker: str, known: int | None) -> int:
        """Edit ours, or write it where there is none."""
        if known is not None and self._edited(known, body):
            return known
        found = self._ours(number, marker)
        if found is not None and self._edited(found, body):
            return found
        with asking(f"to comment on {number}", writing=True):
            return int(self._send("POST", f"/issues/{number}/comments", {"body": body})["id"])

    def find_dashboard(self, marker: str) -> DashboardIssue | None:
        """Look through the issues that we opened."""
        us, found = self.us(), []
        with asking("for the dashboard"):
            for page in range(1, talking.DASHBOARDS // _PAGE + 1):
                query = f"state=all&sort=created&direction=asc&per_page={_PAGE}&page={page}&creator={quote(us)}"
                listed = self._get(f"/issues?{query}")
                found += [_issue(each) for each in listed if "pull_request" not in each]
                if len(listed) < _PAGE:
                    break
        return talking.oldest(found, marker)

    def dashboard(self, number: int) -> DashboardIssue | None:
        """Read the issue."""
        try:
            with asking(f"for issue {number}"):
                return _issue(self._get(f"/issues/{number}"))
        except SourceError as error:
            if error.code.endswith(_GONE):
                return None
            raise

    @property
    def tells_editors(self) -> bool:
        """GraphQL has each revision of a text, whole, with its editor."""
        return True

    def board(self, number: int) -> Fact[Board | None]:
        """Read the issue; its revisions only where a box is ticked."""
        try:
            with asking(f"for issue {number}"):
                data = self._unchanged(f"/issues/{number}")
                issue = _issue(data)
            revisions = self._revisions(number) if talking.has_tick(issue.body) else ()
        except ReconcilerError as error:
            if error.code.endswith(_GONE):
                return None
            return Unknown("github", error.message, error.remedy)
        return Board(issue=issue, revisions=revisions)

    def write_dashboard(self, number: int | None, *, title: str, body: str) -> DashboardIssue:
        """Edit or open the issue."""
        with asking("to write the dashboard", writing=True):
            if number is None:
                return _issue(self._send("POST", "/issues", {"title": title, "body": body}))
            return _issue(self._send("PATCH", f"/issues/{number}", {"body": body}))

    def label(self, number: int, name: str, *, wanted: bool) -> None:
        """Add or remove one label; others' stay."""
        labels = f"/issues/{number}/labels"
        with asking(f"for the labels of {number}"):
            there = {label["name"].casefold() for label in self._get(f"{labels}?per_page={_PAGE}")}
        if (name.casefold() in there) is wanted:
            return
        with asking(f"to label {number}", writing=True):
            if wanted:
                self._send("POST", labels, {"labels": [name]})
            else:
                self._send("DELETE", f"{labels}/{quote(name, safe='')}", None)

    def set_status(self, commit: CommitId, state: StatusState, *, description: str) -> None:
        """Add a status; of one context the newest counts."""
        fields = {"state": state.value, "context": talking.CONTEXT, "description": description}
        with asking(f"for a status of {commit[:8]}", writing=True):
            self._send("POST", f"/statuses/{commit}", fields)

    def _told_who(self) -> str:
        self.may_write(self._name.partition("/")[0])
        return "we are told who may write, so that their commands count"

    def _has_issues(self) -> str:
        with asking("for the repository"):
            if not self._get("")["has_issues"]:
                raise Refusal(
                    code="github.no_issues",
                    message=f"{self._name} has no issues, so there can be no dashboard",
                    remedy="switch issues on in the repository's settings, or forge.dashboard off",
                )
        return "the repository has issues"

    def _login(self) -> str:
        requester = self._client.requester
        try:
            with asking("who we are"):
                return str(requester.requestJsonAndCheck("GET", "/user")[1]["login"])
        except SourceError as error:
            if not error.code.endswith(f"_{HTTPStatus.FORBIDDEN.value}"):
                raise
        _, answer = requester.graphql_query("query Who { viewer { login } }", {})
        return str(answer["data"]["viewer"]["login"])

    def _unchanged(self, path: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """Read; where nothing changed since, what was read before."""
        kept = self._kept.get(path.partition("?")[0])
        headers = {"If-None-Match": kept.etag} if kept is not None and kept.path == path and kept.etag else {}
        requester = self._repo.requester
        status, answered, text = requester.requestJson("GET", f"{self._repo.url}{path}", headers=headers)
        if kept is not None and status == HTTPStatus.NOT_MODIFIED:
            return kept.data
        if status >= HTTPStatus.BAD_REQUEST:
            raise requester.createException(status, answered, _read(text))
        data = json.loads(text)
        self._kept[path.partition("?")[0]] = _Kept(path, str(answered.get("etag") or ""), data)
        return data

    def _revisions(self, number: int) -> tuple[Revision, ...]:
        """Return the newest revisions of an issue's text, oldest first; GraphQL gives the newest first."""
        owner, _, name = self._name.partition("/")
        variables = {"owner": owner, "name": name, "number": number}
        with asking(f"who edited issue {number}"):
            _, answer = self._client.requester.graphql_query(_EDITS, variables)
            nodes = answer["data"]["repository"]["issue"]["userContentEdits"]["nodes"]
            return tuple(sorted(map(_revision, reversed(nodes)), key=lambda revision: revision.at))

    def _ours(self, number: int, marker: str) -> int | None:
        us = self.us()
        with asking(f"for the comments of {number}"):
            for page in range(1, talking.PAGES + 1):
                listed = self._get(f"/issues/{number}/comments?per_page={_PAGE}&page={page}")
                for each in listed:
                    ours = each["user"] is not None and talking.is_us(each["user"]["login"], us)
                    if ours and talking.carries(each["body"] or "", marker):
                        return int(each["id"])
                if len(listed) < _PAGE:
                    break
        return None

    def _edited(self, comment: int, body: str) -> bool:
        """Give a comment another text; False when somebody deleted it."""
        try:
            with asking(f"to edit comment {comment}", writing=True):
                self._send("PATCH", f"/issues/comments/{comment}", {"body": body})
        except SourceError as error:
            if error.code.endswith(_GONE):
                return False
            raise
        return True

    def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
        return self._repo.requester.requestJsonAndCheck("GET", f"{self._repo.url}{path}")[1]

    def _send(self, method: str, path: str, body: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
        return self._repo.requester.requestJsonAndCheck(method, f"{self._repo.url}{path}", input=body)[1]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer, and the tag by which GitHub knows it."""

    path: str
    etag: str
    data: Any


def _read(text: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
    try:
        return json.loads(text)
    except ValueError:
        return {"message": text}


def _comment(data: dict[str, Any]) -> Comment:
    user = data["user"]  # None when the account is gone
    return Comment(
        id=data["id"],
        number=int(data["issue_url"].rpartition("/")[2]),
        author=user["login"] if user else "",
        bot=bool(user) and user["type"] == "Bot",
        body=data["body"] or "",
        created_at=datetime.fromisoformat(data["created_at"]),
        updated_at=datetime.fromisoformat(data["updated_at"]),
    )


def _revision(data: dict[str, Any]) -> Revision:
    editor = data["editor"]  # None when the account is gone
    return Revision(
        at=datetime.fromisoformat(data["editedAt"]),
        editor=editor["login"] if editor else "",
        bot=bool(editor) and editor["__typename"] != "User",
        body=data["diff"] or "",  # the whole text after the edit; None where somebody took it out of the history
    )


def _issue(data: dict[str, Any]) -> DashboardIssue:
    return DashboardIssue(
        number=data["number"], url=data["html_url"], body=data["body"] or "", is_open=data["state"] == "open"
    )

"""Talking on Gitea: comments, the dashboard issue, labels and commit statuses, through its REST API.

Traps of its answers: a comment names its pull request in `pull_request_url`, and only an issue in `issue_url`; who may
write is told to a repository's administrators alone (403 otherwise), and of a team's members it says `read` whatever
the team may do with code (since 1.24), so that teams are asked as well, which tell their members alone; a label that
does not exist is ignored in silence, and one is taken off by its id; who edited a text is not told at all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reconciler import plain
from reconciler.adapters import talking
from reconciler.adapters.gitea import client_for
from reconciler.adapters.gitea_reviews import understood
from reconciler.errors import ReconcilerError, Refusal, SourceError, Unauthorized
from reconciler.model.conversation import Board, Comment, DashboardIssue
from reconciler.model.facts import Fact, Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.adapters.http import JsonClient
    from reconciler.model.conversation import StatusState
    from reconciler.model.objects import CommitId
    from reconciler.ports import Diagnosis, Talk
    from reconciler.settings import ForgeSettings

_PAGE = 50  # the most that Gitea gives unless it is configured otherwise
_WRITERS = frozenset({"owner", "admin", "write"})
_GONE, _FORBIDDEN, _NO_ORGANISATION = "_404", "_403", "_405"  # ends of codes
_LABEL_COLOR = "#d4c5f9"


def gitea_talk(settings: ForgeSettings, token: str) -> Talk:
    """Connect to the repository of the settings; nothing is asked yet."""
    return _GiteaTalk(client_for(settings, token), settings)


class _GiteaTalk:
    """One repository on a Gitea server."""

    def __init__(self, client: JsonClient, settings: ForgeSettings) -> None:
        self._client = client
        self._settings = settings
        self._repo = f"/repos/{quote(settings.repository)}"
        self._us = ""
        self._most = 0  # not asked yet

    def examine(self) -> Sequence[Diagnosis]:
        """Try comments, permissions, issues and statuses, as far as they are switched on."""
        return tuple(talking.examined(self, self._settings, "Gitea", who=self._told_who, issues=self._has_issues))

    def comments(self, *, since: datetime) -> Fact[tuple[Comment, ...]]:
        """Read what changed since."""
        criteria = {"since": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        try:
            with understood():
                listed = self._pages("/issues/comments", criteria)
                found = [_comment(each) for each in listed]
                if found and len(listed) >= talking.PAGES * self._page_size():
                    # There are more, and all of them were written later than these: nobody may read on from beyond.
                    last = max(comment.created_at for comment in found)
                    found = [comment for comment in found if comment.updated_at <= last]
        except ReconcilerError as error:
            return Unknown("gitea", error.message, error.remedy)
        return talking.in_order(found)

    def us(self) -> str:
        """Ask once who we are."""
        if not self._us:
            with understood():
                self._us = str(self._client.get("/user")["login"])
        return self._us

    def may_write(self, user: str) -> bool:
        """Ask a team that may write first, then for the permission, which only an administrator is told."""
        silent = ""
        for team in self._writing_teams():
            is_member = self._is_member(team["id"], user)
            if is_member:
                return True
            if is_member is None:
                silent = f", and a member of the team {plain.one_line(team['name'])}"
        try:
            found = self._got(f"{self._repo}/collaborators/{quote(user, safe='')}/permission")
        except Unauthorized as error:
            raise _untold(error, silent) from error
        with understood():
            if found is not None and found["permission"] in _WRITERS:
                return True
        if silent:
            message = f"Gitea does not tell us whether {user} is in a team that may write"
            raise _untold(Unauthorized(code="gitea.team_unknown", message=message, remedy=""), silent)
        return False

    def write_comment(self, number: int, body: str, *, marker: str, known: int | None) -> int:
        """Edit ours, or write it where there is none."""
        if known is not None and self._edited(known, body):
            return known
        found = self._ours(number, marker)
        if found is not None and self._edited(found, body):
            return found
        with understood():
            return int(self._client.send("POST", f"{self._repo}/issues/{number}/comments", {"body": body})["id"])

    def find_dashboard(self, marker: str) -> DashboardIssue | None:
        """Look through the issues that we opened."""
        criteria = {"type": "issues", "state": "all", "created_by": self.us()}
        with understood():
            found = [_issue(each) for each in self._pages("/issues", criteria)]
        return talking.oldest(found, marker)

    def dashboard(self, number: int) -> DashboardIssue | None:
        """Read the issue."""
        found = self._got(f"{self._repo}/issues/{number}")
        with understood():
            return _issue(found) if found is not None else None

    @property
    def tells_editors(self) -> bool:
        """Gitea's API has no revisions, and its pages merge those of different people (go-gitea/gitea#34515)."""
        return False

    def board(self, number: int) -> Fact[Board | None]:
        """Return nothing: no tick could count."""
        return Unknown("gitea", f"who edited issue {number} is not told")

    def write_dashboard(self, number: int | None, *, title: str, body: str) -> DashboardIssue:
        """Edit or open the issue."""
        with understood():
            if number is None:
                return _issue(self._client.send("POST", f"{self._repo}/issues", {"title": title, "body": body}))
            return _issue(self._client.send("PATCH", f"{self._repo}/issues/{number}", {"body": body}))

    def label(self, number: int, name: str, *, wanted: bool) -> None:
        """Add or remove one label; one that the repository lacks is made."""
        labels = f"{self._repo}/issues/{number}/labels"
        with understood():
            there = {each["name"].casefold(): each["id"] for each in self._client.get(labels) or ()}
            if (name.casefold() in there) is wanted:
                return
            if not wanted:
                self._client.send("DELETE", f"{labels}/{there[name.casefold()]}")
                return
            put = self._client.send("POST", labels, {"labels": [name]}) or ()
            if name.casefold() not in {each["name"].casefold() for each in put}:
                self._client.send("POST", f"{self._repo}/labels", {"name": name, "color": _LABEL_COLOR})
                self._client.send("POST", labels, {"labels": [name]})

    def set_status(self, commit: CommitId, state: StatusState, *, description: str) -> None:
        """Add a status; of one context the newest counts."""
        fields = {"state": state.value, "context": talking.CONTEXT, "description": description}
        self._client.send("POST", f"{self._repo}/statuses/{commit}", fields)

    def _told_who(self) -> str:
        with understood():
            if not self._client.get(self._repo)["permissions"]["admin"]:
                message = "Gitea tells us who may write only of the members of our own teams"
                raise _untold(Unauthorized(code="gitea.no_admin", message=message, remedy=""), "")
        return "we are told who may write, so that their commands count"

    def _has_issues(self) -> str:
        with understood():
            if not self._client.get(self._repo)["has_issues"]:
                raise Refusal(
                    code="gitea.no_issues",
                    message="the repository has no issues, so there can be no dashboard",
                    remedy="switch issues on in the repository's settings, or forge.dashboard off",
                )
        return "the repository has issues"

    def _writing_teams(self) -> list[dict[str, Any]]:
        """Return the teams that may write code and whose members' permission does not show it."""
        try:
            teams = self._client.get(f"{self._repo}/teams") or []
        except SourceError as error:
            if error.code.endswith((_GONE, _NO_ORGANISATION, _FORBIDDEN)):
                return []
            raise
        with understood():
            unit = "repo.code"
            found = [team for team in teams if (team["units_map"] or {}).get(unit) in _WRITERS]
            return [team for team in found if team["permission"] not in _WRITERS]

    def _is_member(self, team: int, user: str) -> bool | None:
        """Tell whether somebody is in a team; None where we are not told, not being in it ourselves."""
        try:
            return self._got(f"/teams/{team}/members/{quote(user, safe='')}") is not None
        except Unauthorized:
            return None

    def _got(self, path: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """Read what may not be there: None then."""
        try:
            return self._client.get(path)
        except SourceError as error:
            if error.code.endswith(_GONE):
                return None
            raise

    def _ours(self, number: int, marker: str) -> int | None:
        us = self.us()
        with understood():
            # Gitea gives the comments of one issue all at once.
            for each in self._client.get(f"{self._repo}/issues/{number}/comments") or ():
                if talking.is_us(each["user"]["login"], us) and talking.carries(each["body"] or "", marker):
                    return int(each["id"])
        return None

    def _edited(self, comment: int, body: str) -> bool:
        """Give a comment another text; False when somebody deleted it."""
        try:
            self._client.send("PATCH", f"{self._repo}/issues/comments/{comment}", {"body": body})
        except SourceError as error:
            if error.code.endswith(_GONE):
                return False
            raise
        return True

    def _pages(self, path: str, criteria: dict[str, str]) -> list[dict[str, Any]]:
        """Return the items of a listing; a server may give fewer a page than was asked for."""
        found: list[dict[str, Any]] = []
        for page in range(1, talking.PAGES + 1):
            pages = {"page": str(page), "limit": str(_PAGE)}
            listed = self._client.get(f"{self._repo}{path}", {**criteria, **pages}) or []
            found += listed
            if not listed or len(listed) < self._page_size():
                break
        return found

    def _page_size(self) -> int:
        """Return the most that this server gives; where it gives less, a short page would look like the last."""
        if not self._most:
            self._most = min(_PAGE, self._client.get("/settings/api")["max_response_items"])
        return self._most


def _untold(error: Unauthorized, also: str) -> Unauthorized:
    remedy = f"make our user an administrator of the repository{also}: Gitea tells nobody else who may write"
    return Unauthorized(code=error.code, message=error.message, remedy=remedy)


def _comment(data: dict[str, Any]) -> Comment:
    address = data["pull_request_url"] or data["issue_url"]
    return Comment(
        id=data["id"],
        number=int(address.rpartition("/")[2]),
        author=data["user"]["login"],
        bot=False,  # Gitea does not tell
        body=data["body"] or "",
        created_at=datetime.fromisoformat(data["created_at"]),
        updated_at=datetime.fromisoformat(data["updated_at"]),
    )


def _issue(data: dict[str, Any]) -> DashboardIssue:
    return DashboardIssue(
        number=data["number"], url=data["html_url"], body=data["body"] or "", is_open=data["state"] == "open"
    )

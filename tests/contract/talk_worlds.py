"""What people do when they talk to us, in the same words on each forge, through other code than the code under test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.adapters.gitea_talk import gitea_talk
from reconciler.adapters.github_talk import github_talk
from reconciler.settings import ForgeKind, ForgeSettings
from tests.beds.users import BOT, READER, REVIEWER
from tests.contract.forge_worlds import GiteaWorld, GitHubWorld
from tests.testbed.processes import until

if TYPE_CHECKING:
    from reconciler.ports import Forge, Talk
    from reconciler.sandbox.clock import SandboxClock


ALL = {"dashboard": True, "statuses": True}


class TalkWorld(Protocol):
    """A repository of the test's own; `ana` may write to it and `mallory` may not."""

    bot: str

    def adapter(self, *, labels: tuple[str, ...] = (), reviewers: tuple[str, ...] = ()) -> Forge:
        """Return the forge's adapter, as our bot."""

    def talk(self) -> Talk:
        """Return the code under test, as our bot."""

    def push(self, branch: str) -> str:
        """Put a commit on a new branch, as our bot, and return it."""

    def say(self, number: int, body: str, *, by: str = REVIEWER) -> int:
        """Comment, and return the comment's id."""

    def edit(self, comment: int, body: str) -> None:
        """Let ana give a comment, whoever wrote it, another text."""

    def delete(self, comment: int) -> None:
        """Let ana delete a comment."""

    def comments(self, number: int) -> list[str]:
        """Return what was said."""

    def labels(self, number: int) -> set[str]:
        """Return the labels."""

    def label(self, number: int, name: str) -> None:
        """Put a label on, which the repository may lack."""

    def issue(self, title: str, body: str, *, by: str) -> int:
        """Open an issue."""

    def close_issue(self, number: int) -> None:
        """Let ana close an issue."""

    def statuses(self, commit: str) -> list[tuple[str, str, str]]:
        """Return context, state and description of a commit's statuses, newest first."""

    def rewrite(self, number: int, body: str) -> None:
        """Let ana give an issue another text."""

    def let_us_know_permissions(self) -> None:
        """Give our bot what it needs to be told who may write."""


class GiteaTalkWorld(GiteaWorld):
    """On the testbed's Gitea."""

    def talk(self) -> Talk:
        """Return the code under test, as our bot."""
        settings = ForgeSettings(kind=ForgeKind.GITEA, url=self._gitea.url, repository=self._repository, **ALL)
        return gitea_talk(settings, self._gitea.tokens[self.bot])

    def say(self, number: int, body: str, *, by: str = REVIEWER) -> int:
        """Comment."""
        path = f"/repos/{self._repository}/issues/{number}/comments"
        return int(self._gitea.forge(by).call("POST", path, body=body)["id"])

    def edit(self, comment: int, body: str) -> None:
        """Edit; Gitea tells times to the second, so one goes by first."""
        path = f"/repos/{self._repository}/issues/comments/{comment}"
        second = datetime.fromisoformat(self._ana.call("GET", path)["created_at"]) + timedelta(seconds=1)
        until(lambda: datetime.now(UTC) >= second, 5.0, "the edit is later than the comment")
        self._ana.call("PATCH", path, body=body)

    def delete(self, comment: int) -> None:
        """Delete as ana."""
        self._ana.call("DELETE", f"/repos/{self._repository}/issues/comments/{comment}")

    def issue(self, title: str, body: str, *, by: str) -> int:
        """Open an issue."""
        made = self._gitea.forge(by).call("POST", f"/repos/{self._repository}/issues", title=title, body=body)
        return int(made["number"])

    def close_issue(self, number: int) -> None:
        """Close as ana."""
        self._ana.call("PATCH", f"/repos/{self._repository}/issues/{number}", state="closed")

    def statuses(self, commit: str) -> list[tuple[str, str, str]]:
        """Return the statuses."""
        found = self._ana.call("GET", f"/repos/{self._repository}/commits/{commit}/statuses?sort=recentupdate")
        newest = sorted(found, key=lambda each: -int(each["id"]))
        return [(each["context"], each["status"], each["description"]) for each in newest]

    def rewrite(self, number: int, body: str) -> None:
        """Edit as ana."""
        self._ana.call("PATCH", f"/repos/{self._repository}/issues/{number}", body=body)

    def let_us_know_permissions(self) -> None:
        """Make our bot an administrator of the repository."""
        self._admin.call("PUT", f"/repos/{self._repository}/collaborators/{BOT}", permission="admin")


class GitHubTalkWorld(GitHubWorld):
    """On the sandbox's GitHub, whose time goes by when it is told to."""

    clock: SandboxClock

    def talk(self) -> Talk:
        """Return the code under test, as our bot."""
        settings = ForgeSettings(url=self._url, repository=self._repository, **ALL)
        return github_talk(settings, self._tokens[self.bot])

    def say(self, number: int, body: str, *, by: str = REVIEWER) -> int:
        """Comment."""
        return int(self._call(by, "POST", f"/repos/{self._repository}/issues/{number}/comments", body=body)["id"])

    def edit(self, comment: int, body: str) -> None:
        """Edit as ana; GitHub tells times to the second."""
        self.clock.advance(timedelta(seconds=1))
        self._call(REVIEWER, "PATCH", f"/repos/{self._repository}/issues/comments/{comment}", body=body)

    def delete(self, comment: int) -> None:
        """Delete as ana."""
        self._call(REVIEWER, "DELETE", f"/repos/{self._repository}/issues/comments/{comment}")

    def issue(self, title: str, body: str, *, by: str) -> int:
        """Open an issue."""
        return int(self._call(by, "POST", f"/repos/{self._repository}/issues", title=title, body=body)["number"])

    def close_issue(self, number: int) -> None:
        """Close as ana."""
        self._call(REVIEWER, "PATCH", f"/repos/{self._repository}/issues/{number}", state="closed")

    def statuses(self, commit: str) -> list[tuple[str, str, str]]:
        """Return the statuses."""
        found: list[dict[str, Any]] = self._call(
            REVIEWER, "GET", f"/repos/{self._repository}/commits/{commit}/statuses"
        )
        return [(each["context"], each["state"], each["description"]) for each in found]

    def rewrite(self, number: int, body: str) -> None:
        """Edit as ana."""
        self._call(REVIEWER, "PATCH", f"/repos/{self._repository}/issues/{number}", body=body)

    def spent(self) -> int:
        """Return how much of the hourly limit our bot has spent."""
        return int(self._call(BOT, "GET", "/rate_limit")["rate"]["used"])

    def let_us_know_permissions(self) -> None:
        """Do nothing: on GitHub whoever may write is told."""


STRANGER = READER

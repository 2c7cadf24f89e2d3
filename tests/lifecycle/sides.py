"""The two forges of the table, in the same words: the sandbox's GitHub and the testbed's Gitea.

People act through plain requests of their own, never through the adapter under test.
"""

from __future__ import annotations

import random
import secrets
import tempfile
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.forge import Forge
from reconciler.sandbox.forge.lifecycle import record
from reconciler.sandbox.people import ForgeError, Person
from reconciler.sandbox.wire import Server
from tests.adapters.git_http import git
from tests.beds.users import ADMIN, ORGANISATION, REVIEWER
from tests.testbed.processes import NotReady, until

_WORKED_OUT = 3.0  # seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.testbed.forge import Forge as GiteaPerson
    from tests.testbed.testbed import Testbed


class Side(Protocol):
    """A repository of the test's own on one forge."""

    kind: str
    url: str
    repository: str
    tokens: dict[str, str]

    def now(self) -> datetime:
        """Return the time that our passes are made at."""

    def pass_time(self, by: timedelta) -> None:
        """Let time go by."""

    def person(self, user: str) -> Person | GiteaPerson:
        """Return a connection as one of the users."""

    def request_changes(self, number: int, by: str) -> None:
        """Ask for changes."""

    def dismiss_reviews(self, number: int) -> None:
        """Dismiss every review, as an administrator."""

    def label(self, number: int, name: str) -> None:
        """Put a label on."""

    def unlabel(self, number: int, name: str) -> None:
        """Take a label off."""

    def require_review(self) -> None:
        """Protect base: one approval, from everybody."""


class _Common:
    """What both forges are asked alike."""

    url: str
    repository: str
    tokens: dict[str, str]

    def person(self, user: str) -> Any:  # noqa: ANN401 - one of two clients that are alike
        raise NotImplementedError

    @property
    def repository_url(self) -> str:
        """The URL to clone from."""
        return f"{self.url}/{self.repository}.git"

    def commit(self, files: Mapping[str, str | None], *, branch: str = "main", by: str = REVIEWER) -> str:
        """Commit files to a branch."""
        made: str = self.person(by).commit(self.repository, files, "a person's change", branch=branch)
        return made

    def text(self, path: str, ref: str = "main") -> str:
        """Return a file's text."""
        found: str = self.person(REVIEWER).text(self.repository, path, ref)
        return found

    def pulls(self) -> list[dict[str, Any]]:
        """Return every pull request, newest first."""
        found = self.person(REVIEWER).pull_requests(self.repository, "all")
        return sorted(found, key=lambda pull: -int(pull["number"]))

    def comments(self, number: int) -> list[str]:
        """Return what was said."""
        found = self.person(REVIEWER).call("GET", f"/repos/{self.repository}/issues/{number}/comments")
        return [comment["body"] for comment in found]

    def reopen(self, number: int) -> None:
        """Open a closed one again, as ana."""
        self.person(REVIEWER).call("PATCH", f"/repos/{self.repository}/pulls/{number}", state="open")

    def force(self, branch: str, commit: str) -> None:
        """Point a branch to a commit that it may have left behind, with git itself."""
        token = self.tokens[ADMIN]
        url = self.repository_url.replace("://", f"://{ADMIN}:{token}@")
        with tempfile.TemporaryDirectory() as folder:
            git(Path(folder), "clone", "-q", "--bare", url, "copy.git")
            git(Path(folder) / "copy.git", "push", "-q", "--force", url, f"{commit}:refs/heads/{branch}")

    def archive(self, *, archived: bool = True) -> None:
        """Let nothing be written any more, or again."""
        self.person(ADMIN).call("PATCH", f"/repos/{self.repository}", archived=archived)

    def rename(self, name: str) -> None:
        """Give the repository another name."""
        self.person(ADMIN).call("PATCH", f"/repos/{self.repository}", name=name)
        self.repository = f"{ORGANISATION}/{name}"


class GitHubSide(_Common):
    """On the sandbox's GitHub, in virtual time."""

    kind = "github"
    step = timedelta(minutes=1)  # between two passes

    def __init__(self, forge: Forge, clock: SandboxClock, files: Mapping[str, str]) -> None:
        self.forge, self.clock = forge, clock
        self.url, self.tokens = forge.url, dict(forge.tokens)
        self.repository = f"{ORGANISATION}/life-{secrets.token_hex(4)}"
        forge.create_repository(self.repository, files)

    def now(self) -> datetime:
        """Return virtual time."""
        return self.clock.now()

    def pass_time(self, by: timedelta) -> None:
        """Let virtual time go by."""
        self.clock.advance(by)

    def person(self, user: str) -> Person:
        """Return a connection; each act takes its time."""
        self.clock.advance(timedelta(seconds=10))
        return Person(self.url, self.tokens[user])

    def request_changes(self, number: int, by: str) -> None:
        """Ask for changes."""
        path = f"/repos/{self.repository}/pulls/{number}/reviews"
        self.person(by).call("POST", path, event="REQUEST_CHANGES", body="not like this")

    def dismiss_reviews(self, number: int) -> None:
        """Dismiss what stands."""
        path = f"/repos/{self.repository}/pulls/{number}/reviews"
        for review in self.person(ADMIN).call("GET", path):
            self.person(ADMIN).call("PUT", f"{path}/{review['id']}/dismissals", message="outdated")

    def label(self, number: int, name: str) -> None:
        """Put a label on."""
        self.person(REVIEWER).call("POST", f"/repos/{self.repository}/issues/{number}/labels", labels=[name])

    def unlabel(self, number: int, name: str) -> None:
        """Take a label off."""
        self.person(REVIEWER).call("DELETE", f"/repos/{self.repository}/issues/{number}/labels/{name}")

    def own(self, folder: str, owner: str) -> None:
        """Give a folder a code owner."""
        self.commit({".github/CODEOWNERS": f"/{folder} @{owner}\n"})

    def require_review(self, **more: bool) -> None:
        """Protect base."""
        self.person(ADMIN).call(
            "PUT",
            f"/repos/{self.repository}/branches/main/protection",
            required_status_checks=None,
            enforce_admins=True,
            required_pull_request_reviews={"required_approving_review_count": 1, **more},
            restrictions=None,
        )

    def require_owner(self) -> None:
        """Protect base: an owner of what is changed must approve it."""
        self.require_review(require_code_owner_reviews=True)

    def require_check(self, context: str) -> None:
        """Protect base: a status must succeed."""
        self.person(ADMIN).call(
            "PUT",
            f"/repos/{self.repository}/branches/main/protection",
            required_status_checks={"strict": False, "contexts": [context]},
            enforce_admins=True,
            required_pull_request_reviews=None,
            restrictions=None,
        )

    def report(self, sha: str, context: str, state: str) -> None:
        """Report a status of a commit, as a check would."""
        self.person(REVIEWER).call("POST", f"/repos/{self.repository}/statuses/{sha}", state=state, context=context)

    def forbid_pushes(self) -> None:
        """Let a ruleset refuse every push to our branches."""
        self.person(ADMIN).call(
            "POST",
            f"/repos/{self.repository}/rulesets",
            name="closed",
            target="branch",
            enforcement="active",
            conditions={"ref_name": {"include": ["refs/heads/reconciler/**"], "exclude": []}},
            rules=[{"type": "update"}],
        )

    def enqueue(self, number: int, event: str = "added_to_merge_queue") -> None:
        """Put a pull request into the merge queue: what the API tells of that is an event."""
        with self.clock.lock:
            found = self.forge.repository(self.repository)
            ana = self.forge.state.user(REVIEWER)
            assert ana is not None
            record(self.forge.state, found.issues[number], event, ana)

    def dequeue(self, number: int) -> None:
        """Take it out of the merge queue again."""
        self.enqueue(number, "removed_from_merge_queue")


class GiteaSide(_Common):
    """On the testbed's Gitea, in real time and a little more."""

    kind = "gitea"
    step = timedelta()  # Gitea's own time is real: ours may not run ahead of it while people act

    def __init__(self, testbed: Testbed, files: Mapping[str, str]) -> None:
        self.testbed = testbed
        self.url, self.tokens = testbed.gitea.url, dict(testbed.gitea.tokens)
        name = f"life-{secrets.token_hex(4)}"
        self.repository = f"{ORGANISATION}/{name}"
        testbed.forge().create_repository(ORGANISATION, name, dict(files))
        self.ahead = timedelta()

    def now(self) -> datetime:
        """Return real time, moved ahead as far as the test let time pass."""
        return datetime.now(UTC) + self.ahead

    def pass_time(self, by: timedelta) -> None:
        """Move our time ahead; Gitea's stays, but it gets some to work out what can be merged."""
        self.ahead += by
        for pull in self.person(REVIEWER).pull_requests(self.repository):
            with suppress(NotReady):  # one that has conflicts stays so
                until(partial(self._is_mergeable, pull["number"]), _WORKED_OUT, "Gitea looked")

    def _is_mergeable(self, number: int) -> bool:
        return bool(self.person(REVIEWER).pull_request(self.repository, number)["mergeable"])

    def person(self, user: str) -> GiteaPerson:
        """Return a connection."""
        return self.testbed.forge(user)

    def request_changes(self, number: int, by: str) -> None:
        """Ask for changes."""
        path = f"/repos/{self.repository}/pulls/{number}/reviews"
        self.person(by).call("POST", path, event="REQUEST_CHANGES", body="not like this")

    def dismiss_reviews(self, number: int) -> None:
        """Dismiss what stands."""
        path = f"/repos/{self.repository}/pulls/{number}/reviews"
        for review in self.person(ADMIN).call("GET", path):
            self.person(ADMIN).call("POST", f"{path}/{review['id']}/dismissals", message="outdated")

    def label(self, number: int, name: str) -> None:
        """Make the label and put it on."""
        try:
            made = self.person(REVIEWER).call("POST", f"/repos/{self.repository}/labels", name=name, color="#ff0000")
        except ForgeError:
            found = self.person(REVIEWER).call("GET", f"/repos/{self.repository}/labels")
            made = next(label for label in found if label["name"] == name)
        path = f"/repos/{self.repository}/issues/{number}/labels"
        self.person(REVIEWER).call("POST", path, labels=[made["id"]])

    def unlabel(self, number: int, name: str) -> None:
        """Take a label off."""
        path = f"/repos/{self.repository}/issues/{number}/labels"
        label = next(each for each in self.person(REVIEWER).call("GET", path) if each["name"] == name)
        self.person(REVIEWER).call("DELETE", f"{path}/{label['id']}")

    def own(self, folder: str, owner: str) -> None:
        """Give a folder a code owner; patterns are regular expressions here."""
        self.commit({"CODEOWNERS": f"{folder}.* @{owner}\n"})

    def require_review(self, **more: bool) -> None:
        """Protect base."""
        path = f"/repos/{self.repository}/branch_protections"
        self.person(ADMIN).call("POST", path, rule_name="main", enable_push=False, required_approvals=1, **more)

    def require_owner(self) -> None:
        """Protect base: whoever was asked for a review must give it, and owners are asked."""
        self.require_review(block_on_official_review_requests=True)

    def require_check(self, context: str) -> None:
        """Protect base: a status must succeed."""
        path = f"/repos/{self.repository}/branch_protections"
        fields = {"enable_status_check": True, "status_check_contexts": [context]}
        self.person(ADMIN).call("POST", path, rule_name="main", enable_push=True, **fields)

    def report(self, sha: str, context: str, state: str) -> None:
        """Report a status of a commit, as a check would."""
        self.person(REVIEWER).call("POST", f"/repos/{self.repository}/statuses/{sha}", state=state, context=context)

    def forbid_pushes(self) -> None:
        """Let a rule refuse every push to our branches."""
        self.person(ADMIN).forbid_pushes(self.repository, "reconciler/**")

    def enqueue(self, number: int) -> None:
        """Raise: there is no merge queue."""
        raise LookupError(f"no merge queue for pull request {number}")


@contextmanager
def sandbox_github(folder: Path) -> Iterator[tuple[Forge, SandboxClock]]:
    """Serve the sandbox's GitHub alone."""
    clock = SandboxClock()
    forge = Forge(clock, folder, ids=random.Random(0))
    server = Server(forge.handle, name="GitHub")
    forge.url = server.url
    forge.add_organization(ORGANISATION, {ADMIN: True})
    server.start()
    try:
        yield forge, clock
    finally:
        server.stop()

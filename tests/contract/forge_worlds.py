"""The same small world on each forge: a repository, our bot's adapter, and what other people do there.

People act through other code than the code under test: the testbed's client on Gitea, plain requests on GitHub.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import urllib3

from reconciler.adapters.gitea import gitea
from reconciler.adapters.github import github
from reconciler.adapters.github_app import AppTokens
from reconciler.model.review import MergeState
from reconciler.settings import ForgeKind, ForgeSettings
from tests.beds.users import BOT, ORGANISATION, REVIEWER
from tests.sandbox.forge.keys import keys
from tests.testbed.github_front import PERSON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.ports import Forge
    from reconciler.sandbox.forge import Forge as Sandbox
    from tests.testbed.testbed import Testbed


class ForgeWorld(Protocol):
    """A repository of the test's own; `ana` is the other person."""

    bot: str

    def adapter(self, *, labels: tuple[str, ...] = (), reviewers: tuple[str, ...] = ()) -> Forge:
        """Return the code under test, as our bot."""

    def push(self, branch: str) -> str:
        """Put a commit on a new branch, as our bot, and return it."""

    def base_head(self) -> str:
        """Return the commit that main points to."""

    def merge(self, number: int, method: str) -> None:
        """Merge as ana (merge, squash or rebase) and delete the branch, as most repositories do."""

    def close(self, number: int) -> None:
        """Close as ana."""

    def comments(self, number: int) -> list[str]:
        """Return what was said."""

    def labels(self, number: int) -> set[str]:
        """Return the labels."""

    def reviewers(self, number: int) -> set[str]:
        """Return who is asked for a review."""

    def pull_request_from_fork(self, branch: str) -> None:
        """Let ana open a pull request from a fork of hers, its branch named as given."""

    def review(self, number: int, event: str) -> None:
        """Let ana review: APPROVE, REQUEST_CHANGES or COMMENT."""

    def dismiss(self, number: int) -> None:
        """Let an administrator dismiss ana's reviews."""

    def label(self, number: int, name: str) -> None:
        """Put a label on, which the repository may lack."""

    def commit_to(self, branch: str, path: str, text: str) -> None:
        """Let ana write a file on a branch."""

    def report(self, sha: str, state: str) -> None:
        """Report the status `ci` of a commit."""

    @property
    def is_anothers(self) -> bool:
        """A server by others, which judges neither merges nor reviews as GitHub does."""

    @property
    def conflicting(self) -> MergeState:
        """What it says of a conflict: Gitea's word is the same while it still looks, so that is not known."""


class GiteaWorld:
    """On the testbed's Gitea."""

    bot = BOT
    is_anothers = False
    conflicting = MergeState.UNKNOWN

    def __init__(self, testbed: Testbed) -> None:
        self._admin = testbed.forge()
        self._gitea = testbed.gitea
        self._bot = testbed.forge(BOT)
        self._ana = testbed.forge(REVIEWER)
        name = f"contract-{secrets.token_hex(4)}"
        self._repository = f"{ORGANISATION}/{name}"
        testbed.forge().create_repository(ORGANISATION, name, {"README.md": "hello\n"})

    def adapter(self, *, labels: tuple[str, ...] = (), reviewers: tuple[str, ...] = ()) -> Forge:
        """Return the code under test, as our bot."""
        settings = ForgeSettings(
            kind=ForgeKind.GITEA,
            url=self._gitea.url,
            repository=self._repository,
            labels=labels,
            reviewers=reviewers,
        )
        return gitea(settings, self._gitea.tokens[self.bot])

    def push(self, branch: str) -> str:
        """Put a commit on a new branch, as our bot, and return it."""
        return self._bot.commit(self._repository, {f"{branch}.txt": branch}, branch, new_branch=branch)

    def base_head(self) -> str:
        """Return the commit that main points to."""
        commit: str = self._ana.call("GET", f"/repos/{self._repository}/branches/main")["commit"]["id"]
        return commit

    def merge(self, number: int, method: str) -> None:
        """Merge as ana and delete the branch."""
        head = self._ana.pull_request(self._repository, number)["head"]["ref"]
        self._ana.merge(self._repository, number, method)
        self._ana.call("DELETE", f"/repos/{self._repository}/branches/{head}")

    def close(self, number: int) -> None:
        """Close as ana."""
        self._ana.close(self._repository, number)

    def comments(self, number: int) -> list[str]:
        """Return what was said."""
        return [c["body"] for c in self._ana.call("GET", f"/repos/{self._repository}/issues/{number}/comments")]

    def labels(self, number: int) -> set[str]:
        """Return the labels."""
        return {label["name"] for label in self._ana.pull_request(self._repository, number)["labels"]}

    def reviewers(self, number: int) -> set[str]:
        """Return who is asked for a review."""
        return {u["login"] for u in self._ana.pull_request(self._repository, number)["requested_reviewers"]}

    def pull_request_from_fork(self, branch: str) -> None:
        """Let ana open a pull request from a fork of hers, its branch named as given."""
        fork = self._ana.call("POST", f"/repos/{self._repository}/forks")["full_name"]
        self._ana.commit(fork, {"fork.txt": "hers"}, "from a fork", new_branch=branch)
        self._ana.open_pull_request(self._repository, f"{REVIEWER}:{branch}", "from a fork")

    def review(self, number: int, event: str) -> None:
        """Review as ana."""
        word = "APPROVED" if event == "APPROVE" else event
        self._ana.call("POST", f"/repos/{self._repository}/pulls/{number}/reviews", event=word, body="well")

    def dismiss(self, number: int) -> None:
        """Dismiss as the administrator."""
        path = f"/repos/{self._repository}/pulls/{number}/reviews"
        for each in self._admin.call("GET", path):
            self._admin.call("POST", f"{path}/{each['id']}/dismissals", message="outdated")

    def label(self, number: int, name: str) -> None:
        """Make a label and put it on."""
        made = self._ana.call("POST", f"/repos/{self._repository}/labels", name=name, color="#ff0000")
        self._ana.call("POST", f"/repos/{self._repository}/issues/{number}/labels", labels=[made["id"]])

    def commit_to(self, branch: str, path: str, text: str) -> None:
        """Write a file as ana."""
        self._ana.commit(self._repository, {path: text}, "change", branch=branch)

    def report(self, sha: str, state: str) -> None:
        """Report a status as ana."""
        self._ana.call("POST", f"/repos/{self._repository}/statuses/{sha}", state=state, context="ci")


class GitHubWorld:
    """On a GitHub server: the sandbox's, or the one by others."""

    bot, owner = BOT, BOT

    conflicting = MergeState.DIRTY

    def __init__(self, url: str, tokens: Mapping[str, str], *, is_anothers: bool = False) -> None:
        self.is_anothers = is_anothers
        self._url = url
        self._tokens = tokens
        self._pool = urllib3.PoolManager(retries=False, timeout=30.0)
        name = f"contract-{secrets.token_hex(4)}"
        self._repository = f"{self.owner}/{name}"
        self._call(self.owner, "POST", "/user/repos", name=name, auto_init=True)
        self._call(self.owner, "PUT", f"/repos/{self._repository}/collaborators/{REVIEWER}", permission="push")

    def adapter(self, *, labels: tuple[str, ...] = (), reviewers: tuple[str, ...] = ()) -> Forge:
        """Return the code under test, as our bot."""
        settings = ForgeSettings(url=self._url, repository=self._repository, labels=labels, reviewers=reviewers)
        return github(settings, self._tokens[self.bot])

    def push(self, branch: str) -> str:
        """Put a commit on a new branch, as our bot, and return it."""
        return self._commit(self.owner, self._repository, branch)

    def base_head(self) -> str:
        """Return the commit that main points to."""
        return self._tip(self._repository)

    def merge(self, number: int, method: str) -> None:
        """Merge as ana and delete the branch."""
        path = f"/repos/{self._repository}"
        head = self._call(REVIEWER, "GET", f"{path}/pulls/{number}")["head"]["ref"]
        self._call(REVIEWER, "PUT", f"{path}/pulls/{number}/merge", merge_method=method)
        self._call(REVIEWER, "DELETE", f"{path}/git/refs/{quote(f'heads/{head}', safe='')}")

    def close(self, number: int) -> None:
        """Close as ana."""
        self._call(REVIEWER, "PATCH", f"/repos/{self._repository}/pulls/{number}", state="closed")

    def comments(self, number: int) -> list[str]:
        """Return what was said."""
        found = self._call(REVIEWER, "GET", f"/repos/{self._repository}/issues/{number}/comments")
        return [comment["body"] for comment in found]

    def labels(self, number: int) -> set[str]:
        """Return the labels."""
        found = self._call(REVIEWER, "GET", f"/repos/{self._repository}/issues/{number}/labels")
        return {label["name"] for label in found}

    def reviewers(self, number: int) -> set[str]:
        """Return who is asked for a review."""
        found = self._call(REVIEWER, "GET", f"/repos/{self._repository}/pulls/{number}")
        return {user["login"] for user in found["requested_reviewers"]}

    def pull_request_from_fork(self, branch: str) -> None:
        """Let ana open a pull request from a fork of hers, its branch named as given."""
        fork = self._call(REVIEWER, "POST", f"/repos/{self._repository}/forks")["full_name"]
        self._commit(REVIEWER, fork, branch)
        fields = {"head": f"{REVIEWER}:{branch}", "base": "main", "title": "from a fork"}
        self._call(REVIEWER, "POST", f"/repos/{self._repository}/pulls", **fields)

    def review(self, number: int, event: str) -> None:
        """Review as ana."""
        path = f"/repos/{self._repository}/pulls/{number}/reviews"
        self._call(REVIEWER, "POST", path, event=event, body="well")

    def dismiss(self, number: int) -> None:
        """Dismiss as the owner."""
        path = f"/repos/{self._repository}/pulls/{number}/reviews"
        for each in self._call(self.owner, "GET", path):
            if each["state"] != "COMMENTED":
                self._call(self.owner, "PUT", f"{path}/{each['id']}/dismissals", message="outdated", event="DISMISS")

    def label(self, number: int, name: str) -> None:
        """Put a label on."""
        self._call(REVIEWER, "POST", f"/repos/{self._repository}/issues/{number}/labels", labels=[name])

    def commit_to(self, branch: str, path: str, text: str) -> None:
        """Write a new file as ana."""
        content = base64.b64encode(text.encode()).decode()
        fields = {"message": "change", "content": content, "branch": branch}
        self._call(REVIEWER, "PUT", f"/repos/{self._repository}/contents/{quote(path, safe='')}", **fields)

    def report(self, sha: str, state: str) -> None:
        """Report a status as ana."""
        self._call(REVIEWER, "POST", f"/repos/{self._repository}/statuses/{sha}", state=state, context="ci")

    def _commit(self, user: str, repository: str, branch: str) -> str:
        self._call(user, "POST", f"/repos/{repository}/git/refs", ref=f"refs/heads/{branch}", sha=self._tip(repository))
        content = base64.b64encode(branch.encode()).decode()
        fields = {"message": branch, "content": content, "branch": branch}
        answer = self._call(user, "PUT", f"/repos/{repository}/contents/{quote(f'{branch}.txt', safe='')}", **fields)
        commit: str = answer["commit"]["sha"]
        return commit

    def _tip(self, repository: str) -> str:
        commit: str = self._call(REVIEWER, "GET", f"/repos/{repository}/branches/main")["commit"]["sha"]
        return commit

    def _call(self, user: str, method: str, path: str, **fields: Any) -> Any:  # noqa: ANN401 - JSON of any shape
        headers = {"Authorization": f"token {self._tokens[user]}", PERSON: "yes"}
        body = fields if fields or method == "POST" else None
        response = self._pool.request(method, self._url + path, headers=headers, json=body)
        if response.status >= 400:
            msg = f"{method} {path}: {response.status} {response.data[:300]!r}"
            raise RuntimeError(msg)
        return response.json() if response.data else None


class GitHubAppWorld(GitHubWorld):
    """On the sandbox's GitHub, where we are an App."""

    bot = "keeper[bot]"

    def __init__(self, url: str, forge: Sandbox) -> None:
        super().__init__(url, forge.tokens)
        wanted = {"contents": "write", "pull_requests": "write", "statuses": "read", "checks": "read"}
        self._app, _ = forge.install_app("keeper", [self._repository], keys().public, wanted)
        self._clock = forge.state.clock

    def adapter(self, *, labels: tuple[str, ...] = (), reviewers: tuple[str, ...] = ()) -> Forge:
        """Return the code under test, as our App."""
        settings = ForgeSettings(
            url=self._url, repository=self._repository, labels=labels, reviewers=reviewers, app_id=str(self._app)
        )
        return github(settings, AppTokens(settings, lambda: keys().private, self._clock))

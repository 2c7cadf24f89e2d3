"""What `doctor` asks GitHub: who we are, what we may do there, and how much more we may ask.

Protects: nothing is changed by asking; a repository that was renamed is never taken for one without pull requests.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from reconciler.adapters import forges
from reconciler.adapters.github_client import asking, given
from reconciler.errors import Refusal, SourceError, Unauthorized, foreign_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from github import Github
    from github.Permissions import Permissions
    from github.Repository import Repository

    from reconciler.adapters.github_app import AppTokens
    from reconciler.adapters.github_budget import Budget
    from reconciler.ports import Diagnosis
    from reconciler.settings import ForgeSettings

_FEW_LEFT = 50  # requests in this hour; a pass with a few pull requests needs some twenty


@dataclass(frozen=True, slots=True)
class _Described:
    """What we need to know of the repository."""

    name: str
    default_branch: str
    archived: bool
    push: bool


class Doctor:
    """Asks about one repository, as the user or App that we are."""

    def __init__(
        self,
        client: Github,
        repo: Repository,
        settings: ForgeSettings,
        *,
        budget: Budget,
        app: AppTokens | None,
        base: str | None,
    ) -> None:
        self._client = client
        self._repo = repo
        self._settings = settings
        self._name = settings.repository
        self._budget = budget
        self._app = app
        self._base = base

    def examine(self) -> Sequence[Diagnosis]:
        """Try identity, repository, permissions and protection, and say how much of the rate limit is left."""
        return (
            forges.examined("GitHub identity", self._identity),
            forges.examined("GitHub repository", self._reachable),
            forges.examined("GitHub push permission", self._may_push),
            forges.examined(
                "GitHub pull request permission",
                self._may_open,
                remedy="give the token `Pull requests: read and write` and `Contents: read and write` on this "
                "repository; in GitHub Actions, also allow Actions to create pull requests in the settings",
            ),
            forges.examined(
                "GitHub branch protection",
                self._protection,
                remedy="give the token `Administration: read` on this repository",
                required=False,
            ),
            forges.examined("GitHub rate limit", self._rate_limit, required=False),
        )

    def confirm_name(self) -> None:
        """Refuse to say "none" for a repository that was renamed: its old owner's heads match nothing (invariant 3)."""
        now = self._described().name
        if now.casefold() != self._name.casefold():
            raise SourceError(
                code="github.moved",
                message=f"{self._name} is now called {now}",
                remedy=f"write `repository: {now}` into the section `forge`, and mend repository.url",
            )

    def _described(self) -> _Described:
        with asking("for the repository"):
            repo = self._repo
            repo.complete()  # once; PyGithub keeps the answer
            permissions = cast("Permissions | None", repo.permissions)  # None without a token
            push = permissions is not None and permissions.push
            return _Described(repo.full_name, given(repo.default_branch), repo.archived, push)

    def _identity(self) -> str:
        if self._app is not None:
            return self._app.describe()
        try:
            with asking("who we are"):
                return f"we are {given(self._client.get_user().login)}"
        except Unauthorized as error:
            if not error.code.endswith("http_403"):
                raise
            return "we are a GitHub App or a workflow, which has no user"

    def _reachable(self) -> str:
        self.confirm_name()
        return f"{self._name}, default branch {self._described().default_branch}"

    def _may_push(self) -> str:
        described = self._described()
        push = described.push if self._app is None else self._app.may("contents")  # GitHub tells Apps no rights there
        return forges.check_push("github", self._settings, archived=described.archived, push=push)

    def _may_open(self) -> str:
        """Ask for what can never exist, a pull request from base to base: 422 is said only to who may open one."""
        base = self._base or self._described().default_branch
        with suppress(Refusal), asking("to open a pull request", writing=True):
            self._repo.create_pull(base=base, head=base, title="reconciler doctor")
        return "we may open pull requests"

    def _protection(self) -> str:
        """Say how base is protected: rulesets are told to every reader, and are not among its branch protection."""
        base = self._base or self._described().default_branch
        rules = self._rules(base)
        beside = f"; rulesets: {', '.join(rules)}" if rules else ""
        if "merge_queue" in rules:
            beside += "; we enter no merge queue, so people merge there"
        try:
            with asking(f"for the protection of {base}"):
                self._repo.get_branch(base).get_protection()
        except SourceError as error:
            if "not protected" not in error.message.lower():
                raise
            return f"{base} has no branch protection{beside}" if rules else f"{base} is not protected"
        return f"{base} is protected, and we can read how{beside}"

    def _rules(self, base: str) -> list[str]:
        """Return the kinds of rules by which rulesets bind base; none where this GitHub has no rulesets."""
        path = f"{self._repo.url}/rules/branches/{quote(base, safe='')}"
        try:
            with asking(f"for the rules of {base}"):
                _, found = self._repo.requester.requestJsonAndCheck("GET", path, parameters={"per_page": 100})
                return list(dict.fromkeys(foreign_text(rule["type"]) for rule in found))
        except SourceError as error:
            if error.code != "github.http_404":
                raise
            return []

    def _rate_limit(self) -> str:
        with asking("for the rate limit"):
            left, limit = self._client.rate_limiting
            if limit < 0:
                raise ValueError("it names no limit")
        if left < _FEW_LEFT:
            raise SourceError(
                code="github.rate_limited",
                message=f"only {left} of {limit} requests are left in this hour",
                remedy="wait an hour; if it happens again, use a GitHub App, or run less often",
            )
        return self._budget.sentence()

"""GitHub, and GitHub Enterprise, through PyGithub.

Protects: one pull request for one head (a duplicate and a lost answer are adopted, invariant 6), a merge commit only
of a merged pull request (before that, GitHub's `merge_commit_sha` is a trial).

Lists lack `merged_by` and `closed_by`; reading them there would make PyGithub ask once for each pull request.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from reconciler.adapters import forges, github_reviews
from reconciler.adapters.github_client import asking, connect
from reconciler.errors import ReconcilerError, Refusal, SourceError, Unauthorized
from reconciler.model.facts import Fact, Unknown
from reconciler.model.objects import CommitId
from reconciler.model.proposal import PullRequest, PullRequestState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from github import Github
    from github.NamedUser import NamedUser
    from github.Permissions import Permissions
    from github.PullRequest import PullRequest as Vendor
    from github.Repository import Repository

    from reconciler.model.proposal import Proposal
    from reconciler.model.review import Mergeability, Review
    from reconciler.ports import Diagnosis, Forge
    from reconciler.settings import ForgeSettings

_PAGE = 100  # the most that GitHub gives
_FEW_LEFT = 50  # requests in this hour; a pass with a few pull requests needs some twenty
_OPEN_PAGES = 5  # a repository with more than 500 open pull requests is read only so far


def github(settings: ForgeSettings, token: str) -> Forge:
    """Connect to the repository of the settings; nothing is asked yet."""
    client = connect(settings, forges.checked_token(settings, token), per_page=_PAGE)
    return _GitHub(client, settings)


class _GitHub:
    """One repository on GitHub."""

    def __init__(self, client: Github, settings: ForgeSettings) -> None:
        self._client = client
        self._settings = settings
        self._name = settings.repository
        self._repo = client.get_repo(self._name)

    def pull_requests(self, *, prefix: str) -> Fact[tuple[PullRequest, ...]]:
        """Read the recently updated in one request; only when those fill a page, also all that are open."""
        try:
            found = self._list(0, state="all", sort="updated")
            if len(found) == _PAGE:
                found += self._open()
        except SourceError as error:
            return Unknown("github", error.message, error.remedy)
        return forges.ours(found, prefix)

    def find(self, branch: str) -> PullRequest | None:
        """Ask for this head only, and for who ended it."""
        found = forges.newest(self._list(0, state="all", sort="created", head=self._head(branch)), branch)
        if found is None:
            self._confirm_name()
            return None
        return found if found.state is PullRequestState.OPEN else self._with_person(found)

    def open(self, proposal: Proposal) -> PullRequest:
        """Create; adopt what is there already, whether by a duplicate's 422 or after an answer that got lost."""
        try:
            opened = self._create(proposal)
        except ReconcilerError as error:
            adopted = self._open_for(proposal) if forges.may_have_happened(error) else None
            if adopted is None:
                raise
            opened = adopted
        self._decorate(opened.number)
        return opened

    def close(self, pull_request: int, *, why: str) -> None:
        """Comment once, then close."""
        if not self._is_open(pull_request):
            return
        try:
            with asking(f"to close pull request {pull_request}", writing=True):
                issue = self._repo.get_issue(pull_request)  # comments and labels belong to the issue that each one is
                if why.strip() not in {comment.body.strip() for comment in issue.get_comments().get_page(0)}:
                    issue.create_comment(why)
                self._repo.get_pull(pull_request).edit(state="closed")
        except Refusal:
            if self._is_open(pull_request):  # otherwise somebody merged it meanwhile
                raise

    def reviews(self, pull_request: int) -> tuple[Review, ...]:
        """Return the submitted reviews, oldest first, and what their authors may do."""
        return github_reviews.reviews(self._repo, pull_request)

    def update(self, pull_request: int, *, title: str, body: str) -> None:
        """Give a pull request another title and text."""
        with asking(f"to update pull request {pull_request}", writing=True):
            self._repo.get_pull(pull_request).edit(title=title, body=body)

    def mergeability(self, pull_request: int) -> Mergeability:
        """Return whether GitHub would merge it now."""
        return github_reviews.mergeability(self._repo, pull_request)

    def merge(self, pull_request: int, *, head: CommitId, method: str) -> CommitId:
        """Merge if its head is still this one."""
        return github_reviews.merge(self._repo, pull_request, head=head, method=method)

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

    def _head(self, branch: str) -> str:
        """Return GitHub's filter; a bare branch would be ignored silently, and everything returned."""
        return f"{self._name.partition('/')[0]}:{branch}"

    def _list(self, page: int, *, state: str, sort: str, head: str = "") -> list[PullRequest]:
        with asking("for pull requests"):
            if head:
                found = self._repo.get_pulls(state=state, sort=sort, direction="desc", head=head)
            else:
                found = self._repo.get_pulls(state=state, sort=sort, direction="desc")
            return [_pull_request(vendor) for vendor in found.get_page(page)]

    def _open(self) -> list[PullRequest]:
        found: list[PullRequest] = []
        for page in range(_OPEN_PAGES):
            listed = self._list(page, state="open", sort="updated")
            found += listed
            if len(listed) < _PAGE:
                break
        return found

    def _open_for(self, proposal: Proposal) -> PullRequest | None:
        """Return the open pull request of the proposal's head and base; None also when that cannot be read."""
        try:
            found = self._list(0, state="open", sort="created", head=self._head(proposal.branch))
        except SourceError:
            return None  # the error of the attempt to open says more
        return forges.newest((p for p in found if p.base == proposal.base), proposal.branch)

    def _create(self, proposal: Proposal) -> PullRequest:
        with asking(f"to open a pull request for {proposal.branch}", writing=True):
            return _pull_request(
                self._repo.create_pull(
                    base=proposal.base, head=proposal.branch, title=proposal.title, body=proposal.body
                )
            )

    def _decorate(self, number: int) -> None:
        def label() -> None:
            with asking("for labels", writing=True):
                # PyGithub's add_to_labels sends a bare list, which GitHub's description of its API no longer knows.
                body = {"labels": list(self._settings.labels)}
                self._repo.requester.requestJsonAndCheck("POST", f"{self._repo.url}/issues/{number}/labels", input=body)

        def ask(reviewers: Sequence[str]) -> None:
            with asking("for reviews", writing=True):
                self._repo.get_pull(number).create_review_request(reviewers=list(reviewers))

        forges.decorate(number, self._settings, label=label, ask=ask)

    def _is_open(self, number: int) -> bool:
        with asking(f"for pull request {number}"):
            return self._repo.get_pull(number).state == "open"

    def _with_person(self, found: PullRequest) -> PullRequest:
        with asking(f"who ended pull request {found.number}"):
            if found.state is PullRequestState.MERGED:
                return replace(found, merged_by=_login(self._repo.get_pull(found.number).merged_by))
            return replace(found, closed_by=_login(self._repo.get_issue(found.number).closed_by))

    def _confirm_name(self) -> None:
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
            return _Described(repo.full_name, _given(repo.default_branch), repo.archived, push)

    def _identity(self) -> str:
        try:
            with asking("who we are"):
                return f"we are {_given(self._client.get_user().login)}"
        except Unauthorized as error:
            if not error.code.endswith("http_403"):
                raise
            return "we are a GitHub App or a workflow, which has no user"

    def _reachable(self) -> str:
        self._confirm_name()
        return f"{self._name}, default branch {self._described().default_branch}"

    def _may_push(self) -> str:
        described = self._described()
        return forges.check_push("github", self._settings, archived=described.archived, push=described.push)

    def _may_open(self) -> str:
        """Ask for what can never exist, a pull request from base to base: 422 is said only to who may open one."""
        base = self._described().default_branch
        with suppress(Refusal), asking("to open a pull request", writing=True):
            self._repo.create_pull(base=base, head=base, title="reconciler doctor")
        return "we may open pull requests"

    def _protection(self) -> str:
        base = self._described().default_branch
        try:
            with asking(f"for the protection of {base}"):
                self._repo.get_branch(base).get_protection()
        except SourceError as error:
            if "not protected" not in error.message.lower():
                raise
            return f"{base} is not protected"
        return f"{base} is protected, and we can read how"

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
        return f"{left} of {limit} requests left in this hour"


@dataclass(frozen=True, slots=True)
class _Described:
    """What we need to know of the repository."""

    name: str
    default_branch: str
    archived: bool
    push: bool


def _given(value: str) -> str:
    """Return what PyGithub types as a string; it makes None of what an answer lacks."""
    if not isinstance(value, str):
        raise ValueError("a field is missing")  # noqa: TRY004 - `asking` makes it one error with all other nonsense
    return value


def _login(user: NamedUser | None) -> str | None:
    return user.login if user is not None else None


def _pull_request(vendor: Vendor) -> PullRequest:
    """Read only what a list's items hold."""
    merged = vendor.merged_at is not None
    states = {"open": PullRequestState.OPEN, "closed": PullRequestState.MERGED if merged else PullRequestState.CLOSED}
    home = cast("Repository | None", vendor.head.repo)  # None when the fork was deleted
    return PullRequest(
        number=vendor.number,
        url=vendor.html_url,
        state=states[vendor.state],
        branch=_given(vendor.head.ref),
        head=CommitId(_given(vendor.head.sha)),
        base=_given(vendor.base.ref),
        title=vendor.title,
        author=vendor.user.login,
        same_repository=home is not None and home.id == vendor.base.repo.id,
        merge_commit=CommitId(_given(vendor.merge_commit_sha)) if merged else None,
        updated_at=vendor.updated_at,
        body=vendor.body or "",
        labels=tuple(label.name for label in vendor.labels),
    )

"""GitHub, and GitHub Enterprise, through PyGithub.

Protects: one pull request for one head (a duplicate and a lost answer are adopted, invariant 6), a merge commit only
of a merged pull request (before that, GitHub's `merge_commit_sha` is a trial).

Lists lack `merged_by` and `closed_by`; reading them there would make PyGithub ask once for each pull request. While a
list is unchanged, asking for it costs nothing of the rate limit (`github_lists.py`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from reconciler.adapters import forges, github_reviews
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.github_budget import Budget
from reconciler.adapters.github_client import asking, connect, given
from reconciler.adapters.github_doctor import Doctor
from reconciler.adapters.github_lists import Lists
from reconciler.errors import ReconcilerError, Refusal, SourceError
from reconciler.model.facts import Fact, Unknown
from reconciler.model.objects import CommitId
from reconciler.model.proposal import PullRequest, PullRequestState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from github import Github
    from github.NamedUser import NamedUser
    from github.PullRequest import PullRequest as Vendor
    from github.Repository import Repository

    from reconciler.adapters.github_app import AppTokens
    from reconciler.model.proposal import Proposal
    from reconciler.model.review import Mergeability, Review
    from reconciler.ports import Diagnosis, Forge
    from reconciler.settings import ForgeSettings

_PAGE = 100  # the most that GitHub gives
_READ = (
    "number",
    "html_url",
    "state",
    "title",
    "body",
    "user",
    "labels",
    "merged_at",
    "merge_commit_sha",
    "updated_at",
)
_OPEN_PAGES = 5  # a repository with more than 500 open pull requests is read only so far


def github(
    settings: ForgeSettings,
    secret: str | AppTokens,
    *,
    budget: Budget | None = None,
    remembered: Path | None = None,
    base: str | None = None,
) -> Forge:
    """Connect to the repository of the settings, with a token or as an App; nothing is asked yet.

    `budget` is what all clients of the process share; `remembered` is a file for the lists of the last process
    with the same token. `base` is the branch that `doctor` looks at; None: the repository's default one.
    """
    shared = budget or Budget(SystemClock())
    client = connect(settings, forges.checked_token(settings, secret), per_page=_PAGE, budget=shared)
    return _GitHub(
        client,
        settings,
        lists=Lists(client.requester, remembered, token=secret.strip() if isinstance(secret, str) else ""),
        budget=shared,
        app=None if isinstance(secret, str) else secret,
        base=base,
    )


class _GitHub:
    """One repository on GitHub."""

    def __init__(
        self,
        client: Github,
        settings: ForgeSettings,
        *,
        lists: Lists,
        budget: Budget,
        app: AppTokens | None,
        base: str | None,
    ) -> None:
        self._client = client
        self._settings = settings
        self._name = settings.repository
        self._repo = client.get_repo(self._name)
        self._lists = lists
        self._reviews = Lists(client.requester)  # in memory alone: no file that others may write says who approved
        self._budget = budget
        self._doctor = Doctor(client, self._repo, settings, budget=budget, app=app, base=base)

    def pull_requests(self, *, prefix: str) -> Fact[tuple[PullRequest, ...]]:
        """Read the recently updated in one request; only when those fill a page, also all that are open."""
        try:
            self._budget.begin()
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
            self._doctor.confirm_name()
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
        return github_reviews.reviews(self._repo, pull_request, self._reviews)

    def update(self, pull_request: int, *, title: str, body: str) -> None:
        """Give a pull request another title and text."""
        with asking(f"to update pull request {pull_request}", writing=True):
            self._repo.get_pull(pull_request).edit(title=title, body=body)

    def mergeability(self, pull_request: int) -> Mergeability:
        """Return whether GitHub would merge it now."""
        return github_reviews.mergeability(self._repo, pull_request, self._reviews)

    def merge(self, pull_request: int, *, head: CommitId, method: str) -> CommitId:
        """Merge if its head is still this one."""
        return github_reviews.merge(self._repo, pull_request, head=head, method=method)

    def examine(self) -> Sequence[Diagnosis]:
        """Try identity, repository, permissions and protection, and say how much of the rate limit is left."""
        return self._doctor.examine()

    def _head(self, branch: str) -> str:
        """Return GitHub's filter; a bare branch would be ignored silently, and everything returned."""
        return f"{self._name.partition('/')[0]}:{branch}"

    def _list(self, page: int, *, state: str, sort: str, head: str = "") -> list[PullRequest]:
        wanted: dict[str, str | int] = {"state": state, "sort": sort, "direction": "desc", "per_page": _PAGE}
        wanted |= {"head": head} if head else {}
        wanted |= {"page": page + 1} if page else {}
        url = f"{self._repo.url}/pulls"
        with asking("for pull requests"):
            items = self._lists.get(url, wanted, _kept)
            try:
                return [_pull_request(self._vendor(item)) for item in items]
            except Exception:
                self._lists.forget(url, wanted)
                raise

    def _vendor(self, item: dict[str, Any]) -> Vendor:
        from github.PullRequest import PullRequest as Item

        return Item(self._client.requester, attributes=item, completed=True)

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


def _kept(item: dict[str, Any]) -> dict[str, Any]:
    """Return of a list's item what `_pull_request` reads; GitHub's own is twenty times as long."""
    kept = {name: item[name] for name in _READ if name in item}
    for side in ("head", "base"):
        found = item.get(side)
        if isinstance(found, dict):
            repo = found.get("repo")
            home = {"id": repo.get("id")} if isinstance(repo, dict) else None
            kept[side] = {"ref": found.get("ref"), "sha": found.get("sha"), "repo": home}
    for asked, name in (("requested_reviewers", "login"), ("requested_teams", "slug")):
        kept[asked] = [{name: each[name]} for each in item.get(asked) or ()]
    return kept


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
        branch=given(vendor.head.ref),
        head=CommitId(given(vendor.head.sha)),
        base=given(vendor.base.ref),
        title=vendor.title,
        author=vendor.user.login,
        same_repository=home is not None and home.id == vendor.base.repo.id,
        merge_commit=CommitId(given(vendor.merge_commit_sha)) if merged else None,
        updated_at=vendor.updated_at,
        body=vendor.body or "",
        labels=tuple(label.name for label in vendor.labels),
        asked=(
            *(user.login for user in vendor.requested_reviewers or ()),
            *(team.slug for team in vendor.requested_teams or ()),
        ),
    )

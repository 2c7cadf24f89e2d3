"""Gitea (and Forgejo) through its REST API.

Protects: one pull request for one head. Gitea looks for a duplicate before it creates, and not in one transaction
(measured: of four requests at once all four were created), so whoever is not first closes its own.

Traps of its answers: after a merge that deletes the branch, `head.ref` is `refs/pull/N/head` and only `head.label`
names the branch; a list leaves `merged_by` empty; labels that do not exist are ignored in silence.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reconciler.adapters import forges, gitea_reviews
from reconciler.adapters.gitea_reviews import understood
from reconciler.adapters.http import JsonClient
from reconciler.errors import ConfigurationError, ReconcilerError, Refusal, SourceError
from reconciler.model.facts import Fact, Unknown
from reconciler.model.objects import CommitId
from reconciler.model.proposal import PullRequest, PullRequestState
from reconciler.plain import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.proposal import Proposal
    from reconciler.model.review import Mergeability, Review
    from reconciler.ports import Diagnosis, Forge
    from reconciler.settings import ForgeSettings

_PAGE = 50  # the most that Gitea gives unless it is configured otherwise
_PAGES = 10  # of one listing
_LABEL_COLOR = "#1f6feb"


def gitea(settings: ForgeSettings, token: str, *, base: str | None = None) -> Forge:
    """Connect to the repository of the settings; nothing is asked yet. `base`: None is the default branch."""
    return _Gitea(client_for(settings, token), settings, base)


def client_for(settings: ForgeSettings, token: str) -> JsonClient:
    """Return the client of the server that the settings name.

    Raises ConfigurationError when they name none, or there is no token.
    """
    if not settings.url:
        raise ConfigurationError(
            code="forge.no_url",
            message="forge.kind is gitea, and forge.url is empty",
            remedy="set forge.url to Gitea's address, for example https://gitea.example.com",
        )
    address = settings.url.rstrip("/").removesuffix("/api/v1")
    return JsonClient(
        f"{address}/api/v1",
        headers={"Authorization": f"token {forges.checked_token(settings, token)}"},
        timeout=settings.timeout,
        source_name="gitea",
    )


class _Gitea:
    """One repository on a Gitea server."""

    def __init__(self, client: JsonClient, settings: ForgeSettings, base: str | None) -> None:
        self._client = client
        self._settings = settings
        self._base = base
        self._repo = f"/repos/{quote(settings.repository)}"
        self._page_size = 0  # not asked yet

    def pull_requests(self, *, prefix: str) -> Fact[tuple[PullRequest, ...]]:
        """Read the recently updated in one request; only when those fill a page, also all that are open."""
        try:
            found, complete = self._recent()
            if not complete:
                found += self._open()
        except SourceError as error:
            return Unknown("gitea", error.message, error.remedy)
        return forges.ours(found, prefix)

    def find(self, branch: str) -> PullRequest | None:
        """Look through the listings, as Gitea cannot filter by head; and ask who ended it."""
        found, complete = self._recent()
        if not complete:
            found += self._open()
        pull_request = forges.newest(found, branch)
        if pull_request is None and not complete:
            pull_request = self._long_closed(branch)
        if pull_request is None or pull_request.state is PullRequestState.OPEN:
            return pull_request
        return self._with_person(pull_request)

    def open(self, proposal: Proposal) -> PullRequest:
        """Create; adopt what is there already, whether by a duplicate's 409 or after an answer that got lost."""
        try:
            created = self._create(proposal)
        except ReconcilerError as error:
            rivals = self._open_for(proposal) if forges.may_have_happened(error) else []
            if not rivals:
                raise
            opened = rivals[0]
        else:
            opened = self._first_of(created, self._open_for(proposal))
        self._decorate(opened.number)
        return opened

    def close(self, pull_request: int, *, why: str) -> None:
        """Comment once, then close."""
        if not self._is_open(pull_request):
            return
        comments = f"{self._repo}/issues/{pull_request}/comments"
        with understood():
            said = {comment["body"].strip() for comment in self._client.get(comments) or ()}
        if why.strip() not in said:
            self._client.send("POST", comments, {"body": why})
        try:
            self._client.send("PATCH", f"{self._repo}/pulls/{pull_request}", {"state": "closed"})
        except ReconcilerError:
            if self._is_open(pull_request):  # otherwise somebody merged it meanwhile (412)
                raise

    def reviews(self, pull_request: int) -> tuple[Review, ...]:
        """Return the submitted reviews, oldest first, and whether their authors may write."""
        return gitea_reviews.reviews(self._client, f"{self._repo}/pulls/{pull_request}")

    def update(self, pull_request: int, *, title: str, body: str) -> None:
        """Give a pull request another title and text."""
        self._client.send("PATCH", f"{self._repo}/pulls/{pull_request}", {"title": title, "body": body})

    def mergeability(self, pull_request: int) -> Mergeability:
        """Return whether Gitea would merge it now, as far as it says."""
        return gitea_reviews.mergeability(self._client, self._repo, pull_request, ours=self._settings.reviewers)

    def merge(self, pull_request: int, *, head: CommitId, method: str) -> CommitId:
        """Merge if its head is still this one."""
        return gitea_reviews.merge(self._client, f"{self._repo}/pulls/{pull_request}", head=head, method=method)

    def examine(self) -> Sequence[Diagnosis]:
        """Try identity, repository, permissions and protection."""
        return (
            forges.examined("Gitea identity", self._identity),
            forges.examined("Gitea repository", self._reachable),
            forges.examined("Gitea push permission", self._may_push),
            forges.examined(
                "Gitea pull request permission",
                self._may_open,
                remedy="make the token with `repository: read and write` and `issue: read and write`",
            ),
            forges.examined(
                "Gitea branch protection",
                self._protection,
                remedy="make our user an administrator of the repository, so that approvals can be judged",
                required=False,
            ),
        )

    def _recent(self) -> tuple[list[PullRequest], bool]:
        """Return a page of the most recently updated, and whether that is all there is."""
        found = self._list(1, state="all", sort="recentupdate")
        return found, len(found) < self._page_size

    def _open(self) -> list[PullRequest]:
        return self._pages(state="open", sort="recentupdate")

    def _pages(self, *, state: str, sort: str) -> list[PullRequest]:
        found: list[PullRequest] = []
        for page in range(1, _PAGES + 1):
            listed = self._list(page, state=state, sort=sort)
            found += listed
            if len(listed) < self._page_size:
                break
        return found

    def _list(self, page: int, *, state: str, sort: str) -> list[PullRequest]:
        with understood():
            if not self._page_size:  # a server may give less; then a short page would look like the last
                self._page_size = min(_PAGE, self._client.get("/settings/api")["max_response_items"])
            criteria = {"state": state, "sort": sort, "page": str(page), "limit": str(self._page_size)}
            return [_pull_request(data) for data in self._client.get(f"{self._repo}/pulls", criteria)]

    def _long_closed(self, branch: str) -> PullRequest | None:
        """Look among the closed; beyond those, Gitea can still say whether base and head ever met (the first time)."""
        found = forges.newest(self._pages(state="closed", sort="recentclose"), branch)
        if found is not None:
            return found
        base = quote(self._base or self._described()["default_branch"], safe="")
        try:
            data = self._client.get(f"{self._repo}/pulls/{base}/{quote(branch)}")
        except SourceError as error:
            if error.code != "gitea.http_404":
                raise
            return None
        with understood():
            return _pull_request(data)

    def _open_for(self, proposal: Proposal) -> list[PullRequest]:
        """Return the open pull requests of the proposal's head and base, oldest first; none if they cannot be read."""
        try:
            found = self._open()
        except SourceError:
            return []  # what the attempt to open said or made is worth more
        mine = [p for p in found if p.same_repository and (p.branch, p.base) == (proposal.branch, proposal.base)]
        return sorted(mine, key=lambda p: p.number)

    def _create(self, proposal: Proposal) -> PullRequest:
        with understood():
            return _pull_request(
                self._client.send(
                    "POST",
                    f"{self._repo}/pulls",
                    {"base": proposal.base, "head": proposal.branch, "title": proposal.title, "body": proposal.body},
                )
            )

    def _first_of(self, created: PullRequest, rivals: Sequence[PullRequest]) -> PullRequest:
        """Yield to a pull request that another process opened for the same head at the same time."""
        if not rivals or rivals[0].number >= created.number:
            return created
        first = rivals[0]
        self.close(created.number, why=f"Pull request {first.number} was opened at the same time and is the same.")
        return first

    def _decorate(self, number: int) -> None:
        def ask(reviewers: Sequence[str]) -> None:
            self._client.send(
                "POST", f"{self._repo}/pulls/{number}/requested_reviewers", {"reviewers": list(reviewers)}
            )

        forges.decorate(number, self._settings, label=lambda: self._label(number), ask=ask)

    def _label(self, number: int) -> None:
        """Put the labels on; make those that the repository lacks, as Gitea would leave them out in silence."""
        wanted = {"labels": list(self._settings.labels)}
        with understood():
            put = {label["name"] for label in self._client.send("POST", f"{self._repo}/issues/{number}/labels", wanted)}
        missing = [name for name in self._settings.labels if name not in put]
        for name in missing:
            self._client.send("POST", f"{self._repo}/labels", {"name": name, "color": _LABEL_COLOR})
        if missing:
            self._client.send("POST", f"{self._repo}/issues/{number}/labels", wanted)

    def _is_open(self, number: int) -> bool:
        with understood():
            return bool(self._client.get(f"{self._repo}/pulls/{number}")["state"] == "open")

    def _with_person(self, found: PullRequest) -> PullRequest:
        with understood():
            if found.state is PullRequestState.MERGED:
                merger = self._client.get(f"{self._repo}/pulls/{found.number}")["merged_by"]
                return replace(found, merged_by=merger["login"] if merger else None)
            return replace(found, closed_by=self._closer(found.number))

    def _closer(self, number: int) -> str | None:
        """Return the author of the last `close` in the timeline; the pull request itself does not say."""
        closer: str | None = None
        for page in range(1, _PAGES + 1):
            criteria = {"page": str(page), "limit": str(self._page_size)}
            events = self._client.get(f"{self._repo}/issues/{number}/timeline", criteria) or []
            for event in events:
                if event["type"] == "close":
                    closer = event["user"]["login"]
            if len(events) < self._page_size:
                break
        return closer

    def _described(self) -> dict[str, Any]:
        with understood():
            return dict(self._client.get(self._repo))

    def _identity(self) -> str:
        with understood():
            return f"we are {self._client.get('/user')['login']}"

    def _reachable(self) -> str:
        with understood():
            described = self._described()
            return f"{described['full_name']}, default branch {described['default_branch']}"

    def _may_push(self) -> str:
        with understood():
            described = self._described()
            archived, push = bool(described["archived"]), bool(described["permissions"]["push"])
        return forges.check_push("gitea", self._settings, archived=archived, push=push)

    def _may_open(self) -> str:
        """Ask for what can never exist, a pull request from base to base: 422 is said only to who may open one."""
        base = self._base or self._described().get("default_branch", "main")
        with suppress(Refusal):
            self._client.send("POST", f"{self._repo}/pulls", {"base": base, "head": base, "title": "reconciler doctor"})
        return "we may open pull requests"

    def _protection(self) -> str:
        with understood():
            rules = list(self._client.get(f"{self._repo}/branch_protections"))
        return f"{counted(len(rules), 'branch protection rule')}, which we can read"


def _pull_request(data: dict[str, Any]) -> PullRequest:
    merged = data["merged_at"] is not None
    states = {"open": PullRequestState.OPEN, "closed": PullRequestState.MERGED if merged else PullRequestState.CLOSED}
    if merged and not data["merge_commit_sha"]:
        raise ValueError("merged, but by no commit")
    return PullRequest(
        number=data["number"],
        url=data["html_url"],
        state=states[data["state"]],
        branch=data["head"]["label"],
        head=CommitId(data["head"]["sha"]),
        base=data["base"]["label"],
        title=data["title"],
        author=data["user"]["login"],
        same_repository=data["head"]["repo_id"] == data["base"]["repo_id"],
        merge_commit=CommitId(data["merge_commit_sha"]) if merged else None,
        updated_at=datetime.fromisoformat(data["updated_at"]),
        body=data["body"] or "",
        labels=tuple(label["name"] for label in data["labels"] or ()),
        asked=gitea_reviews.asked(data),
    )

"""The seams to the forge: its pull requests, and people who talk there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from reconciler.ports.examined import Examined

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.model.conversation import Board, Comment, DashboardIssue, StatusState
    from reconciler.model.facts import Fact
    from reconciler.model.objects import CommitId
    from reconciler.model.proposal import Proposal, PullRequest
    from reconciler.model.review import Mergeability, Review


class Forge(Examined, Protocol):
    """The service holding the repository's pull requests."""

    def pull_requests(self, *, prefix: str) -> Fact[tuple[PullRequest, ...]]:
        """Return pull requests of this repository whose head branch starts with the prefix, newest first."""
        ...

    def find(self, branch: str) -> PullRequest | None:
        """Return the newest pull request with this head branch in this very repository, or None."""
        ...

    def open(self, proposal: Proposal) -> PullRequest:
        """Open a pull request; where one is open already for this head, adopt it.

        Raises Refusal when the forge's rules reject it, SourceError when it does not answer.
        """
        ...

    def close(self, pull_request: int, *, why: str) -> None:
        """Say why in a comment, then close; closing a closed one changes nothing."""
        ...

    def reviews(self, pull_request: int) -> tuple[Review, ...]:
        """Return the submitted reviews, oldest first, each opinion with whether its author may write.

        Raises SourceError when the forge does not answer.
        """
        ...

    def update(self, pull_request: int, *, title: str, body: str) -> None:
        """Give a pull request another title and text."""
        ...

    def mergeability(self, pull_request: int) -> Mergeability:
        """Return whether the forge would merge it now; asking makes a forge that does not know yet find out.

        Raises SourceError when the forge does not answer.
        """
        ...

    def merge(self, pull_request: int, *, head: CommitId, method: str) -> CommitId:
        """Merge (merge, squash or rebase) if its head is still this one, and return base's new tip.

        Raises Conflict when the head moved or the forge's rules do not let it: that may pass.
        """
        ...


class Talk(Examined, Protocol):
    """Where people are: comments, labels and statuses of pull requests, and the dashboard issue.

    Writes are safe to repeat: what is there already is found by a marker, alone on its line, and by its author: us.
    All but `comments` raise SourceError when the forge does not answer, Unauthorized when it does not let us.
    """

    def comments(self, *, since: datetime) -> Fact[tuple[Comment, ...]]:
        """Return the repository's comments, below issues and pull requests, that changed since, by one request.

        More only where there are many; unchanged answers cost nothing.
        """
        ...

    def us(self) -> str:
        """Return the name of our own account."""
        ...

    def may_write(self, user: str) -> bool:
        """Ask whether somebody may write to the repository.

        Raises Unauthorized when the forge does not let us know.
        """
        ...

    def write_comment(self, number: int, body: str, *, marker: str, known: int | None) -> int:
        """Let the one comment of ours that carries the marker say this, and return its id; `known` saves looking."""
        ...

    def find_dashboard(self, marker: str) -> DashboardIssue | None:
        """Return the issue of ours that carries the marker, the oldest if there are several."""
        ...

    def dashboard(self, number: int) -> DashboardIssue | None:
        """Return the issue as it is now, or None when it is gone."""
        ...

    @property
    def tells_editors(self) -> bool:
        """Whether this forge tells who made which edit of an issue's text: only then can a ticked box count."""
        ...

    def board(self, number: int) -> Fact[Board | None]:
        """Return the dashboard with its revisions, where a box in it is ticked; an unchanged answer costs nothing."""
        ...

    def write_dashboard(self, number: int | None, *, title: str, body: str) -> DashboardIssue:
        """Give the issue this text, or open one."""
        ...

    def label(self, number: int, name: str, *, wanted: bool) -> None:
        """Put a label on a pull request or take it off; what is so already stays so."""
        ...

    def set_status(self, commit: CommitId, state: StatusState, *, description: str) -> None:
        """Give a commit the status `reconciler`; a newer one takes the place of an older."""
        ...

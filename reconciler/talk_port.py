"""The seam to where people are, beside the other Protocols in `ports.py`: what we may read and say on a forge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconciler.model.conversation import Board, Comment, DashboardIssue, StatusState
    from reconciler.model.facts import Fact
    from reconciler.model.objects import CommitId
    from reconciler.ports import Diagnosis


class Talk(Protocol):
    """Where people are: comments, labels and statuses of pull requests, and the dashboard issue.

    Writes are safe to repeat: what is there already is found by a marker, alone on its line, and by its author: us.
    All but `comments` raise SourceError when the forge does not answer, Unauthorized when it does not let us.
    """

    def examine(self) -> Sequence[Diagnosis]:
        """Try what talking needs and the forge's own lines do not say, harmlessly; never raises."""
        ...

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

"""What both forges' talk shares: how texts of ours are recognised, and how much is read at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.conversation import Comment, DashboardIssue

CONTEXT = "reconciler"  # of our commit statuses
LONGEST_DESCRIPTION = 140  # characters of a status; what GitHub takes
PAGES = 10  # of one listing; what is beyond is read in a later pass
DASHBOARDS = 300  # issues of ours that are looked through for the dashboard


def carries(body: str, marker: str) -> bool:
    """Tell whether the marker stands alone on a line: inside another line, it is a quotation."""
    return marker in body.splitlines()


def has_tick(body: str) -> bool:
    """Tell whether a box in the text is ticked."""
    return "- [x]" in body.lower()


def in_order(comments: Iterable[Comment]) -> tuple[Comment, ...]:
    """Return comments in the order in which they were written; ids grow with time, and times can be equal."""
    return tuple(sorted(comments, key=lambda comment: comment.id))


def oldest(issues: Iterable[DashboardIssue], marker: str) -> DashboardIssue | None:
    """Return the oldest issue that carries the marker: of two that were made at once, all runners choose the same."""
    return min((i for i in issues if carries(i.body, marker)), key=lambda i: i.number, default=None)


def is_us(login: str, us: str) -> bool:
    """Compare two names as forges do."""
    return login.casefold() == us.casefold()

"""What both forges' talk shares: how texts of ours are recognised, and how much is read at most."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.adapters import forges
from reconciler.errors import ReconcilerError, Unauthorized
from reconciler.model.conversation import StatusState
from reconciler.model.facts import Unknown
from reconciler.model.objects import CommitId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.model.conversation import Comment, DashboardIssue
    from reconciler.ports import Diagnosis, Talk
    from reconciler.settings import ForgeSettings

CONTEXT = "reconciler"  # of our commit statuses
_NO_SUCH_COMMIT = ("_404", "_422", "_400", "_500")  # ends of codes: GitHub's 422, Gitea's by its version
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


def examined(
    talk: Talk, settings: ForgeSettings, name: str, *, who: Callable[[], str], issues: Callable[[], str]
) -> Iterator[Diagnosis]:
    """Yield the lines of `doctor` about what is switched on; nothing of it is required."""
    if settings.commands:
        yield forges.examined(f"{name} comments", lambda: _comments(talk), required=False)
        yield forges.examined(f"{name} people's permissions", who, required=False)
    if settings.dashboard:
        yield forges.examined(f"{name} issues", issues, required=False)
    if settings.statuses:
        yield forges.examined(f"{name} commit statuses", lambda: _statuses(talk), required=False)


def _comments(talk: Talk) -> str:
    found = talk.comments(since=datetime.now(UTC))
    if isinstance(found, Unknown):
        raise Unauthorized(code="talk.comments", message=found.reason, remedy=found.remedy)
    return "we can read comments, so commands are heard"


def _statuses(talk: Talk) -> str:
    """Give one to a commit that does not exist: who may is told that it does not."""
    try:
        talk.set_status(CommitId("0" * 40), StatusState.SUCCESS, description="reconciler doctor")
    except Unauthorized as error:
        remedy = "give the token `Commit statuses: read and write` on this repository"
        raise Unauthorized(code=error.code, message=error.message, remedy=remedy) from error
    except ReconcilerError as error:
        if not error.code.endswith(_NO_SUCH_COMMIT):
            raise
    return "we may set commit statuses"

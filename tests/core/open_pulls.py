"""An open pull request as a pass sees it: what was read of it, what is known of it, what is done about it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconciler.model.codec import encode
from reconciler.model.facts import Unknown
from reconciler.model.operation import EventKind
from reconciler.model.review import Inspection, Review, ReviewState
from reconciler.model.snapshot import Followed
from reconciler.steps import Step, next_steps
from tests.core.views import FOUND, in_trouble, pull_request, view
from tests.worlds import NOW, Story, settings, tracked

if TYPE_CHECKING:
    from reconciler.settings import Settings


HEAD = tracked().head
AGES = timedelta(days=30)
APPROVAL = Review(user="ana", state=ReviewState.APPROVED, commit=HEAD, may_write=True)
SILENT = Unknown("forge", "timeout")
EAGER = {"quiet_passes": 2, "quiet_period": "0s", "update_interval": "0s"}


def inspected(*reviews: Review, **changes: Any) -> Inspection:  # noqa: ANN401 - any field
    """Return what was read of our own head, long ago."""
    made: dict[str, Any] = {"head": HEAD, "updated_at": NOW - AGES, "reviews": reviews}
    return Inspection(**made | changes)


def seen(inspection: Any, **changes: Any) -> Followed:  # noqa: ANN401 - facts
    """Return the facts of an open pull request."""
    made: dict[str, Any] = {
        "pull_request": pull_request(updated_at=NOW - AGES),
        "values_at_base": ("512Mi",),
        "inspection": inspection,
        "base_moved": False,
    }
    return Followed(**made | changes)


def known(inspection: Inspection) -> Story:
    """Return the story of a pull request that was inspected already."""
    return Story().pull_request_opened().add(EventKind.PULL_REQUEST_INSPECTED, inspection=encode(inspection), said="")


def taken(
    story: Story,
    followed: Followed,
    *,
    findings: Any = FOUND,  # noqa: ANN401 - a fact
    configured: Settings | None = None,
    **changes: Any,  # noqa: ANN401
) -> tuple[Step, ...]:
    """Take the steps of one moment."""
    operation = story.operation
    world = in_trouble(followed={operation.id: followed}, **changes)
    return next_steps(operation, view(operation, snapshot=world, findings=findings, settings=configured or settings()))

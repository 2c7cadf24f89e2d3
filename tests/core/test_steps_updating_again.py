"""An open pull request that is written anew in place, and again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from reconciler.model.codec import encode
from reconciler.model.operation import EventKind
from reconciler.model.review import Inspection
from reconciler.model.snapshot import Followed
from reconciler.steps import next_steps
from tests.core.views import effects, in_trouble, pull_request, view
from tests.worlds import NOW, Story, settings, tracked

K = EventKind
LONG_AGO = NOW - timedelta(days=30)


@pytest.mark.parametrize(
    ("last", "again"), [(NOW - timedelta(seconds=1), ["op-1:1:update"]), (NOW, [])], ids=["before", "in this pass"]
)
def test_pull_request_is_written_anew_each_time_that_base_moves(last: datetime, again: list[str]) -> None:
    """Not only once; and only by facts that are newer than the last time, not by those that led to it."""
    inspection = Inspection(head=tracked().head, updated_at=LONG_AGO, reviews=())
    followed = Followed(
        pull_request=pull_request(updated_at=LONG_AGO),
        values_at_base=("512Mi",),
        inspection=inspection,
        base_moved=True,
    )
    story = Story().pull_request_opened().add(K.PULL_REQUEST_INSPECTED, inspection=encode(inspection), said="")
    named = {"key": "op-1:1:update", "verb": "update"}
    story.add(K.EFFECT_INTENDED, after=last - story.at, data={}, **named)
    story.add(K.EFFECT_COMPLETED, after=timedelta(), result={"number": 41}, **named)

    operation = story.operation
    seen = in_trouble(followed={operation.id: followed})
    steps = next_steps(operation, view(operation, snapshot=seen, settings=settings(guards={"update_interval": "0s"})))

    assert effects(*steps) == again

"""Orders of events that random walks through a pull request's life found, each cut down to what it takes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.lifecycle.sides import GitHubSide

if TYPE_CHECKING:
    from tests.lifecycle.life import Life

pytestmark = pytest.mark.long

_HOUR = timedelta(hours=1)


def test_merge_queue_may_take_longer_than_our_tries(on_github: Life) -> None:
    """Waiting for the queue spends no try: once it is let go, it is written anew, and nobody was told of a failure."""
    life, side = on_github, on_github.side
    assert isinstance(side, GitHubSide)
    life.run()
    side.enqueue(life.number)
    life.edit("# The shop's front door.", "# The shop's front door, and its back door.")
    head = life.head

    said = dict(life.run(8, later=_HOUR).waiting)[life.operation.id]
    assert "is in the merge queue" in said
    assert (life.head, life.operation.escalated) == (head, False)

    side.dequeue(life.number)
    life.run()
    assert life.head != head

"""Whose mergeability is asked for: each pull request costs calls of its own, so only where something may follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from reconciler.model.facts import Fact, Unknown
from reconciler.model.objects import CommitId
from reconciler.model.proposal import PullRequestState
from reconciler.model.review import Inspection, Mergeability, MergeState, Review, ReviewState
from reconciler.observe.inspecting import mergeability
from tests.core.views import pull_request
from tests.worlds import settings, tracked

if TYPE_CHECKING:
    from reconciler.ports import Ports

HEAD, BASE, SILENT = tracked().head, CommitId("b" * 40), Unknown("git", "no answer")
COMMENT = Review(user="ana", state=ReviewState.COMMENTED, commit=HEAD)


@dataclass
class Sources:
    """A forge that writes down what it was asked, a repository that knows whether head has base, and the time."""

    has_base: Fact[bool]
    time: datetime
    asked: list[int] = field(default_factory=list)

    @property
    def forge(self) -> Sources:
        """The forge."""
        return self

    @property
    def repository(self) -> Sources:
        """The repository."""
        return self

    @property
    def clock(self) -> Sources:
        """The clock."""
        return self

    def now(self) -> datetime:
        """Return the time."""
        return self.time

    def mergeability(self, number: int) -> Mergeability:
        """Say that it can be merged."""
        self.asked.append(number)
        return Mergeability(state=MergeState.CLEAN)

    def contains(self, descendant: CommitId, ancestor: CommitId) -> Fact[bool]:
        """Answer for the pull request's head and for base."""
        assert (descendant, ancestor) == (HEAD, BASE)
        return self.has_base


@pytest.mark.parametrize(
    ("policy", "reviews", "facts", "asks"),
    [
        ("never", (), {}, False),
        ("never", (), {"moved": True, "has_base": False}, True),
        ("never", (), {"moved": True, "has_base": False, "after": timedelta(minutes=59)}, False),
        ("never", (COMMENT,), {"moved": False, "has_base": False}, False),
        ("never", (COMMENT,), {"moved": True, "has_base": False}, True),
        ("on_approval", (), {}, False),
        ("on_approval", (), {"has_base": False}, True),
        ("on_approval", (), {"has_base": False, "after": timedelta(minutes=59)}, False),
        ("on_approval", (), {"has_base": SILENT}, True),
        ("on_approval", (), {"base": SILENT}, True),
        ("on_approval", (COMMENT,), {}, True),
        ("autonomous", (), {}, True),
    ],
)
def test_the_forge_is_asked_where_something_may_follow(
    policy: str, reviews: tuple[Review, ...], facts: dict[str, Any], *, asks: bool
) -> None:
    """Of one that waits for its first review nothing does, unless it may be written anew; unknown is not no.

    One that is written anew now may be in a merge queue.
    """
    sources = Sources(facts.get("has_base", True), tracked().opened_at + facts.get("after", timedelta(hours=1)))
    answer = mergeability(
        tracked(),
        pull_request(PullRequestState.OPEN),
        Inspection(head=HEAD, updated_at=None, reviews=reviews),
        facts.get("moved", False),
        facts.get("base", BASE),
        cast("Ports", sources),
        settings(policy={"merge": policy}, guards={"update_interval": "1h"}),
    )

    assert sources.asked == ([41] if asks else [])
    assert answer == (Mergeability(state=MergeState.CLEAN) if asks else None)

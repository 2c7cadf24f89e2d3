"""Who shares a pull request, and when: what the budgets leave, and what one Application delivers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.decide.pooling import Pooled, owner_of, pooled
from reconciler.govern.guards import pull_requests_left
from reconciler.model.operation import EventKind, Operation, Phase
from tests.core.views import settled
from tests.groups import NAMES, TARGETS, deployment, ref, remedy, trio, world
from tests.pairs import proxy_remedy
from tests.worlds import APPLICATION, NOW, Story, application, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.model.action import Remedy
    from reconciler.model.snapshot import Snapshot

K = EventKind


def share(
    remedies: Sequence[Remedy],
    snapshot: Snapshot | None = None,
    *,
    left: int = 1,
    most: int = 10,
    planned: dict[str, Remedy] | None = None,
    may_share: Callable[[Remedy], bool] = lambda _: True,
) -> Pooled:
    """Put remedies together where pull requests are scarce."""
    return pooled(remedies, planned or {}, snapshot or world(), left=left, most=most, may_share=may_share)


def names(made: Pooled) -> list[list[str]]:
    """Return the objects of each operation that is opened."""
    return [[target.name for target in remedy.targets] for remedy in made.opened]


ALL = [remedy(name) for name in NAMES]
FIVE = ("a", "b", "c", "d", "e")


def two_applications() -> Snapshot:
    """Return a world in which Application `left` delivers a and b, and `right` c, d and e."""
    workloads = {ref(n): deployment(n, tracking_id=None) for n in FIVE}

    def keys(*mine: str) -> frozenset[tuple[str, str, str, str]]:
        return frozenset(("apps", "Deployment", "production", name) for name in mine)

    left = application(ref=replace(APPLICATION, name="left"), objects=keys("a", "b"))
    right = application(ref=replace(APPLICATION, name="right"), objects=keys("c", "d", "e"))
    return world(workloads=workloads, applications=(left, right))


# Who is put together


def test_while_there_is_one_for_each_nothing_is_put_together() -> None:
    """One object a pull request is the easiest to review."""
    assert share(ALL, left=3).opened == tuple(ALL)


def test_over_the_budget_what_one_application_delivers_shares_one() -> None:
    """All of it, however little is missing: the rule is about Applications."""
    assert names(share(ALL, left=2)) == [["webapp", "mail", "shop"]]
    assert share(ALL, left=0).opened == (trio(),)


def test_the_application_with_most_is_put_together_first() -> None:
    """And the others only where that is not enough; the order of what is opened stays."""
    remedies = [remedy(name) for name in FIVE]

    assert names(share(remedies, two_applications(), left=3)) == [["a"], ["b"], ["c", "d", "e"]]
    assert names(share(remedies, two_applications(), left=2)) == [["a", "b"], ["c", "d", "e"]]
    assert names(share(remedies, two_applications(), left=0)) == [["a", "b"], ["c", "d", "e"]]


def test_no_more_objects_share_one_than_the_limit_says() -> None:
    """The rest gets another; a limit of one switches sharing off."""
    assert names(share(ALL, left=0, most=2)) == [["webapp", "mail"], ["shop"]]
    assert names(share(ALL, left=0, most=1)) == [["webapp"], ["mail"], ["shop"]]


def test_what_has_something_else_against_it_stays_alone() -> None:
    """A pause or a person's approval of one would hold back the others."""
    assert names(share(ALL, left=0, may_share=lambda r: r.targets != (ref("mail"),))) == [["webapp", "shop"], ["mail"]]


def test_no_object_is_twice_in_one() -> None:
    """What could go together on one object is one remedy already; the rest of it goes alone."""
    two = [remedy("webapp"), remedy("mail"), proxy_remedy(), remedy("shop")]

    assert names(share(two, left=0)) == [["webapp", "mail"], ["webapp", "shop"]]


def test_what_no_git_owns_needs_no_pull_request_and_shares_none() -> None:
    """It is applied; the others have enough."""
    unowned = world(
        applications=(application(objects=frozenset()),),
        workloads={target: deployment(target.name, tracking_id=None) for target in TARGETS},
    )

    assert share(ALL, unowned, left=0).opened == tuple(ALL)
    assert owner_of(remedy("mail"), unowned) is None
    assert owner_of(remedy("mail"), world()) == APPLICATION


def test_a_planned_one_takes_in_what_comes_later() -> None:
    """It has no pull request, so nobody has read it; its actions keep their places."""
    made = share([remedy("mail"), remedy("shop")], left=-1, planned={"op-1": remedy("webapp")})

    assert made.opened == ()
    assert made.revised == {"op-1": trio()}
    assert made.revised["op-1"].actions[:2] == remedy("webapp").actions


def test_a_planned_one_takes_in_no_more_than_the_limit() -> None:
    """The rest is opened."""
    made = share([remedy("mail"), remedy("shop")], left=-1, most=2, planned={"op-1": remedy("webapp")})

    assert [target.name for target in made.revised["op-1"].targets] == ["webapp", "mail"]
    assert names(made) == [["shop"]]


def test_with_budget_left_a_planned_one_takes_in_nothing() -> None:
    """It goes its way, and so does the new one."""
    assert share([remedy("mail")], left=1, planned={"op-1": remedy("webapp")}).revised == {}


def test_planned_ones_are_put_together_too() -> None:
    """They were planned while their owner was not known, or all was paused: the first one takes the others in."""
    planned = {f"op-{n}": remedy(name) for n, name in enumerate(NAMES)}

    made = share([], left=-2, planned=planned)

    assert (made.opened, made.revised) == ((), {"op-0": trio()})
    assert made.absorbed == {"op-1": "op-0", "op-2": "op-0"}
    assert share([], left=0, planned=planned).revised == {}
    assert share([], left=-2, most=2, planned={"op-0": trio(), "op-9": remedy("webapp")}).revised == {}


# What the budgets leave


def left(*history: Operation, **guards: int) -> int:
    """Return how many pull requests may be opened."""
    return pull_requests_left(history, settings(guards=dict(guards)).guards, NOW)


def test_what_is_left_is_the_smaller_of_both_budgets() -> None:
    """An open pull request counts for one, one of this hour for the other; none is less than nothing."""
    opened = Story().pull_request_opened().operation

    assert left(opened, pull_requests_per_hour=3, max_open_pull_requests=5) == 2
    assert left(opened, pull_requests_per_hour=9, max_open_pull_requests=2) == 1
    assert left(opened, pull_requests_per_hour=1, max_open_pull_requests=5) == 0
    assert left(opened, pull_requests_per_hour=0, max_open_pull_requests=0) == 0


def test_what_is_planned_comes_first() -> None:
    """An operation that waits for the budget has it when there is one; one that waits for a person has not."""
    planned = Story()
    settled(planned, snapshot=world("webapp"), settings=settings(guards={"max_open_pull_requests": 0}))
    asking = Story().add(K.APPROVAL_REQUESTED, action=1).operation

    assert planned.operation.phase is Phase.DECIDED
    assert left(planned.operation, max_open_pull_requests=2) == 1
    assert left(planned.operation, max_open_pull_requests=0) == -1
    assert left(asking, max_open_pull_requests=2) == 2

"""Whole passes where something holds one object of what is planned together: the others go on without it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.decide.past import attempts_on
from reconciler.model.operation import Outcome, Phase
from tests.adapters import kubernetes_json as kubernetes
from tests.adapters.git_http import git
from tests.adapters.wire import Answer
from tests.passes.test_pooling import MINUTE, THREE, proposed
from tests.passes.world import elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.adapters.wire import Json
    from tests.passes.world import World

DEPLOYMENTS = "GET /apis/apps/v1/deployments"
DAY = timedelta(days=1)


def planned(world: World) -> World:
    """Return three that are planned together, each restarted already."""
    crowd = elsewhere(world, names=THREE, guards={"max_open_pull_requests": 0})
    crowd.run()
    (operation,) = crowd.operations
    assert operation.phase is Phase.DECIDED
    crowd.guards["max_open_pull_requests"] = 1
    return crowd


def listed(crowd: World) -> list[Json]:
    """Return the Deployments as the cluster lists them."""
    answer = crowd.pulls.wire.script[DEPLOYMENTS]
    assert isinstance(answer, Answer)
    items: list[Json] = answer.body["items"]
    return items


def annotate(crowd: World, annotation: str) -> None:
    """Let somebody annotate `web`."""
    (web,) = (item for item in listed(crowd) if item["metadata"]["name"] == "web")
    web["metadata"].setdefault("annotations", {})[annotation] = "true"


def forget(crowd: World) -> None:
    """Let the Application report `web` no more."""
    made = crowd._application()
    made["status"]["resources"] = [r for r in made["status"]["resources"] if r["name"] != "web"]
    path = "GET /apis/argoproj.io/v1alpha1/applications"
    crowd.pulls.wire.script[path] = Answer(kubernetes.listing("Application", made))


def paused(crowd: World) -> None:
    """Let somebody pause `web`."""
    annotate(crowd, "reconciler.dev/paused")


def escalated(crowd: World) -> None:
    """Let somebody ask to decide about `web`."""
    annotate(crowd, "reconciler.dev/escalate")


def deleted(crowd: World) -> None:
    """Let somebody delete `web`."""
    items = listed(crowd)
    items[:] = [item for item in items if item["metadata"]["name"] != "web"]


@pytest.mark.parametrize(
    ("happen", "phase"),
    [
        (paused, Phase.DECIDED),
        (escalated, Phase.AWAITING_APPROVAL),
        (forget, Phase.AWAITING_APPROVAL),
        (deleted, Phase.CLOSED),
    ],
)
def test_what_holds_one_does_not_hold_the_others(world: World, happen: Callable[[World], None], phase: Phase) -> None:
    """They get their pull request, the held one waits alone, and nobody is restarted twice."""
    crowd = planned(world)
    happen(crowd)

    crowd.run(later=MINUTE)

    whole, going, held = crowd.operations
    assert (whole.outcome, whole.outcome_reason.partition(" (")[0]) == (
        Outcome.SUPERSEDED,
        "Deployment shop/web holds the others up",
    )
    assert sorted(proposed(crowd)) == ["cart", "shop"]
    assert ([t.name for t in going.targets], going.phase) == (["cart", "shop"], Phase.AWAITING_GIT_PR)
    assert ([t.name for t in held.targets], held.phase) == (["web"], phase)
    assert sorted(crowd.restarts) == list(THREE)
    for operation in (going, held):
        assert len(attempts_on(operation.remedy.fingerprints, crowd.operations, crowd.clock.at)) == 1
    assert crowd.run(later=MINUTE).problems == ()
    assert len(crowd.operations) == 3


def test_a_plan_shows_them_apart_and_changes_nothing(world: World) -> None:
    """What a pass would do, with what is left of it to do."""
    crowd = planned(world)
    paused(crowd)
    before = len(crowd.events)

    apart = crowd.plan().remedies

    names = [[action.action.target.name for action in remedy.actions] for remedy in apart]
    assert names[-2:] == [["cart", "shop"], ["web"]]
    assert len(crowd.events) == before


def test_a_stop_of_everything_takes_nothing_apart(world: World) -> None:
    """Then none may go."""
    crowd = planned(world)
    crowd.guards["paused"] = True

    report = crowd.run(later=MINUTE)

    (operation,) = crowd.operations
    assert report.waiting == ((operation.id, "set-memory: paused by the configuration"),)


def test_an_open_one_that_a_pause_holds_says_whose(world: World) -> None:
    """Nobody takes apart what people may have read: it is not merged by us, and the reason names the object."""
    crowd = planned(world)
    crowd.merge = "autonomous"
    crowd.run(later=MINUTE)
    paused(crowd)

    report = crowd.run(later=MINUTE)

    (operation,) = crowd.operations
    assert len(operation.targets) == len(THREE)
    assert "not merged by us: web: paused by an annotation" in dict(report.waiting)[operation.id]


def test_a_plan_sends_nothing_and_leaves_no_more_of_it_each_time(world: World) -> None:
    """The drafts of what is shared are written into the mirror alone, and equal ones are written once."""
    crowd = elsewhere(world, names=THREE, guards={"max_open_pull_requests": 1})
    refs = git(crowd.shop.bare, "for-each-ref")
    there = git(crowd.shop.bare, "count-objects", "-v")

    def written() -> int:
        return sum(1 for path in (crowd.shop.folder / "mirror.git" / "objects").rglob("*") if path.is_file())

    crowd.plan()
    once = written()
    (shared,) = crowd.plan().remedies

    assert [action.proposal for action in shared.actions if action.proposal]
    assert written() == once
    assert (git(crowd.shop.bare, "for-each-ref"), git(crowd.shop.bare, "count-objects", "-v")) == (refs, there)

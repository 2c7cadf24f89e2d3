"""Every source failing, slow or lying, on the real components: unknown is not no, and nothing is done twice.

Invariant 3 throughout: the pass says which source did not answer, does nothing on its facts, and goes on by itself
once the source is well again.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.operation import EventKind, Outcome, Phase
from tests.beds.users import ADMIN
from tests.scenarios.world import World, hungry
from tests.simulation.proxy import Fault, FaultyProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.scenarios.conftest import Worlds

pytestmark = pytest.mark.beds("testbed")

PODS = r"/pods\?"
APPLICATIONS = r"/applications(\?|$)"


@contextmanager
def between(world: World, source: str) -> Iterator[FaultyProxy]:
    """Put a proxy before one source of a world."""
    bed = world.place.bed
    real = {
        "kubernetes": bed.server,
        "prometheus": bed.prometheus,
        "alertmanager": bed.alertmanager,
        "forge": bed.forge_url,
    }[source]
    with FaultyProxy(real, authority=bed.authority) as proxy:
        world.proxies[source] = proxy.url
        yield proxy


def in_trouble(worlds: Worlds) -> World:
    """Return a world whose Deployment `web` is being OOMKilled."""
    world = worlds(hungry())
    world.place.wait_for_sync(health=None)
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
    return world


def assert_nothing_done(world: World) -> None:
    """No restart, no pull request."""
    assert world.restarts() == []
    assert world.place.pull_requests("all") == []


def assert_done_once(world: World) -> None:
    """One operation, one restart, one pull request."""
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    assert len(world.operations) == 1
    assert len(world.restarts()) == 1
    assert len(world.place.pull_requests("all")) == 1
    world.assert_whole()


SILENCES = {
    "pods 500": Fault("GET", PODS, status=500, body={"kind": "Status", "code": 500}),
    "pods 429": Fault("GET", PODS, status=429, body={"kind": "Status", "code": 429}, headers={"Retry-After": "1"}),
    "pods 403": Fault("GET", PODS, status=403, body={"kind": "Status", "code": 403, "reason": "Forbidden"}),
    "pods 410": Fault("GET", PODS, status=410, body={"kind": "Status", "code": 410, "reason": "Expired"}),
    "pods not JSON": Fault("GET", PODS, status=200, body="<html>a login page</html>"),
    "pods another kind": Fault("GET", PODS, status=200, body={"kind": "Status", "status": "Success"}),
    "pods empty": Fault("GET", PODS, lie=lambda pods: {**pods, "items": []}),
    "deployments 500": Fault("GET", r"/deployments\?", status=500, body={}),
    "Applications 500": Fault("GET", APPLICATIONS, status=500, body={}),
    "Applications empty": Fault("GET", APPLICATIONS, lie=lambda found: {**found, "items": []}),
}


def test_cluster_that_does_not_answer_stops_everything(worlds: Worlds, subtests: pytest.Subtests) -> None:
    """Nothing is done on unknown facts, and all of it once they are known."""
    world = in_trouble(worlds)
    with between(world, "kubernetes") as proxy:
        for name, fault in SILENCES.items():
            with subtests.test(name):
                proxy.break_with(fault)

                report = world.run()

                assert fault.hits > 0
                assert report.unknown or report.waiting, report.sentence
                assert_nothing_done(world)
            proxy.heal()
        assert_done_once(world)


def test_slow_cluster_is_given_up_in_time(worlds: Worlds) -> None:
    """A list that takes longer than the limit is unknown; the pass returns."""
    world = in_trouble(worlds)
    with between(world, "kubernetes") as proxy:
        proxy.break_with(Fault("GET", PODS, delay=8.0, times=3))

        report = world.run()

        assert "kubernetes" in {fact.source for fact in report.unknown}
        assert_nothing_done(world)


@pytest.mark.parametrize(
    ("source", "answer"),
    [("prometheus", {"delay": 8.0}), ("alertmanager", {"status": 500, "body": {}})],
    ids=["prometheus slow", "alertmanager 500"],
)
def test_supporting_source_is_named_and_its_facts_are_left_out(
    worlds: Worlds, source: str, answer: dict[str, Any]
) -> None:
    """Metrics and alerts are evidence, not proof: without them the loop goes on and says so."""
    world = in_trouble(worlds)
    with between(world, source) as proxy:
        proxy.break_with(Fault("GET", "/api/", **answer))

        report = world.run()

        assert f"no answer from {source}" in report.sentence
        assert_done_once(world)
        (finding,) = [operation.remedy.finding for operation in world.operations]
        assert source not in {evidence.source for evidence in finding.evidence}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(
            "PATCH", "/deployments/web", status=409, body={"kind": "Status", "code": 409, "reason": "Conflict"}, times=1
        ),
        Fault("PATCH", "/deployments/web", status=500, body={"kind": "Status", "code": 500}, after=True, times=1),
        Fault("PATCH", "/deployments/web", delay=8.0, times=1),
    ],
    ids=["409", "500 after it took effect", "answer lost"],
)
def test_restart_happens_once_whatever_its_answer(worlds: Worlds, fault: Fault) -> None:
    """Invariant 1: a restart whose answer was lost is repeated with the same time, which changes nothing."""
    world = in_trouble(worlds)
    fault.hits = 0
    with between(world, "kubernetes") as proxy:
        proxy.break_with(fault)
        world.run()
        assert fault.hits > 0
        world.run_until(lambda: len(world.restarts()) == 1, "the restart")
        world.run()

        assert_done_once(world)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", "/pulls$", status=500, body={}, after=True, times=1),
        Fault("POST", "/pulls$", status=422, body={"message": "pull request already exists"}, after=True, times=1),
        Fault("POST", "/pulls$", delay=8.0, times=1),
        Fault("POST", "/labels$", status=500, body={}),
    ],
    ids=["500 after it was opened", "422 duplicate", "answer lost", "labels fail"],
)
def test_pull_request_is_opened_once_whatever_the_answer(worlds: Worlds, fault: Fault) -> None:
    """Invariant 6: what is there already is adopted."""
    world = in_trouble(worlds)
    fault.hits = 0
    with between(world, "forge") as proxy:
        proxy.break_with(fault)

        assert_done_once(world)


MUTE = {
    "500": Fault("GET", r"/pulls(\?|/)", status=500, body={}),
    "empty list": Fault("GET", r"/pulls(\?|/)", lie=lambda _: []),
    "401": Fault("GET", r"/pulls(\?|/)", status=401, body={"message": "token expired"}),
}


def test_silent_forge_closes_nothing(worlds: Worlds, subtests: pytest.Subtests) -> None:
    """A list without our pull request proves nothing; the operation waits."""
    world = in_trouble(worlds)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    with between(world, "forge") as proxy:
        for name, fault in MUTE.items():
            with subtests.test(name):
                proxy.break_with(fault)

                world.run()

                assert fault.hits > 0
                assert world.phase is Phase.AWAITING_GIT_PR
            proxy.heal()
        world.place.merge(world.place.pull_requests()[0]["number"])
        world.run_until_outcome(Outcome.VERIFIED)


def test_rejected_push_is_told_to_a_person_once(worlds: Worlds) -> None:
    """A protected branch pattern refuses our push: refused with the server's reason, escalated once, no loop."""
    world = in_trouble(worlds)
    world.place.forge(ADMIN).forbid_pushes(world.place.repository, "reconciler/**")

    operation = world.run_until_outcome(Outcome.REFUSED)

    assert "push" in operation.outcome_reason
    for _ in range(3):
        world.run()
    assert world.kinds().count(EventKind.ESCALATED) == 1
    assert len(world.operations) == 1
    assert world.place.pull_requests("all") == []


def test_stale_status_of_argo_is_not_believed(worlds: Worlds) -> None:
    """Argo that keeps telling its state of before the merge neither verifies nor fails anything."""
    world = in_trouble(worlds)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    remembered: list[Any] = []

    def old_news(found: Any) -> Any:  # noqa: ANN401 - a list of Applications
        remembered[:] = remembered or [found]
        return remembered[0]

    with between(world, "kubernetes") as proxy:
        proxy.break_with(Fault("GET", APPLICATIONS, lie=old_news))
        world.run()
        world.place.merge(world.place.pull_requests()[0]["number"])
        world.run_until_phase(Phase.AWAITING_SYNC)
        world.place.wait_for(lambda: world.limit() == "1Gi", 30, "Argo has delivered")

        reports = [world.run() for _ in range(3)]

        assert world.phase is Phase.AWAITING_SYNC
        assert all("waiting_for_revision" in report.sentence for report in reports)
        proxy.heal()
        world.run_until_outcome(Outcome.VERIFIED)


@pytest.mark.parametrize("source", ["pods fail", "pods empty"])
def test_unknown_fact_never_verifies(worlds: Worlds, source: str) -> None:
    """A live change is not judged while a fact that it is judged by is missing."""
    world = in_trouble(worlds)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    world.place.merge(world.place.pull_requests()[0]["number"])
    name, fault = {
        "pods fail": ("kubernetes", Fault("GET", PODS, status=500, body={})),
        "pods empty": ("kubernetes", Fault("GET", PODS, lie=lambda pods: {**pods, "items": []})),
    }[source]
    world.run_until_phase(Phase.STABILIZING)
    with between(world, name) as proxy:
        proxy.break_with(fault)
        world.place.wait_for(lambda: "no answer" in world.run().sentence, 20, "the fault")
        for _ in range(3):
            world.run()

        assert world.phase is Phase.STABILIZING
        proxy.heal()
        world.run_until_outcome(Outcome.VERIFIED)

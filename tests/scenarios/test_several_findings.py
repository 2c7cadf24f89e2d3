"""Two containers of one Deployment in trouble: one operation, one commit, one pull request, from finding to outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.operation import EventKind, Outcome, Phase
from tests.beds import manifests
from tests.beds.pods import waiting

if TYPE_CHECKING:
    from tests.scenarios.conftest import Worlds
    from tests.scenarios.world import World

FILE = "deploy/web.yaml"
CACHE = """\
        - name: cache
          image: registry.testbed.invalid/cache:1.0
          resources:
            limits:
              memory: 256Mi
"""


def in_trouble(worlds: Worlds, *, web: str = "1Gi", cache: str | None = "400Mi", **overrides: Any) -> World:  # noqa: ANN401
    """Return a world whose Deployment `web` has containers web (512Mi) and cache (256Mi) that need so much."""
    faults = {"needs-memory.web": web} | ({"needs-memory.cache": cache} if cache else {})
    world = worlds({FILE: manifests.deployment("web", faults=faults) + CACHE}, **overrides)
    world.place.wait_for_sync(health=None)
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
    if cache:
        wait_until_cache_is_killed(world)
    return world


def wait_until_cache_is_killed(world: World) -> None:
    """Wait until the container `cache` backs off too."""
    place = world.place
    place.wait_for(lambda: any(waiting(pod, "cache") == "CrashLoopBackOff" for pod in place.pods("web")), what="cache")


def with_limits(text: str, web: str, cache: str) -> str:
    """Return the manifest with other limits, and nothing else changed."""
    own, others = text.split("- name: cache")
    return "- name: cache".join([own.replace("512Mi  #", f"{web}  #"), others.replace("256Mi", cache)])


def limits(world: World) -> list[str]:
    """Return the live memory limits of both containers."""
    live = world.place.live("Deployment", "web")
    assert live is not None
    return [c["resources"]["limits"]["memory"] for c in live["spec"]["template"]["spec"]["containers"]]


def proposed(world: World) -> tuple[int, str]:
    """Return number and manifest of the only pull request there ever was."""
    (pull,) = world.place.pull_requests("all")
    return pull["number"], world.place.text(FILE, pull["head"]["ref"])


def test_both_are_mended_by_one_pull_request(worlds: Worlds) -> None:
    """One restart and one commit with both fields; both are verified."""
    world = in_trouble(worlds)
    before = world.place.text(FILE)

    operation = world.run_until_phase(Phase.AWAITING_GIT_PR)

    number, text = proposed(world)
    assert text == with_limits(before, "1Gi", "512Mi")
    assert len(world.operations) == 1
    assert len(world.restarts()) == 1
    assert len(operation.remedy.fingerprints) == 2
    world.place.merge(number)
    operation = world.run_until_outcome(Outcome.VERIFIED)
    assert limits(world) == ["1Gi", "512Mi"]
    (verified,) = [e for e in world.made().ledger.events() if e.kind is EventKind.VERIFICATION_COMPLETED]
    names = {check["name"] for check in verified.data["checks"]}
    assert {"finding_gone web", "finding_gone cache"} <= names
    assert world.run().sentence.startswith("nothing to do")
    assert len(world.place.pull_requests("all")) == 1
    world.assert_whole()


def test_what_helps_only_one_of_them_is_taken_back_whole(worlds: Worlds) -> None:
    """The cache needs 2Gi: the change failed, and one revert pull request brings both fields back."""
    world = in_trouble(worlds, cache="2Gi")
    before = world.place.text(FILE)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    world.place.merge(proposed(world)[0])

    failed = world.run_until_outcome(Outcome.FAILED, of=0)

    assert "finding_gone cache" in failed.outcome_reason
    assert "finding_gone web" not in failed.outcome_reason
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    (revert,) = world.place.pull_requests()
    assert world.place.text(FILE, revert["head"]["ref"]) == before
    world.place.merge(revert["number"])
    world.run_until_outcome(Outcome.VERIFIED, of=1)
    assert limits(world) == ["512Mi", "256Mi"]
    assert len(world.operations) == 2
    world.assert_whole()


def test_one_that_comes_later_joins_the_open_pull_request(worlds: Worlds) -> None:
    """The same pull request, written anew in place with both fields; there is never a second one."""
    world = in_trouble(worlds, cache=None, guards={"update_interval": "0s"})
    before = world.place.text(FILE)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    first, text = proposed(world)
    assert text == with_limits(before, "1Gi", "256Mi")

    world.place.annotate("Pod", world.place.pods("web")[-1]["metadata"]["name"], **{"needs-memory.cache": "400Mi"})
    wait_until_cache_is_killed(world)
    world.run_until(lambda: proposed(world)[1] != text, "the pull request has both")

    assert proposed(world) == (first, with_limits(before, "1Gi", "512Mi"))
    assert len(world.operations) == 1
    assert EventKind.REMEDY_REVISED in world.kinds()
    report = world.run()
    assert "waits for a review" in report.sentence
    assert {held.code for held in report.held} <= {"known"}
    world.place.merge(first)
    world.run_until_outcome(Outcome.VERIFIED)
    assert limits(world) == ["1Gi", "512Mi"]
    world.assert_whole()


def test_one_that_is_refused_does_not_take_the_other_with_it(worlds: Worlds) -> None:
    """The operator's rules keep the cache as it is: together they are refused, and the web container goes on alone."""
    world = in_trouble(worlds)
    before = world.place.text(FILE)
    rules = world.folder / "rules"
    rules.mkdir()
    (rules / "operator.rego").write_text(
        'package operator\n\ndeny := {"code": "cache", "message": "The cache stays as it is."} if {\n'
        "\tsome change in input.action.changes\n"
        '\tcontains(change.path, "name=cache")\n}\n'
    )
    world.overrides["policy"] = {"operator_folder": str(rules)}

    world.run_until(lambda: bool(world.place.pull_requests()), "a pull request")

    number, text = proposed(world)
    assert text == with_limits(before, "1Gi", "256Mi")
    reports = [world.run() for _ in range(3)]
    assert [o.outcome for o in world.operations] == [Outcome.REFUSED, Outcome.REFUSED, None]
    assert proposed(world) == (number, text)
    assert {h.code for report in reports for h in report.held} <= {"known", "refused_before"}
    world.assert_whole()


def test_a_close_is_a_no_to_each_of_them(worlds: Worlds) -> None:
    """Invariant 7: when one of the two is not seen for a moment, the other is not proposed again alone."""
    world = in_trouble(worlds)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    world.place.close(proposed(world)[0])

    world.run_until_outcome(Outcome.REJECTED)

    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
    wait_until_cache_is_killed(world)
    reports = [world.run() for _ in range(3)]
    assert {held.code for report in reports for held in report.held} == {"rejected_before"}
    assert len(world.place.pull_requests("all")) == 1

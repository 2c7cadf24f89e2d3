"""The loop as a GitHub App whose commits GitHub makes: one branch and one pull request, wherever we die."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pygit2
import pytest
from urllib3.connectionpool import HTTPConnectionPool

from reconciler.model.operation import EventKind, Outcome, Phase
from reconciler.reconcile import reconcile
from tests.beds.users import BOT, REVIEWER
from tests.sandbox.forge.keys import keys
from tests.scenarios.apps import assert_one_of_each, forge_of, heads, move_base, shown, troubled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.scenarios.conftest import Worlds
    from tests.scenarios.world import World

pytestmark = [pytest.mark.beds("sandbox"), pytest.mark.long]

UPDATE_POINTS = 8  # before and after: a tree, a commit, the push, the text of the pull request
POINTS = 10  # before and after: a tree, a commit, the push, the pull request, its label


class Death(BaseException):
    """What SIGKILL is to a process: nothing of ours goes on, nothing is cleaned up."""


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, world: World, at: int) -> Iterator[list[int]]:
    """Die at the n-th point around the forge's writes; yields a list that grows with each point."""
    port, passed = int(world.place.bed.forge_url.rpartition(":")[2]), list[int]()

    def around(write: Callable[..., Any], *, counts: Callable[..., bool]) -> Callable[..., Any]:
        def watched(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the write takes and gives
            if not counts(*args, **named):
                return write(*args, **named)
            for step in (None, write):
                answer = step(*args, **named) if step else None
                passed.append(1)
                if len(passed) == at:
                    raise Death
            return answer

        return watched

    def to_the_forge(pool: HTTPConnectionPool, method: str, url: str, *_: object, **__: object) -> bool:
        return pool.port == port and method not in ("GET", "HEAD") and not url.endswith("/access_tokens")

    with monkeypatch.context() as patched:
        patched.setattr(HTTPConnectionPool, "urlopen", around(HTTPConnectionPool.urlopen, counts=to_the_forge))
        patched.setattr(pygit2.Remote, "push", around(pygit2.Remote.push, counts=lambda *_, **__: True))
        yield passed


def dies(world: World) -> bool:
    """Make a pass; True when it died. What it left open is swept up here, and in no other test."""
    try:
        world.run()
    except Death:
        died = True
    else:
        died = False
    gc.collect()
    return died


@pytest.mark.parametrize("below", ["", "/api/v3"], ids=["github.com", "Enterprise"])
def test_memory_loop_as_an_app_with_verified_commits(worlds: Worlds, below: str) -> None:
    """From the OOM kill to the verified outcome; no token but the App's own is anywhere."""
    world = troubled(worlds)
    world.proxies["forge"] = f"{world.place.bed.forge_url}{below}"
    forge_of(world).repository(world.place.repository).collaborators.pop(BOT)  # whose token the world would have
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    assert_one_of_each(world)
    pull = world.place.pull_requests()[0]
    assert pull["user"]["login"] == "keeper[bot]"
    before = world.kinds()
    assert "waits for a review" in world.run().sentence
    assert world.kinds() == before

    world.place.approve(pull["number"])
    world.place.merge(pull["number"], "squash")
    world.run_until_outcome(Outcome.VERIFIED)

    assert world.limit() == "1Gi"
    assert world.operation.outcome is Outcome.VERIFIED


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # who dies closes no socket
@pytest.mark.parametrize("point", range(1, POINTS + 1))
def test_death_between_any_two_calls_leaves_one_of_each(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch, point: int
) -> None:
    """Although each making of the commit has an id of its own, the next pass adopts what reached the branch."""
    world = troubled(worlds)

    with dying(monkeypatch, world, point) as passed:
        assert dies(world)
    left = heads(world)
    world.run_until_phase(Phase.AWAITING_GIT_PR)

    assert len(passed) >= point
    assert_one_of_each(world)
    assert not left or heads(world) == left, "what was on the branch is adopted, not made again"


def test_there_are_no_more_points_than_are_tried(worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no call is left out of the deaths."""
    world = troubled(worlds)

    with dying(monkeypatch, world, at=0) as passed:
        world.run_until_phase(Phase.AWAITING_GIT_PR)

    assert len(passed) == POINTS


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # who dies closes no socket
@pytest.mark.parametrize("point", [*range(1, UPDATE_POINTS + 1), None])
def test_death_between_any_two_calls_of_an_update_leaves_one_of_each(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch, point: int | None
) -> None:
    """The branch moves to a verified commit on the new base, in the same pull request, wherever a pass dies."""
    world = troubled(worlds, guards={"update_interval": "0s"})
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    before = heads(world)
    move_base(world)

    with dying(monkeypatch, world, point or 0) as passed:
        died = dies(world)
    world.run_until(lambda: EventKind.PULL_REQUEST_UPDATED in world.kinds(), "the update")

    assert (died, len(passed)) == ((True, point) if point else (False, UPDATE_POINTS))
    assert heads(world) != before
    assert_one_of_each(world)
    kinds = world.kinds()
    assert "waits for a review" in world.run().sentence
    assert world.kinds() == kinds


@pytest.mark.parametrize("name", ["our bot", "our configured author"])
def test_foreign_commit_on_our_branch_is_left_alone(worlds: Worlds, name: str) -> None:
    """Also one under a name of ours, trailers and all: nothing of ours moves the branch from there."""
    world = troubled(worlds, guards={"update_interval": "0s"})
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    ((branch, head),) = heads(world).items()
    ours = shown(world, head)
    repository = f"/repos/{world.place.repository}/git"
    configured = {"name": "reconciler", "email": world.settings.repository.author_email}
    bot = {"author": ours["author"], "committer": ours["committer"]}
    named = bot if name == "our bot" else {"author": configured, "committer": configured}
    forged = forge_of(world).call(
        REVIEWER,
        "POST",
        f"{repository}/commits",
        message=ours["message"],
        tree=ours["tree"]["sha"],
        parents=[head],
        **named,
    )
    forge_of(world).call(REVIEWER, "PATCH", f"{repository}/{branch}", sha=forged["sha"])
    move_base(world)

    said = " ".join(line for _ in range(3) for line in world.run().lines)

    assert heads(world) == {branch: forged["sha"]}
    assert ("holds a commit by somebody under our name" in said) is (named != bot)
    assert EventKind.PULL_REQUEST_UPDATED not in world.kinds()


def test_two_machines_make_one_of_each(worlds: Worlds, tmp_path: Path) -> None:
    """Each with a ledger and mirror of its own: the second adopts the commit that the first had made."""
    first = troubled(worlds)
    folder = tmp_path / "second"
    folder.mkdir()
    (folder / "key.pem").write_text(keys().private)
    second = replace(first, folder=folder)

    first.run_until_phase(Phase.AWAITING_GIT_PR)
    made = heads(first)
    second.run_until_phase(Phase.AWAITING_GIT_PR)

    assert heads(first) == made
    assert_one_of_each(first)
    assert_one_of_each(second)


def test_shut_out_app_sees_unknown_and_writes_nothing(worlds: Worlds) -> None:
    """Suspended in the middle: no branch, no pull request, no attempt counted; then it goes on."""
    world = troubled(worlds)
    forge = forge_of(world)
    (installation,) = forge.state.installations
    forge.suspend_app(installation)

    report = world.run()
    told = [(fact.source, fact.reason) for fact in report.unknown]
    again = world.run()

    assert ("github", True) in [(source, "is suspended" in reason) for source, reason in told]
    assert heads(world) == {}
    assert EventKind.EFFECT_FAILED not in world.kinds()
    assert again.unknown
    forge.suspend_app(installation, suspended=False)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    assert_one_of_each(world)


def test_spent_budget_is_waited_for_and_nothing_is_tried(worlds: Worlds) -> None:
    """Almost no requests left: the pass says until when, writes nothing, and a later one goes on."""
    world = troubled(worlds)
    forge = forge_of(world)
    made = world.made()
    made.ports().forge.pull_requests(prefix="reconciler")  # one process, which has learnt what is left
    forge.limits.use("keeper[bot]", 4990, forge.state.now())

    made.ports().forge.pull_requests(prefix="x")
    with made.ledger.exclusive():
        report = reconcile(made.ports(), world.settings)

    assert any("requests are left" in fact.reason for fact in report.unknown)
    assert EventKind.EFFECT_FAILED not in world.kinds()
    assert heads(world) == {}

"""Talking through a whole loop: what the pull request, its statuses and the dashboard say when it is verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.operation import Outcome, Phase
from reconciler.talk.texts import ANSWER_MARKER, DASHBOARD_MARKER
from tests.beds.users import REVIEWER
from tests.scenarios.apps import as_app
from tests.scenarios.world import World, hungry

if TYPE_CHECKING:
    from tests.scenarios.conftest import Worlds


pytestmark = pytest.mark.long


def test_people_can_follow_the_whole_loop_on_the_forge(worlds: Worlds) -> None:
    """A person asks for the story once; answer, dashboard and statuses lead to the end by themselves."""
    assert_followed(worlds(hungry(), forge={"dashboard": True, "statuses": True}))


@pytest.mark.beds("sandbox")
def test_app_talks_as_a_user_does(worlds: Worlds) -> None:
    """With the two permissions more, and the App's own name on what it says."""
    world = worlds(hungry(), forge={"dashboard": True, "statuses": True})
    assert_followed(as_app(world, issues="write", statuses="write"))


def assert_followed(world: World) -> None:
    """Live through the loop, and look at what people see of it."""
    world.place.wait_for_sync(health=None)
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    number = world.place.pull_requests()[0]["number"]
    world.place.comment(number, "/reconciler explain")
    world.run()
    world.place.merge(number)
    world.run_until_outcome(Outcome.VERIFIED)
    world.run()

    repository, person = f"/repos/{world.place.repository}", world.place.forge(REVIEWER)
    tracked = world.operation.pull_request
    assert tracked is not None
    (answer,) = [
        comment["body"]
        for comment in person.call("GET", f"{repository}/issues/{number}/comments")
        if ANSWER_MARKER in comment["body"]
    ]
    assert answer.startswith("**verified: ")
    assert "the change of web is live" in answer
    (board,) = [
        i for i in person.call("GET", f"{repository}/issues?state=all") if DASHBOARD_MARKER in (i["body"] or "")
    ]
    assert "### Done in the last seven days" in board["body"]
    told = person.call("GET", f"{repository}/commits/{tracked.merge_commit}/status")["statuses"]
    assert [(each["context"], each.get("state") or each["status"]) for each in told] == [("reconciler", "success")]
    world.assert_whole()

"""News from the forge wake the loop: a real process, told by the sandbox's GitHub and by a real Gitea."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.model.operation import Phase
from tests.beds.on_sandbox import SandboxBed
from tests.beds.users import ADMIN
from tests.scenarios.loop import Loop
from tests.scenarios.world import hungry

if TYPE_CHECKING:
    from tests.beds.bed import Bed
    from tests.beds.place import Place
    from tests.scenarios.conftest import Worlds

SECRET = "made for one test, not for you"  # noqa: S105 - of a forge that ends with the test
SOON = 5.0  # seconds, the forge's own work included: 0.1 s on an idle machine, more on a busy one
EVENTS = {
    "github": ["pull_request", "pull_request_review", "push"],
    "gitea": ["pull_request", "pull_request_review_approved", "push"],
}


def register(place: Place, address: str) -> None:
    """Let the place's repository tell an address."""
    kind = place.bed.forge_kind
    more = {"type": "gitea"} if kind == "gitea" else {}
    config = {"url": address, "content_type": "json", "secret": SECRET}
    place.forge(ADMIN).call(
        "POST", f"/repos/{place.repository}/hooks", config=config, events=EVENTS[kind], active=True, **more
    )


def test_a_review_wakes_the_loop(bed: Bed, worlds: Worlds) -> None:
    """The next pass by time would come in an hour; the review is followed at once."""
    if isinstance(bed, SandboxBed):
        bed.clock.advance_to(datetime.now(UTC))  # the process has the machine's time
    world = worlds(hungry(), webhooks={"listen": "127.0.0.1:0", "gap": "100ms"})
    world.place.wait_for_sync(health=None)
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    (pull,) = world.place.pull_requests()
    if isinstance(bed, SandboxBed):
        bed.clock.follow()  # else the review would come in the very second in which reviews were read last

    with Loop(world, "1h", RECONCILER_WEBHOOK_SECRET=SECRET) as loop:
        register(world.place, loop.address())
        assert "waits for a review" in loop.passed()["sentence"]

        began = time.monotonic()
        world.place.approve(pull["number"])
        said = loop.said()
        woken = time.monotonic() - began
        sentence = loop.passed()["sentence"]

        assert said.startswith("woken by pull_request")
        assert woken < SOON
        assert "ana approved it" in sentence
        assert loop.stop() == (0, "SIGTERM: stopping after the pass under way; once more stops at once\nstopped\n")

"""The whole loop's conversation with GitHub, every exchange held to GitHub's own description of its API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.operation import Outcome, Phase
from reconciler.sandbox.wire import Response, Server
from tests.beds.users import REVIEWER
from tests.needs import cannot_run
from tests.scenarios.apps import as_app, forge_of
from tests.scenarios.world import hungry
from tests.testbed import build, github_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.scenarios.conftest import Worlds
    from tests.scenarios.world import World
    from tests.testbed.github_front import Front

pytestmark = [pytest.mark.github, pytest.mark.beds("sandbox")]


@pytest.fixture(scope="session")
def description() -> Iterator[tuple[Front, Server]]:
    """GitHub's own description of its API, and the server behind it, whose handler each test sets.

    One for the whole test run, as reading the description takes the checker longer than a story takes.
    """
    behind = Server(lambda _: Response(200, b"{}", {"Content-Type": "application/json"}), name="GitHub").start()
    try:
        with github_server.checked(behind.url) as front:
            yield front, behind
    except build.Unavailable as reason:
        cannot_run("the GitHub tests", reason)
    finally:
        behind.stop()


@pytest.mark.parametrize(
    ("ending", "app"), [("merged", False), ("closed", False), ("merged", True)], ids=["merged", "closed", "as an App"]
)
def test_loop_speaks_githubs_language(
    worlds: Worlds,
    description: tuple[Front, Server],
    ending: str,
    app: bool,  # noqa: FBT001
) -> None:
    """From the opened pull request to its end, with a token and as an App whose commits GitHub makes.

    No request of ours and no answer breaks the description.
    """
    front, behind = description
    world = worlds(hungry(), forge={"dashboard": True, "boxes": True, "statuses": True})
    world = as_app(world, issues="write", statuses="write") if app else world
    front.exchanges.clear()
    behind.handle = forge_of(world).handle
    forge_of(world).url = front.url  # clients follow the links that the answers hold
    world.proxies["forge"] = front.url
    world.place.wait_for_sync(health=None)
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    number = world.place.pull_requests()[0]["number"]
    for word in ("explain", "hold", "resume"):
        world.place.comment(number, f"/reconciler {word}")
        world.run()
    for box in ("stop", "resume"):
        tick(world, box)
        world.run()
        world.run()
    if ending == "merged":
        world.place.approve(number)
        world.place.merge(number, "squash")
        world.run_until_outcome(Outcome.VERIFIED)
    else:
        world.place.close(number)
        world.run_until_outcome(Outcome.REJECTED)

    assert {exchange.method for exchange in front.exchanges} >= {"GET", "POST"}
    assert [e for e in front.exchanges if e.request_violations or e.response_violations] == []
    assert "/graphql" in {exchange.path for exchange in front.exchanges}


def tick(world: World, command: str) -> None:
    """Tick a box of the dashboard, as ana's browser does: by sending the whole text."""
    place, forge = world.place, world.place.forge(REVIEWER)
    issues = f"/repos/{place.repository}/issues"
    (issue,) = [
        each
        for each in forge.call("GET", issues)
        if "<!-- reconciler" in (each["body"] or "") and "pull_request" not in each
    ]
    text = "\n".join(
        line.replace("[ ]", "[x]") if f"box {command} " in line else line for line in issue["body"].splitlines()
    )
    assert text != issue["body"]
    forge.call("PATCH", f"{issues}/{issue['number']}", body=text)

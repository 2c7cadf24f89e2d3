"""Rate limits and conditional reads: what a request costs, and what happens when nothing is left."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.forge import BOT
from tests.sandbox.forge.rest import PULLS, REPO

if TYPE_CHECKING:
    from tests.sandbox.forge.rest import Answer, World


def left(answer: Answer) -> int:
    """Return how many requests are left, by an answer's headers."""
    return int(answer.headers["X-RateLimit-Remaining"])


def test_each_request_costs_one(world: World) -> None:
    """Of 5,000 an hour; every answer says so, refusals too."""
    first, second = world.ask(BOT, "GET", REPO), world.ask(BOT, "GET", f"{PULLS}/9")

    assert (first.headers["X-RateLimit-Limit"], left(first), left(second)) == ("5000", 4999, 4998)
    assert second.headers["X-RateLimit-Used"] == "2"
    assert second.headers["X-RateLimit-Resource"] == "core"


def test_every_user_has_an_hour_of_their_own(world: World) -> None:
    """And strangers share a small one."""
    world.ask(BOT, "GET", REPO)

    assert left(world.ask("ana", "GET", REPO)) == 4999
    assert left(world.ask(None, "GET", REPO)) == 59


def test_looking_at_the_limit_costs_nothing(world: World) -> None:
    """As often as one likes."""
    world.ask(BOT, "GET", REPO)
    world.do(BOT, "GET", "/rate_limit")

    found = world.do(BOT, "GET", "/rate_limit")

    assert found["resources"]["core"] == {
        "limit": 5000,
        "remaining": 4999,
        "used": 1,
        "reset": int((world.clock.now() + timedelta(hours=1)).timestamp()),
    }
    assert found["rate"] == found["resources"]["core"]


def test_a_spent_hour_refuses_until_the_next(world: World) -> None:
    """403, nothing left, and when the next hour begins."""
    world.forge.limits.use(BOT, 4999, world.clock.now())
    last, refused = world.ask(BOT, "GET", REPO), world.ask(BOT, "GET", REPO)
    world.clock.advance(timedelta(hours=1))
    later = world.ask(BOT, "GET", REPO)

    assert [last.status, refused.status, later.status] == [200, 403, 200]
    assert refused.said.startswith("API rate limit exceeded for user ID")
    assert (left(last), left(refused), left(later)) == (0, 0, 4999)
    assert int(refused.headers["X-RateLimit-Reset"]) == int(world.clock.now().timestamp())


@pytest.mark.parametrize("status", [403, 429])
def test_a_burst_of_writes_is_refused_for_a_while(world: World, status: int) -> None:
    """The secondary limit, which no header announces; reading goes on."""
    world.forge.limits.writes_a_minute, world.forge.limits.status = 2, status
    issues = f"{REPO}/issues"
    answers = [world.ask(BOT, "POST", issues, title=f"T{number}") for number in range(3)]
    read = world.ask(BOT, "GET", issues)
    world.clock.advance(timedelta(seconds=60))
    later = world.ask(BOT, "POST", issues, title="later")

    assert [each.status for each in answers] == [201, 201, status]
    assert answers[2].headers["Retry-After"] == "60"
    assert "secondary rate limit" in answers[2].said
    assert (read.status, later.status) == (200, 201)
    assert [each["title"] for each in read.json] == ["T1", "T0"]


def test_an_hours_writes_have_a_limit_too(world: World) -> None:
    """Whose wait is longer."""
    world.forge.limits.writes_an_hour = 1
    world.ask(BOT, "POST", f"{REPO}/issues", title="T")
    world.clock.advance(timedelta(minutes=10))

    assert world.ask(BOT, "POST", f"{REPO}/issues", title="T").headers["Retry-After"] == "3000"


def test_an_unchanged_answer_is_304_and_free(world: World) -> None:
    """With the same tag, and no body."""
    first = world.ask(BOT, "GET", PULLS)
    again = world.ask(BOT, "GET", PULLS, headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert (left(first), left(again)) == (4999, 4999)


def test_a_change_makes_another_tag(world: World) -> None:
    """Then the answer is whole."""
    tag = world.ask(BOT, "GET", PULLS).headers["ETag"]
    world.opened()

    again = world.ask(BOT, "GET", PULLS, headers={"If-None-Match": tag})

    assert (again.status, len(again.json)) == (200, 1)


def test_tags_are_each_readers_own(world: World) -> None:
    """One may not learn from another's whether anything changed."""
    tag = world.ask(BOT, "GET", PULLS).headers["ETag"]

    assert world.ask("ana", "GET", PULLS, headers={"If-None-Match": tag}).status == 200


def test_a_conditional_look_is_a_look(world: World) -> None:
    """It lets mergeability be worked out, so that polling with tags comes to an end."""
    world.opened()
    tag = world.ask(BOT, "GET", f"{PULLS}/1").headers["ETag"]
    second = world.ask(BOT, "GET", f"{PULLS}/1", headers={"If-None-Match": tag})
    third = world.ask(BOT, "GET", f"{PULLS}/1", headers={"If-None-Match": second.headers["ETag"]})

    assert (second.status, second.json["mergeable"], third.status) == (200, True, 304)

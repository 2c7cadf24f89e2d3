"""What asking GitHub costs: nothing for what is unchanged, and never more than it gives."""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.adapters.github import github
from reconciler.adapters.github_budget import Budget
from reconciler.errors import SourceError
from reconciler.model.facts import Unknown
from reconciler.model.review import MergeState
from reconciler.settings import ForgeSettings
from tests.adapters.forge_answers import BRANCH, TOKEN, proposal, pull_request
from tests.adapters.wire import Answer, Request, Wire
from tests.sandbox.forge.rest import PULLS, REPOSITORY, World, world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.ports import Forge

LIST = "/repos/o/r/pulls"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        """Return the time that was set."""
        return self.time


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[World]:
    """The sandbox's forge."""
    with world(tmp_path / "forge") as made:
        yield made


def in_sandbox(sandbox: World, *, remembered: Path | None = None) -> Forge:
    """Return the adapter of a new process, as the bot."""
    settings = ForgeSettings(url=sandbox.url, repository=REPOSITORY, labels=())
    budget = Budget(sandbox.clock)
    return github(settings, sandbox.forge.tokens["reconciler-bot"], budget=budget, remembered=remembered)


def used(sandbox: World) -> int:
    """Return how many requests the bot has spent in this hour."""
    spent: int = sandbox.do("reconciler-bot", "GET", "/rate_limit")["rate"]["used"]
    return spent


def on_wire(wire: Wire, clock: Hands, remembered: Path | None = None) -> Forge:
    """Return the adapter before a scripted server."""
    settings = ForgeSettings(url=wire.url, repository="o/r", labels=())
    return github(settings, TOKEN, budget=Budget(clock), remembered=remembered)


def limits(left: int, *, limit: int = 5000, minutes: int = 30) -> dict[str, str]:
    """Return the headers of an answer whose hour ends so many minutes after noon."""
    reset = int((NOON + timedelta(minutes=minutes)).timestamp())
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset": str(reset),
        "X-RateLimit-Resource": "core",
    }


def test_unchanged_list_costs_nothing(sandbox: World) -> None:
    """GitHub says 304 to the tag of the last answer, and counts that not."""
    number = sandbox.opened()
    forge = in_sandbox(sandbox)
    first, spent = forge.pull_requests(prefix="reconciler"), used(sandbox)

    again = [forge.pull_requests(prefix="reconciler") for _ in range(3)]

    assert not isinstance(first, Unknown)
    assert [p.number for p in first] == [number]
    assert again == [first] * 3
    assert used(sandbox) == spent


def test_change_is_seen_at_once(sandbox: World) -> None:
    """The tag is of the very answer."""
    number = sandbox.opened()
    forge = in_sandbox(sandbox)
    forge.pull_requests(prefix="reconciler")
    sandbox.clock.advance(timedelta(seconds=1))
    sandbox.do("ana", "PATCH", f"{PULLS}/{number}", title="another title")

    found = forge.pull_requests(prefix="reconciler")

    assert not isinstance(found, Unknown)
    assert found[0].title == "another title"


def test_whether_it_can_be_merged_costs_one_request(sandbox: World) -> None:
    """GitHub's word is read anew each time, for it follows what moves no tag; whether it was queued is not."""
    number, forge = sandbox.opened(), in_sandbox(sandbox)
    for _ in range(2):  # GitHub finds out, and the tag is learned
        forge.mergeability(number)
    spent = used(sandbox)

    assert forge.mergeability(number).state is MergeState.CLEAN
    assert used(sandbox) - spent == 1


def test_next_process_asks_with_the_tag_of_the_last(sandbox: World, tmp_path: Path) -> None:
    """By a file that only we can read; without it, or with a broken one, the list is asked for anew."""
    file = tmp_path / "mirror.git.lists.json"
    sandbox.opened()
    first = in_sandbox(sandbox, remembered=file).pull_requests(prefix="reconciler")
    spent = used(sandbox)

    assert in_sandbox(sandbox, remembered=file).pull_requests(prefix="reconciler") == first
    assert used(sandbox) == spent
    assert file.stat().st_mode & 0o077 == 0
    for broken in ("", "{", "[]", '{"format": 1, "lists": {"x": {"etag": 1}}}', '{"format": 2, "lists": {}}'):
        file.write_text(broken)
        assert in_sandbox(sandbox, remembered=file).pull_requests(prefix="reconciler") == first
    file.unlink()
    assert in_sandbox(sandbox, remembered=file).pull_requests(prefix="reconciler") == first


def test_file_of_another_hand_is_not_believed_behind_a_true_304(sandbox: World, tmp_path: Path) -> None:
    """Invariant 9: who may write beside the mirror, or bring a cache along, cannot say what a pull request is."""
    file = tmp_path / "mirror.git.lists.json"
    sandbox.opened()
    first = in_sandbox(sandbox, remembered=file).pull_requests(prefix="reconciler")
    honest = file.read_bytes()
    assert b'"state": "open"' in honest
    for forged in (
        honest.replace(b'"state": "open"', b'"state": "closed"'),
        b"\n" + honest.partition(b"\n")[2].replace(b'"title": "', b'"title": "not '),
        b'{"format": 1, "lists": ' + honest.partition(b"\n")[2].replace(b'"open"', b'"closed"') + b"}",
    ):
        file.write_bytes(forged)
        assert in_sandbox(sandbox, remembered=file).pull_requests(prefix="reconciler") == first
        assert file.read_bytes() == honest


def test_no_file_says_who_approved(sandbox: World, tmp_path: Path) -> None:
    """Invariant 9: whoever may write beside the mirror cannot put an approval behind the tag of a true answer."""
    file = tmp_path / "mirror.git.lists.json"
    number = sandbox.opened()
    sandbox.do("ana", "POST", f"{PULLS}/{number}/reviews", event="COMMENT", body="hm")
    forge = in_sandbox(sandbox, remembered=file)
    forge.pull_requests(prefix="reconciler")
    (review,) = forge.reviews(number)

    assert review.user == "ana"
    assert "/reviews" not in file.read_text()


def test_remembered_items_that_make_no_sense_are_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 3: those of another version of ours; unknown once, then whole again, although nothing changed."""
    file = tmp_path / "lists.json"

    def answer(request: Request) -> Answer:
        known = request.headers.get("If-None-Match") == '"1"'
        return Answer("", 304) if known else Answer([pull_request()], headers={"ETag": '"1"'})

    with Wire({f"GET {LIST}": answer}) as wire:
        with monkeypatch.context() as another:
            another.setattr("reconciler.adapters.github._kept", lambda _: {"number": "one"})
            on_wire(wire, Hands(), file).pull_requests(prefix="reconciler")
        assert b'"number": "one"' in file.read_bytes()
        forge = on_wire(wire, Hands(), file)

        assert isinstance(forge.pull_requests(prefix="reconciler"), Unknown)
        found = forge.pull_requests(prefix="reconciler")

    assert not isinstance(found, Unknown)
    assert [p.number for p in found] == [1]


def test_304_that_nobody_asked_for_is_unknown() -> None:
    """Invariant 3: it is no empty list."""
    with Wire({f"GET {LIST}": Answer("", 304)}) as wire:
        assert isinstance(on_wire(wire, Hands()).pull_requests(prefix="reconciler"), Unknown)


def test_pass_is_not_begun_where_its_writes_could_not_follow() -> None:
    """With few requests left the list is unknown, with the time of the reset; then it is asked for again."""
    clock = Hands()
    with Wire({f"GET {LIST}": Answer([], headers=limits(49))}) as wire:
        forge = on_wire(wire, clock)
        forge.pull_requests(prefix="reconciler")
        nearly = forge.pull_requests(prefix="reconciler")
        asked = len(wire.requests)
        clock.time = NOON + timedelta(minutes=31)
        later = forge.pull_requests(prefix="reconciler")

    assert isinstance(nearly, Unknown)
    assert ("only 49 of 5000" in nearly.reason, "12:30:00 UTC" in nearly.remedy) == (True, True)
    assert (asked, later) == (1, ())


def test_what_a_pass_has_begun_goes_on_to_the_last_request() -> None:
    """The reserve is for its writes; when nothing is left, nothing is sent, and nobody sleeps."""
    script: dict[str, Any] = {
        f"GET {LIST}": Answer([], headers=limits(60)),
        f"POST {LIST}": [
            Answer(pull_request(), 201, headers=limits(1)),
            Answer(pull_request(2), 201, headers=limits(0)),
        ],
    }
    with Wire(script) as wire:
        forge = on_wire(wire, Hands())
        forge.pull_requests(prefix="reconciler")
        assert [forge.open(proposal()).number for _ in range(2)] == [1, 2]
        sent, start = len(wire.requests), time.monotonic()
        with pytest.raises(SourceError) as caught:
            forge.open(proposal())
        taken = time.monotonic() - start

    assert (caught.value.code, len(wire.requests)) == ("github.rate_limited", sent)
    assert taken < 1


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(("after", "waits"), [("120", 120), (None, 60)])
def test_secondary_limit_stops_every_request_until_it_is_over(status: int, after: str | None, waits: int) -> None:
    """As long as Retry-After says, else a minute; reads are unknown, writes are not sent."""
    clock = Hands()
    headers = limits(4000) | ({"Retry-After": after} if after else {})
    answers = [Answer(SECONDARY, status, headers=headers), Answer(pull_request(), 201)]
    with Wire({f"GET {LIST}": Answer([]), f"POST {LIST}": answers}) as wire:
        forge = on_wire(wire, clock)
        with pytest.raises(SourceError):
            forge.open(proposal())
        sent = len(wire.requests)
        assert isinstance(forge.pull_requests(prefix="reconciler"), Unknown)
        with pytest.raises(SourceError) as caught:
            forge.open(proposal())
        assert (caught.value.code, len(wire.requests)) == ("github.rate_limited", sent)
        clock.time = NOON + timedelta(seconds=waits + 1)

        assert forge.open(proposal()).branch == BRANCH


def test_clients_of_one_process_share_the_budget() -> None:
    """What one learns, the other heeds."""
    clock = Hands()
    budget = Budget(clock)
    with Wire({f"GET {LIST}": Answer([], headers=limits(3))}) as wire:
        settings = ForgeSettings(url=wire.url, repository="o/r", labels=())
        one, other = (github(settings, TOKEN, budget=budget) for _ in range(2))
        one.pull_requests(prefix="reconciler")

        assert isinstance(other.pull_requests(prefix="reconciler"), Unknown)
        assert len(wire.requests) == 1


@pytest.mark.parametrize("nonsense", ["", "many", "-1", "9" * 40, "9" * 12, "1e5", "٣"])
def test_limits_that_make_no_sense_stop_nothing(nonsense: str) -> None:
    """A proxy may write what it likes into a header."""
    budget = Budget(Hands())
    for name in ("x-ratelimit-remaining", "x-ratelimit-limit", "x-ratelimit-reset", "retry-after"):
        budget.note(403, {name: nonsense})
    budget.begin()

    assert budget.sentence() == "GitHub names no limit"


@pytest.mark.parametrize(
    ("reset", "minutes"), [("9999999999", 60), ("1e12", 0), ("999999999999", 0)], ids=["far", "a float", "too long"]
)
def test_reset_that_never_comes_is_waited_for_an_hour(reset: str, minutes: int) -> None:
    """No answer stops us for longer than GitHub's own hour; one that is no time does not stop us at all."""
    clock = Hands()
    budget = Budget(clock)
    budget.note(200, {"x-ratelimit-remaining": "0", "x-ratelimit-limit": "5000", "x-ratelimit-reset": reset})

    allowed = []
    for passed in (0, 59, 60):
        clock.time = NOON + timedelta(minutes=passed)
        with suppress(SourceError):
            budget.begin()
            allowed.append(passed)

    assert allowed == [passed for passed in (0, 59, 60) if passed >= minutes]


@pytest.mark.parametrize(("left", "begun"), [(5, True), (4, False)])
def test_small_budget_keeps_a_small_reserve(left: int, begun: bool) -> None:  # noqa: FBT001 - a table's cell
    """A twentieth, so that a workflow's 1,000 or less are not wasted, and its writes can follow."""
    budget = Budget(Hands())
    budget.note(200, {name.lower(): value for name, value in limits(left, limit=100).items()})

    with nullcontext() if begun else pytest.raises(SourceError, match=f"only {left} of 100"):
        budget.begin()
    budget.check()  # what was begun goes on
    budget.note(200, {name.lower(): value for name, value in limits(4, limit=100).items()})
    with pytest.raises(SourceError):
        budget.begin()

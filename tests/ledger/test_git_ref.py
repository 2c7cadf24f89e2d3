"""The reference itself: what is pushed, what it costs, and what somebody who may push there can do to it."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ConfigurationError, LedgerError, LedgerMoved
from tests.adapters.git_http import READER, READER_TOKEN, TOKEN, USER, answers, die_midway, git, serve_normally
from tests.adapters.git_shop import Shop, open_shop
from tests.ledger.examples import NOON, fill, intent
from tests.ledger.stores import REFERENCE, Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.ledger.store import Store

SEGMENT = "events/000001.jsonl"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A served repository that holds manifests."""
    with open_shop(tmp_path) as served:
        yield served


@pytest.fixture
def shelf(shop: Shop) -> Shelf:
    """The ledger on a reference of it, still empty."""
    return Shelf(kind="git_ref", folder=str(shop.folder), url=shop.url, username=USER, token=TOKEN)


@pytest.fixture
def ledger(shelf: Shelf) -> Iterator[Store]:
    """The ledger as this process has it."""
    with closing(shelf.open()) as made:
        yield made


def changed(shop: Shop, change: Callable[[Path], object], ref: str = REFERENCE) -> None:
    """Let somebody check the reference out, change its files, and push the result by force."""
    work = shop.folder / "tampering"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    git(work, "init", "-q")
    git(work, "fetch", "-q", str(shop.bare), ref)
    git(work, "checkout", "-q", "FETCH_HEAD")
    change(work)
    git(work, "add", "--all")
    git(work, "commit", "-q", "-m", "mine")
    git(work, "push", "-q", "--force", str(shop.bare), f"HEAD:{ref}")


def edited(old: str, new: str) -> Callable[[Path], object]:
    """Replace a text in the first segment, once."""

    def change(work: Path) -> None:
        text = (work / SEGMENT).read_text()
        assert old in text
        (work / SEGMENT).write_text(text.replace(old, new, 1))

    return change


def fails(shelf: Shelf, machine: str = "new") -> LedgerError:
    """Return the error with which a new process on a machine refuses to read."""
    with closing(shelf.open(machine)) as ledger, pytest.raises(LedgerError) as caught:
        ledger.events()
    return caught.value


def test_each_append_is_one_commit_that_says_what_it_brings(ledger: Store, shop: Shop) -> None:
    """Anybody can read the history with git alone."""
    ledger.append([intent(1), intent(2)], at=NOON, expected=0)
    ledger.append([intent(3)], at=NOON, expected=2)

    subjects = git(shop.bare, "log", "--format=%s", REFERENCE).splitlines()
    assert subjects == ["Ledger: event 3", "Ledger: events 1 to 2"]
    assert "effect_intended op-2" in git(shop.bare, "log", "--format=%b", REFERENCE)
    assert git(shop.bare, "log", "-1", "--format=%at %ae", REFERENCE) == f"{int(NOON.timestamp())} reconciler@localhost"
    lines = git(shop.bare, "show", f"{REFERENCE}:{SEGMENT}").splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [1, 2, 3]
    assert json.loads(git(shop.bare, "show", f"{REFERENCE}:head.json"))["length"] == 3


def test_a_full_segment_is_never_touched_again(ledger: Store, shop: Shop) -> None:
    """An append writes little, however long the ledger is."""
    ledger.append([intent(n) for n in range(64)], at=NOON, expected=0)
    before = git(shop.bare, "rev-parse", f"{REFERENCE}:{SEGMENT}")
    ledger.append([intent(64)], at=NOON, expected=64)

    assert git(shop.bare, "rev-parse", f"{REFERENCE}:{SEGMENT}") == before
    assert len(git(shop.bare, "show", f"{REFERENCE}:events/000002.jsonl").splitlines()) == 1


def test_clones_and_branches_know_nothing_of_it(ledger: Store, shop: Shop, tmp_path: Path) -> None:
    """It starts no workflow and meets no rule for branches."""
    fill(ledger, 1)
    git(tmp_path, "clone", "-q", str(shop.bare), "clone")

    assert git(shop.bare, "branch", "--list").split() == ["*", "trunk"]
    assert "reconciler" not in git(tmp_path / "clone", "for-each-ref")


def test_an_append_is_one_push_and_a_look_one_question(ledger: Store, shop: Shop) -> None:
    """A pass over a quiet world costs a single question, and transfers nothing."""
    fill(ledger, 1)
    shop.server.requests.clear()
    ledger.append([intent(1)], at=NOON, expected=1)
    pushed, shop.server.requests[:] = list(shop.server.requests), []
    ledger.events(after=2)

    # The first of two equal ones is libgit2's try without a token.
    assert pushed == ["GET refs?service=git-receive-pack"] * 2 + ["POST git-receive-pack"]
    assert shop.server.requests == ["GET refs?service=git-upload-pack"] * 2


def test_a_branch_can_hold_it_where_the_forge_takes_nothing_else(shop: Shop, shelf: Shelf) -> None:
    """The way out for forges with rules about references."""
    branch = Shelf(**{**json.loads(shelf.written()), "ref": "refs/heads/reconciler-ledger"})
    with closing(branch.open()) as ledger:
        fill(ledger, 2)
    with closing(branch.open("elsewhere")) as other:
        assert other.verify() == ()
    assert "reconciler-ledger" in git(shop.bare, "branch", "--list")


@pytest.mark.parametrize("ref", ["refs/heads/trunk", "refs/heads/reconciler/ledger"])
def test_the_base_branch_and_our_proposals_are_never_written_to(shop: Shop, shelf: Shelf, ref: str) -> None:
    """A mistaken name costs an error message, and no manifest."""
    with pytest.raises(ConfigurationError, match="cannot be the ledger's"):
        Shelf(**{**json.loads(shelf.written()), "ref": ref}).open().append([intent()], at=NOON, expected=0)
    assert git(shop.bare, "rev-parse", "trunk") == shop.first


def test_a_branch_with_other_content_is_refused(shop: Shop, shelf: Shelf) -> None:
    """Somebody's work is not taken for an empty ledger."""
    shop.ana.commit("work", {"notes.txt": "mine\n"}, base=shop.first)

    assert fails(Shelf(**{**json.loads(shelf.written()), "ref": "refs/heads/work"})).code == "ledger.foreign"


TAMPERING: dict[str, Callable[[Path], object]] = {
    "an altered value": edited('"n":1', '"n":7'),
    "a space too many": edited('"n":1', '"n": 1'),
    "a removed event": lambda work: (work / SEGMENT).write_text(
        "".join((work / SEGMENT).read_text().splitlines(keepends=True)[:1])
    ),
    "swapped events": lambda work: (work / SEGMENT).write_text(
        "".join(reversed((work / SEGMENT).read_text().splitlines(keepends=True)))
    ),
    "a line of another kind": lambda work: (work / SEGMENT).write_text("[]\n" + (work / SEGMENT).read_text()),
    "no text": lambda work: (work / SEGMENT).write_bytes(b"\xff\xfe\n"),
    "a lost end of line": lambda work: (work / SEGMENT).write_text((work / SEGMENT).read_text().rstrip("\n")),
    "a renamed segment": lambda work: (work / SEGMENT).rename(work / "events/000002.jsonl"),
    "a stray file": lambda work: (work / "events/readme.txt").write_text("hello"),
    "a segment of another spelling": lambda work: (work / "events/0000001.jsonl").write_text("hello"),
    "a later segment": lambda work: shutil.copy(work / SEGMENT, work / "events/000002.jsonl"),
    "a lost head": lambda work: (work / "head.json").unlink(),
    "a head of another spelling": lambda work: (work / "head.json").write_text('{"length": 3}\n'),
    "a shorter head": lambda work: (work / "head.json").write_text(
        (work / "head.json").read_text().replace('"length":3', '"length":2')
    ),
}


@pytest.mark.parametrize("change", TAMPERING.values(), ids=TAMPERING)
def test_tampering_is_found_by_whoever_reads(
    ledger: Store, shelf: Shelf, shop: Shop, change: Callable[[Path], object]
) -> None:
    """A machine that never saw the ledger finds it in the chain, one that did refuses as well."""
    fill(ledger, 3)
    changed(shop, change)

    assert fails(shelf, "new").code == "ledger.broken"
    assert fails(shelf, "here").code in {"ledger.broken", "ledger.rewritten"}
    with closing(shelf.open("new")) as new:
        assert new.verify() != ()


def test_a_newer_format_is_left_alone(ledger: Store, shelf: Shelf, shop: Shop) -> None:
    """We do not append to what we do not know."""
    fill(ledger, 1)
    changed(
        shop,
        lambda work: (work / "head.json").write_text(
            (work / "head.json").read_text().replace('"format":1', '"format":2')
        ),
    )

    assert fails(shelf).code == "ledger.newer"


def test_a_reference_that_was_moved_back_is_noticed(ledger: Store, shelf: Shelf, shop: Shop) -> None:
    """The shorter chain is sound by itself; whoever saw the longer one knows better: this process and this machine."""
    fill(ledger, 3)
    git(shop.bare, "update-ref", REFERENCE, f"{REFERENCE}~1")

    with pytest.raises(LedgerError, match="was rewritten: event 3 is not there") as caught:
        ledger.events(after=3)
    assert "delete" in caught.value.remedy
    assert fails(shelf, "here").code == "ledger.rewritten"
    assert [flaw.sequence for flaw in shelf.open("here").verify()] == [0]
    assert len(shelf.open("new").events()) == 2


def test_a_deleted_reference_is_noticed(ledger: Store, shelf: Shelf, shop: Shop) -> None:
    """What was there does not become an empty ledger, on which everything would be done again."""
    fill(ledger, 1)
    git(shop.bare, "update-ref", "-d", REFERENCE)

    with pytest.raises(LedgerError, match="was rewritten"):
        ledger.append([intent()], at=NOON, expected=2)
    assert fails(shelf, "here").code == "ledger.rewritten"


def test_another_sound_chain_in_its_place_is_noticed(ledger: Store, shelf: Shelf, shop: Shop) -> None:
    """Who rewrites everything makes a sound chain, and is given away by the noted event; deleting the note accepts."""
    fill(ledger, 2)
    git(shop.bare, "update-ref", "-d", REFERENCE)
    with closing(shelf.open("forger")) as forger:
        forger.append([intent(n, forged=True) for n in range(3)], at=NOON, expected=0)

    assert fails(shelf, "here").code == "ledger.rewritten"
    Path(fails(shelf, "here").remedy.rpartition("delete ")[2]).unlink()
    assert len(shelf.open("here").events()) == 3


def test_a_lost_mirror_is_made_again(ledger: Store, shelf: Shelf) -> None:
    """It is a cache; what the machine remembers stands beside it."""
    written = fill(ledger, 2)
    shutil.rmtree(shelf.mirror())

    with closing(shelf.open()) as again:
        assert again.events() == written
        assert again.append([intent(9)], at=NOON, expected=2)[0].sequence == 3


def test_a_push_whose_answer_is_lost_counts_when_it_arrived(ledger: Store, shop: Shop, shelf: Shelf) -> None:
    """The server took it and hung up: the events are there once, and we know it."""
    fill(ledger, 1)
    shop.server.faults["git-receive-pack"] = lambda h: die_midway(h) if h.command == "POST" else serve_normally(h)

    assert ledger.append([intent(7)], at=NOON, expected=1)[0].sequence == 2
    shop.server.faults.clear()
    assert len(shelf.open("elsewhere").events()) == 2


def test_a_server_that_fails_is_an_error_of_the_ledger(ledger: Store, shop: Shop) -> None:
    """Nothing may be done without it, and the next pass tries again."""
    fill(ledger, 1)
    shop.server.faults["git-receive-pack"] = answers(500)
    with pytest.raises(LedgerError, match=r"ledger\.remote") as caught:
        ledger.append([intent(7)], at=NOON, expected=1)
    assert TOKEN not in str(caught.value)

    shop.server.faults = {"git-upload-pack": answers(500)}
    with pytest.raises(LedgerError, match=r"ledger\.remote"):
        ledger.events()


def test_a_reader_is_told_what_is_missing(shop: Shop, shelf: Shelf) -> None:
    """The doctor says it beforehand, the append when it is tried."""
    reader = Shelf(**{**json.loads(shelf.written()), "username": READER, "token": READER_TOKEN}).open()

    assert [(line.works, bool(line.remedy)) for line in reader.examine()] == [(True, False), (False, True)]
    with pytest.raises(LedgerError, match=r"ledger\.remote") as caught:
        reader.append([intent()], at=NOON, expected=0)
    assert "RECONCILER_GIT_TOKEN" in caught.value.remedy
    assert git(shop.bare, "for-each-ref", REFERENCE) == ""


def test_rules_of_the_server_are_told_with_a_way_out(ledger: Store, shop: Shop) -> None:
    """A hook, or a server that keeps such references to itself, refuses; nothing is announced then."""
    shop.hook("update", 'case "$1" in refs/reconciler/*) echo "not here" >&2; exit 1;; esac')
    with pytest.raises(LedgerError, match="not here") as caught:
        ledger.append([intent()], at=NOON, expected=0)
    assert not isinstance(caught.value, LedgerMoved)

    shop.hook("update", "exit 0")
    git(shop.bare, "config", "transfer.hideRefs", "refs/reconciler")
    with pytest.raises(LedgerError, match="hidden ref"):
        ledger.append([intent()], at=NOON, expected=0)


def test_a_reference_that_cannot_be_made_is_named_with_the_servers_words(ledger: Store, shop: Shop) -> None:
    """Another reference stands where the folder would be: that is no race, however often it is tried."""
    git(shop.bare, "update-ref", "refs/reconciler", shop.first)

    for caught in refusals_of(ledger, 4):
        assert caught.code == "ledger.remote"
        assert "'refs/reconciler' exists" in caught.message
        assert "rules" in caught.remedy


def test_a_reference_that_never_moves_does_not_look_contended_for_ever(ledger: Store, shop: Shop) -> None:
    """A lock that a dead server process left looks like a race: after a few tries that is said, with the way out."""
    lock = shop.bare / f"{REFERENCE}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    *first, last = refusals_of(ledger, 4)
    lock.unlink()

    assert [error.code for error in first] == ["ledger.moved"] * 3
    assert last.code == "ledger.ref_unusable"
    assert "refs/heads/reconciler-ledger" in last.remedy
    assert ledger.append([intent()], at=NOON, expected=0)


def refusals_of(ledger: Store, times: int) -> list[LedgerError]:
    """Return why each of so many appends in a row was refused."""
    found = []
    for _ in range(times):
        with pytest.raises(LedgerError) as caught:
            ledger.append([intent()], at=NOON, expected=0)
        found.append(caught.value)
    return found


def test_the_note_that_cannot_be_read_is_named(ledger: Store, shelf: Shelf) -> None:
    """A damaged note is not silently the same as none."""
    fill(ledger, 1)
    (note,) = shelf.mirror().parent.glob("*.head")
    note.write_text("{")

    assert fails(shelf, "here").code == "ledger.note"

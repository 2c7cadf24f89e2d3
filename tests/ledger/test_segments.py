"""How a tree holds events: what is written is read back, and nothing else passes. Pure."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import LedgerError
from reconciler.ledger import chain, segments
from tests.ledger.examples import NOON, intent

unhurried = settings(deadline=None)  # the machine may be busy
Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=6,
)


def written(rows: tuple[chain.Row, ...], before: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """Return the tree after an append."""
    tree = before or {}
    return {**tree, **segments.files(rows, tree.get)}


def read(tree: dict[str, bytes], after: int = 0) -> tuple[list[chain.Row], chain.Head | None]:
    """Read a tree back."""
    paths = [path for path in tree if path.startswith(segments.FOLDER)]
    return list(segments.rows(paths, tree.get, after=after)), segments.head(tree.get(segments.HEAD))


@unhurried
@given(st.lists(Json, min_size=1, max_size=4))
def test_what_is_written_is_read_back(values: list[Any]) -> None:
    """Byte for byte: the text that was hashed is the text that is hashed again."""
    rows = chain.link([intent(value=value) for value in values], at=NOON, after=chain.START)

    assert read(written(rows)) == (list(rows), chain.Head(rows[-1].sequence, rows[-1].hash))


@unhurried
@given(st.lists(st.integers(1, 150), min_size=1, max_size=4), st.integers(0, 200))
def test_batches_of_any_size_follow_each_other(sizes: list[int], after: int) -> None:
    """However the events came, the tree is the same, and a reader may begin anywhere."""
    total = sum(sizes)
    rows = chain.link([intent(n) for n in range(total)], at=NOON, after=chain.START)
    tree: dict[str, bytes] = {}
    place = 0
    for size in sizes:
        tree = written(rows[place : place + size], tree)
        place += size

    assert tree == written(rows)
    assert read(tree, after)[0] == list(rows[after:])
    assert max(len(content.splitlines()) for content in tree.values()) <= segments.SIZE


def test_a_format_that_never_was_is_no_head() -> None:
    """Only the format that we write is believed; one byte of it may be what was altered."""
    tree = written(chain.link([intent(0)], at=NOON, after=chain.START))
    for instead in (b'"format":0', b'"format":true', b'"format":"1"'):
        changed = tree[segments.HEAD].replace(b'"format":1', instead)

        assert changed != tree[segments.HEAD]
        assert segments.head(changed) is None


@unhurried
@given(st.data())
def test_a_single_changed_byte_is_found(data: st.DataObject) -> None:
    """Wherever it is: in an event, between two, or in the head; a format that is none of ours is refused or no head."""
    rows = chain.link([intent(n, text="é") for n in range(3)], at=NOON, after=chain.START)
    tree = written(rows)
    path = data.draw(st.sampled_from(sorted(tree)))
    content, place = tree[path], data.draw(st.integers(0, len(tree[path]) - 1))
    byte = data.draw(st.sampled_from([b" ", b"\n", b"0", b'"', b"\xff", b"", content[place : place + 1] * 2]))
    changed = content[:place] + byte + content[place + 1 :]
    if changed != content:
        try:
            found, head = read({**tree, path: changed})
        except LedgerError as error:
            assert (path, error.code) == (segments.HEAD, "ledger.newer")  # noqa: PT017 - most changes raise nothing
            return

        assert chain.verify(found, head) != ()


def test_files_that_are_no_segments_are_named() -> None:
    """Only one spelling of a segment's name is ours."""
    odd = [
        "events/1.jsonl",
        "events/0000001.jsonl",
        "events/000000.jsonl",
        "events/000001.json",
        "events/a/000001.jsonl",
    ]

    assert segments.strangers([*odd, "events/000001.jsonl", "events/1000000.jsonl"]) == odd

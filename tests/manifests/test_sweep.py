"""Random edits in the fast lane, and the judge of the sweep itself: it sees what is wrong, and what is noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.manifests import sweep as sweeping
from tests.manifests.sweep import noisy, printed, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.model.action import FieldChange


def test_no_random_edit_is_wrong() -> None:
    """Invariant 5: an edit is right or refused by name; there is no third case."""
    tally = sweep(400, seed=1, made_up=1)

    assert tally.wrong == []
    assert tally.noise == []
    assert sum(tally.done.values()) > 200
    assert set(tally.done) == {"replace", "insert", "add item", "remove", "inside", "several"}
    assert all(code.startswith("edit.") for _, code in tally.refused)
    assert printed(tally).endswith("0 wrong, 0 with noise")


@pytest.mark.parametrize(
    ("fault", "seen_as"),
    [
        (lambda text: text.replace("web", "wob"), "wrong"),
        (lambda text: text.replace("512Mi", "513Mi") + "\nx: ", "wrong"),
        (lambda text: text.replace("\n", "\n\n", 1), "noise"),
        (lambda text: text.replace(": ", ":  "), "noise"),
        (lambda text: text.replace("#", "##"), "noise"),
    ],
)
def test_a_fault_is_seen(monkeypatch: pytest.MonkeyPatch, fault: Callable[[str], str], seen_as: str) -> None:
    """Edits that did more than they should are counted, or the sweep would prove nothing."""
    edit = sweeping._edit

    def faulty(text: str, number: int, changes: Sequence[FieldChange]) -> str:
        return fault(edit(text, number, changes))

    monkeypatch.setattr(sweeping, "_edit", faulty)
    tally = sweep(150, seed=2, made_up=1)

    assert getattr(tally, seen_as)


@pytest.mark.parametrize(
    ("before", "after", "allowed", "expected"),
    [
        ("a\nb\n", "a\nc\n", (1, 1), False),
        ("a\nb\n", "a\nb\nc\n", (0, 1), False),
        ("a\r\nb", "a\r\nb\r\nc", (0, 1), False),
        ("a\nb", "a", (1, 0), False),
        ("a\nb\n", "a\nb", (0, 0), True),
        ("a\nb\n", "a\r\nb\r\n", (1, 1), True),
        ("a\nb\nc\n", "x\nb\nz\n", (1, 1), True),
        ("a\nb\nc\n", "x\nb\nz\n", (2, 2), False),
    ],
)
def test_noise_is_counted_in_lines(before: str, after: str, allowed: tuple[int, int], expected: bool) -> None:  # noqa: FBT001 - a table of answers
    """As a reviewer's diff shows them, line ends included."""
    assert noisy(before, after, allowed) is expected

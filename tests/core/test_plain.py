"""Numbers in sentences, and what shows itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.plain import counted, visible

PRODUCT = Path(__file__).parents[2] / "reconciler"
_BARE = re.compile(r"(?<!of )\{len\([^{}]*\)\} (?:[a-z]+ )?[A-Za-z]+s\b")  # after `of`, a plural is right


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 branches"), (1, "1 branch"), (2, "2 branches"), (1000, "1000 branches")]
)
def test_one_of_something_is_no_plural(number: int, words: str) -> None:
    """And what has another plural says so."""
    assert counted(number, "branch", plural="branches") == words


def test_nothing_may_be_said_in_another_word() -> None:
    """Where a zero would read oddly."""
    assert (counted(0, "finding", none="no"), counted(2, "finding", none="no")) == ("no findings", "2 findings")


def test_sentences_count_by_the_one_helper() -> None:
    """No text of the product puts a bare number of things before their plural."""
    found = [
        f"{path.name}: {match[0]}"
        for path in PRODUCT.rglob("*.py")
        if "sandbox" not in path.parts
        for match in _BARE.finditer(path.read_text(encoding="utf-8"))
    ]

    assert found == []


@pytest.mark.parametrize(
    "blank",
    ["\u034f", "\u115f", "\u1160", "\u17b4", "\u180b", "\u180e", "\u2800", "\u3164", "\uffa0", "\ufe0f", "\U000e0100"],
)
def test_letter_that_shows_nothing_is_shown(blank: str) -> None:
    """It is of no hidden category, and still makes two values look alike."""
    assert visible(f"1Gi{blank}") == "1Gi\ufffd"


def test_look_of_an_emoji_stays() -> None:
    """A comment with one is no riddle."""
    assert visible("careful \u26a0\ufe0f") == "careful \u26a0\ufe0f"

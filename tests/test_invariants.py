"""Every invariant of the design is named by tests: in the docstring of what it protects."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parent
INVARIANTS = range(1, 12)

_NAMED = re.compile(r"invariants? (\d+(?:(?:, | and |, and )\d+)*)", re.IGNORECASE)


def named_in(source: str) -> set[int]:
    """Return the invariants that the docstrings of a file's test functions name."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    texts = [ast.get_docstring(f) or "" for f in functions if f.name.startswith("test_")]
    return {int(number) for text in texts for said in _NAMED.findall(text) for number in re.findall(r"\d+", said)}


def test_every_invariant_is_named_by_a_test() -> None:
    """The design promises it: an invariant that no test names is a wish."""
    count = Counter(n for file in TESTS.rglob("test_*.py") for n in named_in(file.read_text(encoding="utf-8")))

    assert [n for n in INVARIANTS if not count[n]] == []
    assert sorted(set(count) - set(INVARIANTS)) == []


def test_names_are_found_in_docstrings_of_tests_alone() -> None:
    """A comment or a helper proves nothing."""
    source = '''
def test_one() -> None:
    """Invariants 1, 2 and 30: it holds."""
def helper() -> None:
    """Invariant 4: no test."""
def test_two() -> None:  # invariant 5
    """Nothing; invariant 6."""
'''

    assert named_in(source) == {1, 2, 30, 6}

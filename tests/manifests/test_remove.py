"""Fields that go: their own lines and nothing of anybody else's."""

from __future__ import annotations

import pytest

from tests.manifests.test_insert import ENV, code, removed


@pytest.mark.parametrize(
    ("before", "fields", "after"),
    [
        ("a:\n  b: 1\n  c: 2\n", [("a.b", "1")], "a:\n  c: 2\n"),
        ("a: 1\nb: 2", [("b", "2")], "a: 1"),
        ("a: 1\r\nb: 2", [("b", "2")], "a: 1"),
        ("a: |-\n  t\nb: 2", [("b", "2")], "a: |-\n  t"),
        ("a: 1\r\nb: 2\r\nc: 3\r\n", [("b", "2")], "a: 1\r\nc: 3\r\n"),
        ("a:\n  b:\n    c: 1\nd: 2\n", [("a.b.c", "1")], "d: 2\n"),
        ("a: {b: 1, c: 2, d: 3}\n", [("a.b", "1")], "a: {c: 2, d: 3}\n"),
        ("a: {b: 1, c: 2, d: 3}\n", [("a.c", "2"), ("a.d", "3")], "a: {b: 1}\n"),
        ("a: {b: 1, c: 2, d: 3}\n", [("a.b", "1"), ("a.c", "2")], "a: {d: 3}\n"),
        ("a: { b: 1, }\n", [("a.b", "1")], "a: {  }\n"),
        ("a: {b: {c: 1}, d: 2}\n", [("a.b.c", "1")], "a: {d: 2}\n"),
        ("a: {b: {c: 1}}\n", [("a.b.c", "1")], "a: {}\n"),
        ("emptyDir: {medium: Memory}\n", [("emptyDir.medium", "Memory")], "emptyDir: {}\n"),
        (ENV + "z: 1\n", [("env[name=A].name", "A"), ("env[name=A].value", "a")], "z: 1\n"),
        (ENV, [("env[name=A].value", "a")], "env:\n  - name: A\n"),
        (
            "v:\n- name: A\n  emptyDir:\n    medium: Memory\n- name: B\n",
            [("v[name=A].name", "A"), ("v[name=A].emptyDir.medium", "Memory")],
            "v:\n- name: B\n",
        ),
        ("env: [{name: A}]\n", [("env[name=A].name", "A")], "env: []\n"),
    ],
)
def test_a_field_takes_what_it_leaves_empty_with_it(before: str, fields: list[tuple[str, str]], after: str) -> None:
    """Invariant 5: the exact inverse of an insertion, parents that it brought included."""
    assert removed(before, *fields) == after


@pytest.mark.parametrize(
    ("text", "changes", "why"),
    [
        ("a: 1\nb: 2\n", [("b", "3", None)], "stale"),
        ("a: 1\n", [("b", "3", None)], "missing_field"),
        ("a: 1\nb: {c: 1}\n", [("b", "3", None)], "not_scalar"),
        ("a: 1\nb: ~\n", [("b", "", None)], "empty_value"),
        ("a: 1\nb: |\n  t\n", [("b", "t\n", None)], "block_scalar"),
        ("a: 1\nb: x\n  y\n", [("b", "x y", None)], "multi_line"),
        ("a: {b: 1,\n  c: 2}\n", [("a.c", "2", None)], "multi_line"),
        ("a: 1\nb: 2  # why\n", [("b", "2", None)], "commented"),
        ("a: 1\nb:\n  # why\n  c: 2\n", [("b.c", "2", None)], "commented"),
        ("a: 1\nb:\n\n  c: 2\n", [("b.c", "2", None)], "commented"),
        ("a: 1\n", [("a", "1", None)], "last_field"),
        ("a: 1\npodSelector:\n  matchLabels:\n    x: y\n", [("podSelector.matchLabels.x", "y", None)], "last_field"),
        (ENV, [("env[name=A].name", "A", None)], "item_key"),
        ("e:\n- value: a\n  name: A\n", [("e[name=A].value", "a", None)], "layout"),
        ("\ufeffa: 1\nb: 2\n", [("a", "1", None)], "layout"),
        ("a: |\n  t\nb: 2", [("b", "2", None)], "open_block"),
        ("a: 1\rb: 2\r", [("b", "2", None)], "line_ends"),
        ("a: 1\nb: 2\n", [("b", "2", None), ("b", "2", None)], "duplicate_change"),
        ("a: 1\nb: 2\n", [("b", "2", None), ("b", "2", "3")], "duplicate_change"),
        ("a: 1\nb: &b 2\n", [("b", "2", None)], "anchor"),
        ("a: |\n    t\nb: 2\n    # u\n", [("b", "2", None)], "recheck_failed"),
        ("a: 1\n", [("b", None, None)], "missing_field"),
    ],
)
def test_a_removal_in_doubt_is_refused(text: str, changes: list[tuple[str, str | None, str | None]], why: str) -> None:
    """Invariant 5: comments, blank lines, names of items and what an empty field means are a person's."""
    assert code(text, *changes) == why

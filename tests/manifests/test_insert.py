"""Fields that come: with the place, indent and quotes of the file's author, and gone again without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.editing.edit import edit_document, read_document
from reconciler.manifests.editing.parts import MappingNode
from reconciler.model.action import FieldChange
from reconciler.model.objects import parse_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.manifests.editing.parts import Node


def first(roots: Sequence[Node]) -> MappingNode:
    """Pick the first document."""
    assert isinstance(roots[0], MappingNode)
    return roots[0]


def edited(text: str, *changes: FieldChange, lines: int = 20) -> str:
    """Make changes of a file without an identity."""
    return edit_document(text.encode(), first, changes, max_bytes=9999, max_changed_lines=lines).decode()


def added(text: str, *fields: tuple[str, str]) -> str:
    """Set fields that are not there."""
    return edited(text, *(FieldChange(path=parse_path(path), before=None, after=value) for path, value in fields))


def removed(text: str, *fields: tuple[str, str]) -> str:
    """Unset fields."""
    return edited(text, *(FieldChange(path=parse_path(path), before=value, after=None) for path, value in fields))


def code(text: str, *changes: tuple[str, str | None, str | None]) -> str:
    """Return why changes are refused."""
    with pytest.raises(Refusal) as refused:
        edited(text, *(FieldChange(path=parse_path(p), before=b, after=a) for p, b, a in changes))
    assert refused.value.remedy
    return refused.value.code.removeprefix("edit.")


ENV = "env:\n  - name: A\n    value: a\n"
NEW_ITEM = (("env[name=B].name", "B"), ("env[name=B].value", "b"))


@pytest.mark.parametrize(
    ("before", "fields", "after"),
    [
        ("a:\n  b: 1\nc: 2\n", [("a.x", "3")], "a:\n  b: 1\n  x: 3\nc: 2\n"),
        ("a:\n    b: 1\n", [("a.x.u", "z")], "a:\n    b: 1\n    x:\n        u: z\n"),
        (
            "a:\n  b: 1  # why\n  # more\n\n# next\nc: 2\n",
            [("a.x", "3")],
            "a:\n  b: 1  # why\n  x: 3\n  # more\n\n# next\nc: 2\n",
        ),
        ("a:\n  b:\n  - 1\n\n\nc: 2\n", [("a.x", "3")], "a:\n  b:\n  - 1\n  x: 3\n\n\nc: 2\n"),
        ("a:\n  b: |\n    t\n\n\nc: 2\n", [("a.x", "3")], "a:\n  b: |\n    t\n  x: 3\n\n\nc: 2\n"),
        ("a:\n  b: |+\n    t\n\nc: 2\n", [("a.x", "3")], "a:\n  b: |+\n    t\n\n  x: 3\nc: 2\n"),
        ("a:\n  b:   # none\nc: 2\n", [("a.x", "3")], "a:\n  b:   # none\n  x: 3\nc: 2\n"),
        ("a: 1", [("x", "3")], "a: 1\nx: 3"),
        ("a:\r\n  b: 1\r\nc: 2", [("a.x", "3"), ("u", "4")], "a:\r\n  b: 1\r\n  x: 3\r\nc: 2\r\nu: 4"),
        (
            "a:\n  b:\n    c: 1\n",
            [("a.b.x", "1"), ("a.x", "2"), ("x", "3")],
            "a:\n  b:\n    c: 1\n    x: 1\n  x: 2\nx: 3\n",
        ),
        ("a: 1\n", [("x.u.p", "1"), ("x.z", "2"), ("x.u.q", "3")], "a: 1\nx:\n  u:\n    p: 1\n    q: 3\n  z: 2\n"),
    ],
)
def test_a_key_comes_after_its_siblings(before: str, fields: list[tuple[str, str]], after: str) -> None:
    """Invariant 5: below the last line of its mapping, at its indent; comments, blank lines and line ends stay."""
    assert added(before, *fields) == after
    assert removed(after, *fields) == before


@pytest.mark.parametrize(
    ("before", "fields", "after"),
    [
        ("a: {b: 1}  # why\n", [("a.x", "3")], "a: {b: 1, x: 3}  # why\n"),
        ("a: { b: 1 }\n", [("a.x", "3")], "a: { b: 1, x: 3 }\n"),
        ("a: {b: 1,}\n", [("a.x", "3")], "a: {b: 1, x: 3,}\n"),
        ("a: {}\n", [("a.x", "3")], "a: {x: 3}\n"),
        ("a: {}\n", [("a.limits.memory", "1Gi")], "a: {limits: {memory: 1Gi}}\n"),
        ("{}\n", [("x", "3")], "{x: 3}\n"),
        ('{"a": {"b": "c"}}\n', [("a.x", "y"), ("d.e", "5")], '{"a": {"b": "c", "x": "y"}, "d": {"e": 5}}\n'),
        ("a: {b: [1, {c: 2}]}\n", [("a.x", "3")], "a: {b: [1, {c: 2}], x: 3}\n"),
    ],
)
def test_a_key_comes_last_between_braces(before: str, fields: list[tuple[str, str]], after: str) -> None:
    """A flow map grows on its line, and empty braces stay when it shrinks."""
    assert added(before, *fields) == after
    assert removed(after, *fields) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ENV, f"{ENV}  - name: B\n    value: b\n"),
        ("env:\n- name: A\n  value: a\nz: 1\n", "env:\n- name: A\n  value: a\n- name: B\n  value: b\nz: 1\n"),
        ("env:\n-   value: 'a'\n    name: A\n", "env:\n-   value: 'a'\n    name: A\n-   name: B\n    value: 'b'\n"),
        ("env:\n  - {name: A, value: a}  # one\n", "env:\n  - {name: A, value: a}  # one\n  - {name: B, value: b}\n"),
        ("env: [{name: A, value: a}]\n", "env: [{name: A, value: a}, {name: B, value: b}]\n"),
        ("env: []\n", "env: [{name: B, value: b}]\n"),
        ("z:\n- 1\n", "z:\n- 1\nenv:\n- name: B\n  value: b\n"),
        ("z:\n    - 1\n", "z:\n    - 1\nenv:\n    - name: B\n      value: b\n"),
        ("z: 1\n", "z: 1\nenv:\n  - name: B\n    value: b\n"),
        ("env:\n- name: A\n  value: |\n    t\n", "env:\n- name: A\n  value: |\n    t\n- name: B\n  value: b\n"),
    ],
)
def test_an_item_comes_after_the_others(before: str, after: str) -> None:
    """A new item has the dash, the indent and the quotes of the list, and its merge key first."""
    assert added(before, *reversed(NEW_ITEM)) == after
    assert removed(after, *NEW_ITEM) == before


@pytest.mark.parametrize(
    ("before", "path", "value", "line"),
    [
        ("annotations:\n  a: b\n", "annotations.x", "12", '  x: "12"'),
        ("annotations:\n  'a': 'b'\n", "annotations.x", "c", "  'x': 'c'"),
        ("limits:\n  memory: '1Gi'\n", "limits.cpu", "1", "  cpu: 1"),
        ("limits:\n  memory: '1Gi'\n", "limits.storage", "2Gi", "  storage: '2Gi'"),
        ("limits:\n  memory: 1Gi\n", "limits.cpu", "1.5", "  cpu: 1.5"),
        ("image:\n  repository: a\n", "image.tag", "1.10", '  tag: "1.10"'),
        ("image:\n  repository: a\n", "image.tag", "20260101", '  tag: "20260101"'),
        ("a:\n  b: 1\n", "a.version", "7", '  version: "7"'),
        ("a:\n  b: 1\n", "a.on", "yes", '  "on": "yes"'),
        ("a:\n  b: 1\n", "a.x", "true", "  x: true"),
        ("a:\n  b: 1\n", "a.x", "null", '  x: "null"'),
        ("a:\n  b: 1\n", "a.x", "", '  x: ""'),
        ("a:\n  b: 1\n", 'a."k: v"', "- z", '  "k: v": "- z"'),
    ],
)
def test_a_new_token_means_one_thing(before: str, path: str, value: str, line: str) -> None:
    """Under both versions of YAML, and to the API: strings where it takes nothing else, versions never as numbers."""
    assert added(before, (path, value)) == f"{before}{line}\n"


def test_fields_come_go_and_change_together() -> None:
    """One edit may do all, each at its own place."""
    text = "a:\n  b: 1\n  c: 2\n  d: {e: 3}\nf:\n  g: 4\n"
    changes = [("a.b", "1", "9"), ("a.c", "2", None), ("a.d.x", None, "5"), ("a.u", None, "6"), ("f.g", "4", None)]

    after = edited(text, *(FieldChange(path=parse_path(p), before=b, after=a) for p, b, a in changes))

    assert after == "a:\n  b: 9\n  d: {e: 3, x: 5}\n  u: 6\n"


def test_a_new_field_is_read_back() -> None:
    """What was inserted is found by the same path, and a removed one is absent."""
    text = added(ENV, *NEW_ITEM)
    paths = [parse_path(path) for path, _ in NEW_ITEM]

    assert read_document(text.encode(), first, paths, max_bytes=999) == ("B", "b")
    assert read_document(ENV.encode(), first, paths, max_bytes=999) == (None, None)


@pytest.mark.parametrize(
    ("text", "changes", "why"),
    [
        ("a: 1\n", [("a", None, "2")], "stale"),
        ("a: {b: 1}\n", [("a", None, "2")], "not_scalar"),
        ("a:\n", [("a", None, "2")], "empty_value"),
        ("a: ~\n", [("a.b", None, "2")], "empty_value"),
        ("a: 1\n", [("a.b", None, "2")], "no_parent"),
        ("a: [1]\n", [("a.b", None, "2")], "no_parent"),
        ("a: {b: 1}\n", [("a[name=x].name", None, "x")], "no_parent"),
        (ENV, [("env[name=B].value", None, "b")], "missing_item"),
        (ENV, [("env[name=B].name", None, "C")], "missing_item"),
        ("a: [1]\n", [("a[name=x].name", None, "x")], "no_example"),
        ("env:\n- 1\n", [("env[name=x].name", None, "x")], "no_example"),
        ("a: 1\n", [("b", None, "x\ny")], "unprintable_value"),
        ("a: 1\n", [("b", None, "x"), ("b", None, "y")], "duplicate_change"),
        ("a: 1\n", [("b", None, "x"), ("b.c", None, "y")], "duplicate_change"),
        ("a: 1\n", [("b.c", None, "x"), ("b[name=c].name", None, "c")], "duplicate_change"),
        ("a: {b: 1}\n", [("a.b", "1", None), ("a.x", None, "y")], "duplicate_change"),
        ("a: 1\nb: 2", [("b", "2", None), ("x", None, "y")], "duplicate_change"),
        ("? a\n: b: 1\n", [("a.x", None, "y")], "layout"),
        ("? a\n: 1\n", [("x", None, "y")], "layout"),
        ("a: {b: {}}\n", [("a.b.x", None, "y")], "layout"),
        ("a: {  # none\n  }\n", [("a.x", None, "y")], "layout"),
        ("a:\n- # one\n  name: x\n", [("a[name=y].name", None, "y")], "layout"),
        ("a: |\n  t", [("x", None, "y")], "open_block"),
        ("a: 1\rb: 2\r", [("x", None, "y")], "line_ends"),
        ("a: &a {b: 1}\n", [("a.x", None, "y")], "anchor"),
        ("a: !!map {b: 1}\n", [("a.x", None, "y")], "tag"),
        ("b: &b {c: 1}\na: *b\n", [("a.x", None, "y")], "alias"),
        ("b: &b {c: 1}\na: {<<: *b}\n", [("a.x", None, "y")], "merge_key"),
        ("a: 1\na: 2\n", [("x", None, "y")], "duplicate_key"),
    ],
)
def test_an_insertion_in_doubt_is_refused(
    text: str, changes: list[tuple[str, str | None, str | None]], why: str
) -> None:
    """Invariant 5: where the place or the style of a new field is not clear, a person writes it."""
    assert code(text, *changes) == why


def test_added_lines_count() -> None:
    """Invariant 10: a change of four lines is one of four lines."""
    change = FieldChange(path=parse_path("b.c.d"), before=None, after="1")

    with pytest.raises(Refusal, match=r"edit\.too_many_lines"):
        edited("a: 1\n", change, lines=2)
    assert edited("a: 1\n", change, lines=3) == "a: 1\nb:\n  c:\n    d: 1\n"

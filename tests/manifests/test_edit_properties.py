"""Edits of generated manifests, judged by another parser and by the generator's own knowledge of every line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from reconciler.errors import Refusal
from reconciler.manifests.editing.edit import edit_fields, read_fields
from reconciler.manifests.editing.scalars import holds_quantity
from reconciler.model.objects import FieldPath, Item
from tests.manifests.generated import Field, Generated, files
from tests.thorough import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.action import FieldChange

many = settings(
    max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def edit(file: Generated) -> bytes:
    """Make all the changes of a generated file."""
    return edit_fields(
        file.data, file.target, "production", file.changes, max_bytes=100_000, max_changed_lines=len(file.changes)
    )


def lines(data: bytes) -> list[str]:
    """Return the lines with their ends."""
    return data.decode().removeprefix("\ufeff").splitlines(keepends=True)


def with_changes(data: bytes, name: str, changes: Sequence[FieldChange]) -> list[Any]:
    """Load all documents and make the changes in the loaded objects."""
    documents = list(yaml.safe_load_all(data.decode().removeprefix("\ufeff")))
    root = next(d for d in documents if d["metadata"]["name"] == name)
    for change in changes:
        node = walk(root, change.path[:-1])
        node[change.path[-1]] = loaded(change.after, like=node[change.path[-1]], path=change.path)
    return documents


def walk(node: Any, path: FieldPath) -> Any:  # noqa: ANN401 - loaded YAML
    """Follow a path through loaded YAML."""
    for step in path:
        node = next(i for i in node if i[step.key] == step.value) if isinstance(step, Item) else node[step]
    return node


def loaded(value: str | None, *, like: object, path: FieldPath) -> object:
    """Return the value as it must load where the field held `like`: a string stays a string, a number a number."""
    assert value is not None
    if isinstance(like, str) or (holds_quantity(path) and not value.isdigit()):
        return value
    return yaml.safe_load(value)


@many
@given(files())
def test_an_edit_does_what_it_says_and_nothing_else(file: Generated) -> None:
    """Invariant 5: only the intended lines, exactly the intended object, every other byte as it was."""
    effective = [c for c in file.changes if c.before != c.after]
    if not effective:
        with pytest.raises(Refusal, match=r"edit\.no_change"):
            edit(file)
        return
    edited = edit(file)

    assert list(yaml.safe_load_all(edited.decode().removeprefix("\ufeff"))) == with_changes(
        file.data, file.target.name, file.changes
    )
    named = {f.line: f for f in file.fields if f.path in {c.path for c in effective}}
    assert edited.startswith(b"\xef\xbb\xbf") is file.data.startswith(b"\xef\xbb\xbf")
    for number, (old, new) in enumerate(zip(lines(file.data), lines(edited), strict=True)):
        assert old == new or number in named


@many
@given(files())
def test_an_edit_keeps_what_stands_around_the_value(file: Generated) -> None:
    """Invariant 5: on the edited line, all but the token stays, and so do its quotes."""
    change = file.changes[0]
    field = next(f for f in file.fields if f.path == change.path)
    if change.before == change.after:
        return
    edited = edit_fields(file.data, file.target, "production", [change], max_bytes=100_000, max_changed_lines=1)

    old, new = token(lines(file.data)[field.line], field), token(lines(edited)[field.line], field)

    assert old != new
    assert old[0] not in "'\"" or old[0] == new[0] == new[-1]


def token(line: str, field: Field) -> str:
    """Cut the token out of a line; fails when what stands around it changed."""
    bare = line.rstrip("\r\n")
    assert bare.startswith(field.prefix)
    assert bare.endswith(field.suffix)
    return bare[len(field.prefix) : len(bare) - len(field.suffix)]


@many
@given(files())
def test_reading_agrees_with_the_author(file: Generated) -> None:
    """Every field reads as the generator wrote it."""
    values = read_fields(file.data, file.target, "production", [f.path for f in file.fields])

    assert values == tuple(f.value for f in file.fields)


@many
@given(files())
def test_an_edit_undone_is_the_file_before(file: Generated) -> None:
    """The inverse edit, which a revert is made of, gives back what the file said."""
    if all(c.before == c.after for c in file.changes):
        return
    inverse = [type(c)(path=c.path, before=c.after, after=c.before) for c in file.changes]

    undone = edit_fields(edit(file), file.target, "production", inverse, max_bytes=100_000, max_changed_lines=3)

    before = [f.value for f in file.fields]
    assert read_fields(undone, file.target, "production", [f.path for f in file.fields]) == tuple(before)

"""Edit a text inside a literal block scalar: the line of one inner key, and nothing else of the block.

Each line of a literal block is a line of its text behind the block's indent, so a place in the text is a place in the
file. Folded blocks and quoted texts are refused: their lines are not the file's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.manifests.editing.inner import Replaced, format_of, read_inner, replace_inner
from reconciler.manifests.editing.parts import Part, refuse
from reconciler.manifests.editing.splices import Edit, scalar
from reconciler.model.objects import FieldPath, Inner, format_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.manifests.editing.inner import Format
    from reconciler.manifests.editing.page import Page
    from reconciler.manifests.editing.walk import Place
    from reconciler.model.action import FieldChange


def leads_inside(path: FieldPath) -> bool:
    """Tell whether a path goes on into a text."""
    return any(isinstance(step, Inner) for step in path)


def read_inside(place: Place, path: FieldPath) -> str | None:
    """Return the value of a key in the text of a field, or None when the field or the key is missing."""
    if place.rest and not isinstance(place.rest[0], Inner):
        return None
    part, kind, names = _taken_apart(place, path)
    return read_inner(part.value or "", kind, names, path)


def changes_inside(page: Page, asked: Iterable[tuple[FieldChange, str, Place]]) -> Iterator[Edit]:
    """Yield the edits of texts in fields; several of one text make one new text."""
    found: dict[int, tuple[Part, list[Replaced]]] = {}
    for change, after, place in asked:
        page.refuse_lone_returns()
        if place.rest and not isinstance(place.rest[0], Inner):
            refuse("missing_field", f"{format_path(change.path)} is not in the file", "run `reconciler plan` again")
        part, kind, names = _taken_apart(place, change.path)
        replaced = found.setdefault(part.number, (part, []))[1]
        replaced.append(replace_inner(part.value or "", kind, names, change, after))
    for part, replaced in found.values():
        yield from _edits(page, part, sorted(replaced))


def _taken_apart(place: Place, path: FieldPath) -> tuple[Part, Format, tuple[str, ...]]:
    """Return the block that holds the text, its format, and the inner names."""
    names = tuple(step.name for step in place.rest if isinstance(step, Inner))
    holder = path[-len(names) - 1] if len(path) > len(names) else None
    if len(names) != len(place.rest) or not isinstance(holder, str):
        refuse("inner_style", f"{format_path(path)} does not lead into the text of a field", "name its field")
    node = place.node
    if not isinstance(node, Part) or node.style != "|":
        refuse("inner_style", f"what holds {format_path(path)} is not a literal block (`|`)", "edit it by hand")
    return node, format_of(holder), names


def _edits(page: Page, part: Part, replaced: list[Replaced]) -> Iterator[Edit]:
    """Yield the replacements at their places in the file; the first carries what the whole text becomes."""
    text = part.value or ""
    new, at = "", 0
    for start, end, token in replaced:
        if start < at:
            refuse("duplicate_change", "two changes name the same key of a text", "propose one of them")
        new += text[at:start] + token
        at = end
    new += text[at:]
    for number, (start, end, token) in enumerate(replaced):
        place = _place(page, part, text, start, end)
        if number:
            yield Edit(place, place + end - start, token, part.number + 1, 0)
        else:
            yield Edit(place, place + end - start, token, part.number, 1, (scalar(new, "|"),))


def _place(page: Page, part: Part, text: str, start: int, end: int) -> int:
    """Return where in the file a run of characters on one line of a literal block's text stands."""
    above = text.count("\n", 0, start)
    inner_start = text.rfind("\n", 0, start) + 1
    inner = text[inner_start:].partition("\n")[0]
    line = part.start
    for _ in range(above + 1):
        line = page.next_line(line)
    outer = page.text[line : page.line_end(line)]
    indent = len(outer) - len(inner)
    if end > inner_start + len(inner) or outer != " " * indent + inner:
        refuse("inner_style", "the lines of the text are not the lines of the file", "edit it by hand")
    return line + indent + start - inner_start

"""Remove fields as the exact inverse of an insertion: only lines that we could have written go.

What a removal leaves empty goes with it, up to the outermost braces, which stay empty: `{a: {b: 1}}` becomes `{}`. A
list item goes only as a whole, when its merge key and all its other fields are removed together.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from reconciler.manifests.editing.parts import MappingNode, Node, Part, SequenceNode, refuse, start_of
from reconciler.manifests.editing.replace import own_scalar
from reconciler.manifests.editing.splices import Edit
from reconciler.manifests.editing.walk import Place, scalar_at
from reconciler.model.objects import Inner, Item, format_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.manifests.editing.page import Page
    from reconciler.model.action import FieldChange

# An empty one of these, or one that is gone, selects or provides something else.
_MEANINGFUL = re.compile(r"emptyDir|ingress|egress|.*[sS]elector")
_COMMA = re.compile(" *,")


class _Going(NamedTuple):
    """A node that is removed, and the collection that it leaves."""

    node: Node
    parent: MappingNode | SequenceNode


def removals(page: Page, asked: Sequence[tuple[FieldChange, Place]]) -> Iterator[Edit]:
    """Yield the edits that take fields away, with what they leave empty."""
    going: dict[int, _Going] = {}
    for change, place in asked:
        if any(isinstance(step, Inner) for step in change.path):
            refuse("inner_missing", f"{format_path(change.path)} lies in a text, where nothing is removed", "edit it")
        _refuse_multi_line(page, own_scalar(scalar_at(place, change.path), change))
        if id(place.node) in going:
            refuse("duplicate_change", f"two changes remove {format_path(change.path)}", "propose one of them")
        going[id(place.node)] = _Going(place.node, _collection(place.chain[-2]))
    if asked:
        page.refuse_lone_returns()
    _spread(going, [place.chain for _, place in asked])
    _refuse_parts_of_items(going, asked)
    for parent in {id(g.parent): g.parent for g in going.values() if id(g.parent) not in going}.values():
        nodes = [g.node for g in going.values() if g.parent is parent]
        _refuse_meaningful(page, parent, nodes)
        yield from _out_of(page, parent, nodes)


def _refuse_multi_line(page: Page, part: Part) -> None:
    if page.line_start(part.start) != page.line_start(part.end):
        refuse("multi_line", "the present value spans several lines", "edit it by hand")


def _collection(node: Node) -> MappingNode | SequenceNode:
    if isinstance(node, Part):
        raise TypeError(node.role)  # a scalar holds nothing
    return node


def _spread(going: dict[int, _Going], chains: Iterable[tuple[Node, ...]]) -> None:
    """Let collections go too that are left empty, deepest first, but for the outermost braces and the document."""
    nodes = {id(node): (depth, chain) for chain in chains for depth, node in enumerate(chain)}
    for key, (depth, chain) in sorted(nodes.items(), key=lambda n: -n[1][0]):
        node = chain[depth]
        below = _below(node)
        if key in going or not below or not all(id(n) in going for n in below):
            continue
        outermost = start_of(node).style == "flow" and start_of(chain[depth - 1]).style != "flow"
        if depth == 0:
            if start_of(node).style != "flow":
                refuse("last_field", "the document would be left empty", "remove the file by hand")
        elif not outermost or isinstance(chain[depth - 1], SequenceNode):
            going[key] = _Going(node, _collection(chain[depth - 1]))


def _below(node: Node) -> Sequence[Node]:
    if isinstance(node, MappingNode):
        return list(node.entries.values())
    return node.items if isinstance(node, SequenceNode) else ()


def _refuse_meaningful(page: Page, parent: Node, nodes: Iterable[Node]) -> None:
    emptied = [n for n in nodes if isinstance(parent, MappingNode) and not isinstance(n, Part)]
    for name in (page.key_of(node).value or "" for node in emptied):
        if _MEANINGFUL.fullmatch(name):
            refuse("last_field", f"{name} would be left empty, which has a meaning of its own", "edit it by hand")


def _refuse_parts_of_items(going: dict[int, _Going], asked: Iterable[tuple[FieldChange, Place]]) -> None:
    """Refuse to take the merge key from an item that stays: nothing could name it any more."""
    for change, place in asked:
        above = change.path[-2:-1]
        named = isinstance(above[0], Item) and above[0].key == change.path[-1] if above else False
        if named and id(place.chain[-2]) not in going:
            message = f"{format_path(change.path)} names an item that has other fields"
            refuse("item_key", message, "remove all fields of the item together")


def _out_of(page: Page, parent: MappingNode | SequenceNode, nodes: Sequence[Node]) -> Iterator[Edit]:
    """Yield the edits that take nodes out of a collection that stays."""
    if parent.part.style == "flow":
        yield from _out_of_flow(page, parent, nodes)
        return
    for node in nodes:
        yield _lines(page, parent, node)


def _out_of_flow(page: Page, parent: MappingNode | SequenceNode, nodes: Sequence[Node]) -> Iterator[Edit]:
    """Take entries with the comma before them; those that stand first, with the comma after them."""
    below = _below(parent)
    gone = {id(node) for node in nodes}
    kept = next((number for number, node in enumerate(below) if id(node) not in gone), len(below))
    for number, node in enumerate(below):
        if id(node) not in gone:
            continue
        first = _first(page, parent, node)
        if number > kept:
            start, end = page.end_of(below[number - 1]), page.end_of(node)
        else:
            start = first.start
            end = _first(page, parent, below[number + 1]).start if number + 1 < len(below) else _end(page, node)
        yield Edit(start, end, "", first.number, page.last_number(node) - first.number + 1)


def _end(page: Page, last: Node) -> int:
    """Return the end of the last entry, of which none stays: a comma after it goes, too."""
    end = page.end_of(last)
    comma = _COMMA.match(page.text, end)
    return comma.end() if comma else end


def _first(page: Page, parent: MappingNode | SequenceNode, node: Node) -> Part:
    return page.key_of(node) if isinstance(parent, MappingNode) else start_of(node)


def _lines(page: Page, parent: MappingNode | SequenceNode, node: Node) -> Edit:
    """Return the edit that drops the lines of an entry or item, if nothing else stands on them."""
    first = _first(page, parent, node)
    start, end = page.line_start(first.start), page.next_line(page.end_of(node))
    before = page.text[start : first.start]
    if before.strip(" ") != ("-" if isinstance(parent, SequenceNode) else ""):
        refuse("layout", "the field stands beside the dash of its list item, which has other fields", "edit it by hand")
    last = page.last_number(node)
    if end == len(page.text) and page.text[-1] != "\n" and page.ends_in_block(first.number - 1):
        refuse("open_block", "the block of text above would lose its line break", "end the file with a line break")
    _refuse_foreign(page, start, end, first.number, last)
    return Edit(start, end, "", first.number, last - first.number + 1, lines=-_line_count(page, start, end))


def _refuse_foreign(page: Page, start: int, end: int, first: int, last: int) -> None:
    """Refuse lines that hold more than the parts that go: comments and blank lines are a person's."""
    at, left = start, ""
    for part in page.parts[first : last + 1]:
        if part.role in ("scalar", "alias"):
            left += page.text[at : part.start]
            at = part.end
    left += page.text[at:end]
    if left.strip(" \t\r\n:-{}[],"):
        refuse("commented", "a comment stands on the lines that would go", "edit it by hand")
    if any(not line.strip() for line in page.text[start:end].splitlines()):
        refuse("commented", "a blank line stands between the lines that would go", "edit it by hand")


def _line_count(page: Page, start: int, end: int) -> int:
    return page.text.count("\n", start, end) + (page.text[end - 1] != "\n")

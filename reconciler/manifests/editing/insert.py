"""Insert fields that are not there, in the file's own style: keys, missing parents, and list items by identity.

A new key comes after the last line of the mapping that it joins, a new item after the last item of its list. In flow
collections both come last on the line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from reconciler.manifests.editing.parts import MappingNode, Node, Part, SequenceNode, refuse, start_of
from reconciler.manifests.editing.replace import refuse_empty, refuse_stale, refuse_unwritable
from reconciler.manifests.editing.scalars import QUOTES, ScalarType, first_type, plain_type
from reconciler.manifests.editing.splices import Edit
from reconciler.manifests.editing.walk import Place, is_null
from reconciler.manifests.editing.written import Branch, Leaf, Style, block, flow, flow_body, says
from reconciler.model.objects import FieldPath, Inner, Item, format_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.manifests.editing.page import Page
    from reconciler.model.action import FieldChange


def insertions(page: Page, asked: Iterable[tuple[FieldChange, str, Place]]) -> Iterator[Edit]:
    """Yield the edits that bring new fields; those that join the same collection are brought together."""
    joined: dict[int, tuple[Place, Branch]] = {}
    for change, after, place in asked:
        _refuse_no_place(place, change)
        refuse_unwritable(after, change.path)
        _, branch = joined.setdefault(id(place.node), (place, Branch()))
        _grow(branch, place.rest, Leaf(after, first_type(change.path, after)), change.path)
    for place, branch in joined.values():
        page.refuse_lone_returns()
        yield _insertion(page, place.chain, _ordered(branch, place.rest))


def _refuse_no_place(place: Place, change: FieldChange) -> None:
    """Refuse where something is there already, or where nothing can be put."""
    node, path = place.node, change.path
    if isinstance(node, Part) and is_null(node):
        refuse_empty(path)
    if not place.rest:
        if isinstance(node, Part):
            refuse_stale(node.value or "", change)
        refuse("not_scalar", f"{format_path(path)} is not a single value", "name a field inside it")
    if any(isinstance(step, Inner) for step in place.rest):
        refuse("inner_missing", f"{format_path(path)} is not in the text", "add it by hand")
    if not isinstance(node, SequenceNode if isinstance(place.rest[0], Item) else MappingNode):
        refuse("no_parent", f"what should hold {format_path(path)} is something else", "edit it by hand")


def _grow(branch: Branch, steps: FieldPath, leaf: Leaf, path: FieldPath) -> None:
    """Add a value to what is to be inserted."""
    for step in steps[:-1]:
        below = branch.setdefault(_plain(step), Branch())
        if isinstance(below, Leaf):
            _refuse_twice(path)
        branch = below
    last = _plain(steps[-1])
    if last in branch or (branch and isinstance(last, Item) != branch.is_list):
        _refuse_twice(path)
    branch[last] = leaf


def _plain(step: str | Item | Inner) -> str | Item:
    return step.name if isinstance(step, Inner) else step


def _ordered(branch: Branch, path: FieldPath) -> Branch:
    """Return the tree with the merge key of every new item first; refuse what is neither mapping nor list."""
    if len({isinstance(step, Item) for step in branch}) > 1:
        _refuse_twice(path)
    ordered = Branch()
    for step, below in branch.items():
        if isinstance(below, Leaf):
            ordered[step] = below
        else:
            ordered[step] = _ordered(_key_first(step, below) if isinstance(step, Item) else below, path)
    return ordered


def _key_first(item: Item, fields: Branch) -> Branch:
    key = fields.get(item.key)
    if not isinstance(key, Leaf) or key.value != item.value:
        message = f"there is no item with {item.key} {item.value}"
        refuse("missing_item", message, f"let a change set its {item.key} too, if it is to be added")
    return Branch({item.key: key, **{step: below for step, below in fields.items() if step != item.key}})


def _insertion(page: Page, chain: Sequence[Node], branch: Branch) -> Edit:
    node = chain[-1]
    if isinstance(node, Part):
        _refuse_list()
    style = Style(step=page.step(chain), dash_step=page.dash_step(chain), keys=_key_quotes(page, node))
    if node.part.style == "flow":
        return _into_flow(page, chain, branch, style._replace(values=_value_quotes(node) or style.keys))
    if isinstance(node, MappingNode):
        return _into_mapping(page, node, branch, style._replace(values=_value_quotes(node)))
    return _into_list(page, node, branch, style)


def _into_mapping(page: Page, node: MappingNode, branch: Branch, style: Style) -> Edit:
    last = list(node.entries.values())[-1]
    indent = page.indent_of(page.key_of(next(iter(node.entries.values()))).start)
    if page.indent_of(page.key_of(last).start) != indent:
        refuse("layout", "the keys of the mapping do not stand below one another", "edit it by hand")
    lines = list(block(branch, indent, style))
    return _new_lines(page, last, lines, branch, style)


def _into_list(page: Page, node: SequenceNode, branch: Branch, style: Style) -> Edit:
    """Add items after the last one, with the dash and the style of the last mapping in the list."""
    like = next((item for item in reversed(node.items) if isinstance(item, MappingNode)), None)
    if like is None or not like.entries:
        _refuse_list()
    indent = page.indent_of(like.part.start)
    before = page.text[page.line_start(like.part.start) : like.part.start]
    dash = before[before.rfind("-") :] if "-" in before else ""
    if not dash:
        refuse("layout", "the items of the list do not stand beside their dashes", "edit it by hand")
    in_flow = like.part.style == "flow"
    same = {key: value.style for key, value in like.entries.items() if isinstance(value, Part)}
    style = style._replace(dash=dash, values=_value_quotes(like), same=same)
    pad = " " * (indent - len(dash))
    if in_flow:
        lines = [f"{pad}{dash}{flow(item, style)}" for item in branch.values() if isinstance(item, Branch)]
    else:
        lines = list(block(branch, indent - len(dash), style))
    return _new_lines(page, node.items[-1], lines, branch, style, in_flow=in_flow)


def _new_lines(
    page: Page, last: Node, lines: Sequence[str], branch: Branch, style: Style, *, in_flow: bool = False
) -> Edit:
    """Return the edit that adds lines after the one on which the last entry or item ends."""
    at = page.after_line(page.end_of(last))
    line_break = page.line_break(at)
    token = "".join(line_break + line for line in lines)
    number = page.last_number(last) + 1
    return Edit(at, at, token, number, 0, tuple(says(branch, style, in_flow=in_flow)), len(lines))


def _into_flow(page: Page, chain: Sequence[Node], branch: Branch, style: Style) -> Edit:
    node = chain[-1]
    if isinstance(node, Part):
        _refuse_list()
    if isinstance(node, MappingNode) and page.text[node.part.start] != "{":
        refuse("layout", "the mapping is a single pair in a list", "write it with braces")
    entries = list(node.entries.values()) if isinstance(node, MappingNode) else node.items
    said = tuple(says(branch, style, in_flow=True))
    if entries:
        if isinstance(node, SequenceNode) and not any(isinstance(item, MappingNode) for item in node.items):
            _refuse_list()
        at, number = page.end_of(entries[-1]), page.last_number(entries[-1]) + 1
        return Edit(at, at, f", {flow_body(branch, style)}", number, 0, said)
    if len(chain) > 1 and start_of(chain[-2]).style == "flow":
        refuse("layout", "nothing stands in these braces, which stand in others themselves", "write it as a block")
    closing = page.parts[node.part.number + 1].start
    if page.text[node.part.end : closing].strip(" "):
        refuse("layout", "a comment or a line break stands in the empty braces", "edit it by hand")
    return Edit(closing, closing, flow_body(branch, style), node.part.number + 1, 0, said)


def _key_quotes(page: Page, node: MappingNode | SequenceNode) -> str | None:
    """Return the quotes of the keys beside a new one, where all have the same."""
    return _common(page.key_of(value) for value in _entries(node))


def _value_quotes(node: MappingNode | SequenceNode) -> str | None:
    """Return the quotes of the strings beside a new one, where all have the same."""
    return _common(v for v in _entries(node) if isinstance(v, Part) and v.role == "scalar" and _is_string(v))


def _entries(node: MappingNode | SequenceNode) -> Iterable[Node]:
    """Return the values of a mapping, or of the first mapping in a list."""
    if isinstance(node, SequenceNode):
        return next((item.entries.values() for item in node.items if isinstance(item, MappingNode)), ())
    return node.entries.values()


def _common(parts: Iterable[Part]) -> str | None:
    styles = {part.style for part in parts}
    return styles.pop() if len(styles) == 1 else None


def _is_string(part: Part) -> bool:
    return part.style in QUOTES or (part.style is None and plain_type(part.value or "") is ScalarType.STRING)


def _refuse_list() -> NoReturn:
    refuse("no_example", "the list has no mapping whose style a new item could have", "add the item by hand")


def _refuse_twice(path: FieldPath) -> NoReturn:
    message = f"two changes set {format_path(path)}, or a field and what should hold it"
    refuse("duplicate_change", message, "propose one of them")

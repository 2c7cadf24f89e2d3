"""Give an overlay a patch of its own, where the value stands in a base that others read.

Two files change: a new patch, and one entry in the overlay's kustomization that names it, in the file's
own style. Protects invariant 5: every old line stays, and the kustomization re-parses to what it was with that entry.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.errors import Refusal
from reconciler.manifests.editing.parts import (
    MappingNode,
    Node,
    Part,
    SequenceNode,
    arrange,
    decode,
    refuse,
    refuse_generated,
    scan,
    split_bom,
)
from reconciler.manifests.editing.scalars import ScalarType, first_type, holds_quantity
from reconciler.manifests.editing.values import first_document, plain
from reconciler.manifests.files.checkout import joined
from reconciler.manifests.rendering.kustomize import kustomization_in
from reconciler.manifests.rendering.objects import value_at
from reconciler.model.action import replacements
from reconciler.model.objects import FieldPath, Item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.manifests.files.checkout import Checkout
    from reconciler.model.action import FieldChange, Replacement
    from reconciler.model.objects import ObjectRef
    from reconciler.model.rendering import Rendered

_MAX_PATCHES = 9  # of ours for one object in an overlay
_GENERATOR = "configMapGenerator"
_LIST_ITEM = re.compile(r"^( *)- ", re.MULTILINE)


class Overlaid(NamedTuple):
    """An overlay with a patch more."""

    kustomization: str
    patch: str  # path of the new file
    edited: dict[str, bytes]  # both files


def overlaid(
    checkout: Checkout,
    folder: str,
    target: ObjectRef,
    rendered: Rendered,
    changes: Sequence[FieldChange],
    *,
    prefix: str = "",
    suffix: str = "",
    max_bytes: int,
) -> tuple[Overlaid, ...]:
    """Return the overlay in a folder with a patch that sets the new values: a strategic one, or by JSON pointers.

    The strategic one reads better, but moves the list items that it names to the front; rendering tells. `prefix` and
    `suffix` are the Application's own, of names.
    Raises Refusal when its kustomization cannot take an entry without doubt, or the patch's name is taken.
    """
    path = kustomization_in(checkout, folder)
    stem = re.sub(r"[^a-z0-9.-]+", "-", f"{target.kind}-{target.name}-values".lower())
    names = (f"{stem}{number}.yaml" for number in ("", *(f"-{n}" for n in range(2, _MAX_PATCHES + 1))))
    name = next((name for name in names if not checkout.has(joined(folder, name))), None)
    if path is None or name is None:
        refuse("no_overlay", f"{folder} holds many patches of that name, or no kustomization", "edit it by hand")
    patch = joined(folder, name)
    target, patches = patches_for(
        checkout, folder, target, rendered, changes, prefix=prefix, suffix=suffix, max_bytes=max_bytes
    )
    entry = {"path": name, "target": {"kind": target.kind, "name": target.name}}
    kustomization = with_patch(checkout.contents[path], entry, max_bytes=max_bytes)
    return tuple(Overlaid(path, patch, {path: kustomization, patch: content}) for content in patches)


def patches_for(
    checkout: Checkout,
    folder: str,
    target: ObjectRef,
    rendered: Rendered,
    changes: Sequence[FieldChange],
    *,
    prefix: str = "",
    suffix: str = "",
    max_bytes: int,
) -> tuple[ObjectRef, tuple[bytes, ...]]:
    """Return the object by the name that patches of a folder see, and the ways to write one, as YAML."""
    path = kustomization_in(checkout, folder)
    content = first_document(checkout.contents[path], max_bytes) if path else {}
    target = replace(target, name=_own_name(target.name, content, prefix, suffix))
    replaced = replacements(changes)
    by_pointers = [_by_pointers(rendered, replaced)] if replaced else []
    return target, (_strategic(target, rendered, changes), *by_pointers)


def in_one_line(patch: bytes) -> str:
    """Return a patch of ours as JSON, which is YAML too."""
    import yaml

    return json.dumps(yaml.safe_load(patch))


def _own_name(name: str, content: Mapping[str, Any], prefix: str, suffix: str) -> str:
    """Return the name that an object has before its overlay gives it a prefix and a suffix, as patches see it."""
    before, after = prefix or content.get("namePrefix"), suffix or content.get("nameSuffix")
    name = name.removeprefix(before) if isinstance(before, str) else name
    return name.removesuffix(after) if isinstance(after, str) else name


def with_patch(data: bytes, entry: Mapping[str, Any], *, key: str = "patches", max_bytes: int) -> bytes:
    """Return a kustomization with an entry more in its `patches`, or in another list of mappings."""
    bom, text = split_bom(decode(data, max_bytes))
    refuse_generated(text)
    ends = "\r\n" if text.count("\r") == text.count("\r\n") == text.count("\n") > 0 else "\n"
    text = text.replace(ends, "\n")
    if "\r" in text:
        refuse("line_ends", "the kustomization has line ends of several systems", "edit it by hand")
    root = _root(text)
    patches = root.entries.get(key)
    if patches is None:
        edited = _ended(text) + f"{key}:\n" + _item(entry, _indent(text))
    elif isinstance(patches, SequenceNode) and patches.items and patches.part.style is None:
        edited = _after(text, patches, entry)
    else:
        refuse("no_parent", f"`{key}` of the kustomization is no list of lines", "edit it by hand")
    _recheck(text, edited, key, entry)
    return (bom + edited.replace("\n", ends)).encode()


def _root(text: str) -> MappingNode:
    roots = arrange(scan(text))
    if len(roots) != 1 or not isinstance(roots[0], MappingNode):
        refuse("no_parent", "the kustomization is not one mapping", "edit it by hand")
    root = roots[0]
    if root.part.style is not None:
        refuse("no_parent", "the kustomization is written in one line", "edit it by hand")
    return root


def _after(text: str, patches: SequenceNode, entry: Mapping[str, Any] | str) -> str:
    """Insert below the last line of the last item: the last scalar's, for a collection's end mark runs on."""
    last = _last_scalar(patches)
    end = last.end if text[last.end - 1 : last.end] == "\n" else text.find("\n", last.end) + 1
    if end == 0:
        text, end = _ended(text), len(text) + 1
    first = patches.items[0]
    start = (first if isinstance(first, Part) else first.part).start
    line = text.rfind("\n", 0, start) + 1
    dash = text.find("- ", line)
    return text[:end] + _item(entry, " " * (dash - line)) + text[end:]


def _last_scalar(node: Node) -> Part:
    while not isinstance(node, Part):
        below: list[Node] = list(node.entries.values()) if isinstance(node, MappingNode) else node.items
        if node.part.style is not None or not below:
            return node.part  # in one line, as a rule; if it is not, the re-check refuses
        node = below[-1]
    return node


def _ended(text: str) -> str:
    return text if text.endswith("\n") or not text else f"{text}\n"


def _indent(text: str) -> str:
    """Return how deep the file indents its lists, as its first one does."""
    found = _LIST_ITEM.search(text)
    return found[1] if found else ""


def _item(entry: Mapping[str, Any] | str, indent: str) -> str:
    import yaml

    item = entry if isinstance(entry, str) else dict(entry)
    lines = yaml.safe_dump([item], sort_keys=False, default_flow_style=False).splitlines()
    return "".join(f"{indent}{line}\n" for line in lines)


def _recheck(before: str, edited: str, key: str, entry: Mapping[str, Any]) -> None:
    """The result says what it said and the entry, and no old line is another or gone."""
    expected = plain(_root(before))
    expected[key] = [*(expected.get(key) or []), dict(entry)]
    rest = iter(edited.splitlines())
    kept = all(line in rest for line in before.splitlines())
    try:
        same = plain(_root(edited)) == expected
    except Refusal:
        same = False
    if not (kept and same):
        refuse("recheck_failed", "the kustomization would change its meaning", "edit it by hand")


def _by_pointers(rendered: Rendered, changes: Sequence[Replacement]) -> bytes:
    """Return a JSON 6902 patch; it tests the name of each list item that it goes through, for places may change."""
    import yaml

    tests: list[dict[str, Any]] = []
    replacements: list[dict[str, Any]] = []
    for change in changes:
        node: Any = rendered
        pointer = ""
        for step in change.path:
            if isinstance(step, Item):
                place = next(n for n, item in enumerate(node) if item.get(step.key) == step.value)
                pointer, node = f"{pointer}/{place}", node[place]
                tests.append({"op": "test", "path": f"{pointer}/{step.key}", "value": step.value})
            else:
                pointer, node = f"{pointer}/{str(step).replace('~', '~0').replace('/', '~1')}", node[step]
        replacements.append({"op": "replace", "path": pointer, "value": _typed(change.path, change.after, node)})
    unique = [test for number, test in enumerate(tests) if test not in tests[:number]]
    return yaml.safe_dump([*unique, *replacements], sort_keys=False, default_flow_style=False).encode()


def _strategic(target: ObjectRef, rendered: Rendered, changes: Sequence[FieldChange]) -> bytes:
    """Return a strategic merge patch that names the object and sets the new values."""
    import yaml

    made: dict[str, Any] = {
        "apiVersion": rendered["apiVersion"],
        "kind": target.kind,
        "metadata": {"name": target.name},
    }
    for change in changes:
        value = None if change.after is None else _typed(change.path, change.after, value_at(rendered, change.path))
        _set(made, change.path, value)
    return yaml.safe_dump(made, sort_keys=False, default_flow_style=False).encode()


def _typed(path: FieldPath, value: str, now: object) -> object:
    """Return a new value as text where text stands or must stand, else as what it is as YAML."""
    import yaml

    is_text = isinstance(now, str) and not holds_quantity(path)
    return value if is_text or first_type(path, value) is ScalarType.STRING else yaml.safe_load(value)


def _set(into: dict[str, Any], path: FieldPath, value: object) -> None:
    """Set a value, with the mappings and list items on its way; None unsets it."""
    node: Any = into
    for step, after in zip(path, (*path[1:], None), strict=True):
        empty: Any = [] if isinstance(after, Item) else {}
        if isinstance(step, Item):
            found = next((i for i in node if i.get(step.key) == step.value), None)
            if found is None:
                found = {step.key: step.value}
                node.append(found)
            node = found
        elif after is None:
            node[step] = value
        else:
            node = node.setdefault(step, empty)


def merged(
    checkout: Checkout,
    folder: str,
    target: ObjectRef,
    changes: Sequence[Replacement],
    *,
    prefix: str = "",
    suffix: str = "",
    max_bytes: int,
) -> tuple[str, bytes]:
    """Return an overlay's kustomization by its path, with the values merged into a ConfigMap that its base generates.

    Raises Refusal when it cannot take an entry without doubt.
    """
    path = kustomization_in(checkout, folder)
    if path is None:
        refuse("no_overlay", f"{folder} holds no kustomization", "edit it by hand")
    name = _own_name(target.name, first_document(checkout.contents[path], max_bytes), prefix, suffix)
    literals = [f"{change.path[-1]}={change.after}" for change in changes]
    longer = _with_literals(checkout.contents[path], name, literals, max_bytes=max_bytes)
    if longer is not None:
        return path, longer
    entry = {"name": name, "behavior": "merge", "literals": literals}
    return path, with_patch(checkout.contents[path], entry, key=_GENERATOR, max_bytes=max_bytes)


def _with_literals(data: bytes, name: str, literals: Sequence[str], *, max_bytes: int) -> bytes | None:
    """Return a kustomization with more literals in the entry that is merged into a ConfigMap already; None: none is."""
    bom, text = split_bom(decode(data, max_bytes))
    refuse_generated(text)
    for literal in literals:
        found = _literals(_root(text), name)
        if found is None or "\r" in text:
            return None
        number, there = found
        edited = _after(text, there, literal)
        expected, rest = plain(_root(text)), iter(edited.splitlines())
        expected[_GENERATOR][number]["literals"].append(literal)
        if plain(_root(edited)) != expected or not all(line in rest for line in text.splitlines()):
            return None
        text = edited
    return (bom + text).encode()


def _literals(root: MappingNode, name: str) -> tuple[int, SequenceNode] | None:
    """Return the literals of the one entry that is merged into a ConfigMap, where each has a line, and its number."""
    there, said = root.entries.get(_GENERATOR), plain(root).get(_GENERATOR)
    entries = there.items if isinstance(there, SequenceNode) and isinstance(said, list) else []
    found = [n for n, entry in enumerate(entries) if isinstance(entry, MappingNode) and _is_merged(said[n], name)]
    node = entries[found[0]] if len(found) == 1 else None
    literals = node.entries.get("literals") if isinstance(node, MappingNode) else None
    lines = isinstance(literals, SequenceNode) and bool(literals.items) and literals.part.style is None
    return (found[0], literals) if lines and isinstance(literals, SequenceNode) else None


def _is_merged(entry: Mapping[str, Any], name: str) -> bool:
    return (entry.get("name"), entry.get("behavior")) == (name, "merge")

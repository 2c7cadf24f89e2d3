"""Random edits of a document, and what each must come to, told by another parser from the loaded values alone.

Nothing of the product is asked here: PyYAML composes and constructs, and the expectations are made on what it loads.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from reconciler.model.action import FieldChange
from reconciler.model.objects import FieldPath, Inner, Item
from tests.manifests.inner_texts import LOADER, inner_keys, reader_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

Holder = yaml.MappingNode | yaml.SequenceNode
SEVERAL = 0.15  # of the edits make two changes at once
STRING_PARENTS = {"annotations", "labels", "matchLabels", "nodeSelector", "data", "stringData"}
AMOUNTS = {"limits", "requests", "hard", "capacity"}
STRINGS = (
    "other:7",
    "1Gi",
    "yes",
    "a: b",
    "",
    "null",
    "0777",
    "it's",
    'x "y" \\',
    "- z",
    "é",
    "1.10",
    "2026-03-01",
    "#",
    "007",
)
NEW_KEYS = ("added", "x.example.com/added", "on", "12", "with space", "added-too", "é")
LEAF_VALUES: dict[str, object] = {"5": 5, "true": True, "false": False} | {s: s for s in STRINGS}


@dataclass(frozen=True)
class Attempt:
    """Changes of one document, and what they must do."""

    kind: str
    changes: tuple[FieldChange, ...]
    expect: Callable[[Any], None]  # makes the same changes in a loaded document
    lines: tuple[int, int]  # that may go, that may come
    inner: tuple[FieldPath, Callable[[str], Any], Any] | None = None  # a text: where, how to read it, what it must say


@dataclass(frozen=True)
class Leaf:
    """A scalar of a document: its path, its loaded value, the token's text, and the nodes above it, root first."""

    path: FieldPath
    value: Any
    token: str
    above: tuple[Holder, ...]


def scalars(node: yaml.Node, loaded: Any, path: FieldPath = (), above: tuple[Holder, ...] = ()) -> Iterator[Leaf]:  # noqa: ANN401 - loaded YAML
    """Yield the scalars that a path can name."""
    if isinstance(node, yaml.ScalarNode):
        yield Leaf(path, loaded, node.value, above)
    if not isinstance(node, (yaml.MappingNode, yaml.SequenceNode)):
        return
    for step, below, value in children(node, loaded):
        yield from scalars(below, value, (*path, step), (*above, node))


def collections(node: yaml.Node, loaded: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, Holder, Any]]:  # noqa: ANN401
    """Yield the mappings and lists that a path can name."""
    if isinstance(node, (yaml.MappingNode, yaml.SequenceNode)):
        yield path, node, loaded
    for step, below, value in children(node, loaded):
        yield from collections(below, value, (*path, step))


def children(node: yaml.Node, loaded: Any) -> Iterator[tuple[str | Item, yaml.Node, Any]]:  # noqa: ANN401
    """Yield what a node holds and a path can name: by key, or by a name that is the item's alone."""
    if isinstance(node, yaml.MappingNode) and isinstance(loaded, dict):
        last = {key.value: below for key, below in node.value if isinstance(key, yaml.ScalarNode)}
        yield from ((key, below, loaded[key]) for key, below in last.items() if key in loaded)
    elif isinstance(node, yaml.SequenceNode) and isinstance(loaded, list):
        names = [item.get("name") if isinstance(item, dict) else None for item in loaded]
        for name, below, value in zip(names, node.value, loaded, strict=True):
            if isinstance(name, str) and name and "]" not in name and names.count(name) == 1:
                yield Item("name", name), below, value


def walk(loaded: Any, path: FieldPath) -> Any:  # noqa: ANN401
    """Follow a path through loaded values."""
    for step in path:
        loaded = next(i for i in loaded if i.get(step.key) == step.value) if isinstance(step, Item) else loaded[step]
    return loaded


def attempt(rng: random.Random, root: yaml.Node, loaded: Any) -> Attempt | None:  # noqa: ANN401
    """Return a random edit of a document, now and then several in one; None when nothing fits."""
    maker = rng.choice((replacing, replacing, inserting, inserting, adding_item, removing, removing, inside, inside))
    one = maker(rng, root, loaded)
    if one is None or rng.random() > SEVERAL:
        return one
    other = rng.choice((replacing, inserting, adding_item))(rng, root, loaded)
    if other is None or one.inner or any(c.before and c.path[-1] == "name" for c in one.changes + other.changes):
        return one  # an item that gets another name is not found by its path any more
    both = (one, other)

    def expect(document: Any) -> None:  # noqa: ANN401
        for each in both:
            each.expect(document)

    lines = (one.lines[0] + other.lines[0], one.lines[1] + other.lines[1])
    return Attempt("several", one.changes + other.changes, expect, lines)


def replacing(rng: random.Random, root: yaml.Node, loaded: Any) -> Attempt | None:  # noqa: ANN401
    """Give a scalar another value of its type."""
    found = [s for s in scalars(root, loaded) if type(s.value) in (str, int, float, bool) and s.path]
    if not found:
        return None
    leaf = rng.choice(found)
    after, value = replaced_value(rng, leaf)

    def expect(document: Any) -> None:  # noqa: ANN401
        walk(document, leaf.path[:-1])[leaf.path[-1]] = value

    return Attempt("replace", (FieldChange(path=leaf.path, before=leaf.token, after=after),), expect, (1, 1))


def replaced_value(rng: random.Random, leaf: Leaf) -> tuple[str, object]:
    """Return a new value as text and as it must load."""
    if isinstance(leaf.value, str):
        after = rng.choice(STRINGS)
        return after, after
    after = rng.choice(("true", "false") if isinstance(leaf.value, bool) else ("7", "8.5", "-3"))
    return after, after if holds_string(leaf.path) else yaml.safe_load(after)


def holds_string(path: FieldPath) -> bool:
    """Tell whether Kubernetes takes nothing but a string here."""
    above = path[-2] if len(path) > 1 else None
    if isinstance(above, Item):
        return path[-1] == "value" and path[-3:-2] == ("env",)
    return above in STRING_PARENTS


def new_value(rng: random.Random, path: FieldPath) -> tuple[str, object]:
    """Return a value for a field that is new, as text and as it must load."""
    after = rng.choice(list(LEAF_VALUES))
    if holds_string(path):
        return after, after
    amount = len(path) > 1 and path[-2] in AMOUNTS
    return after, 1.1 if amount and after == "1.10" else LEAF_VALUES[after]


def inserting(rng: random.Random, root: yaml.Node, loaded: Any) -> Attempt | None:  # noqa: ANN401
    """Set a field that is not there, below none to two parents that are not there either."""
    found = [(p, n, v) for p, n, v in collections(root, loaded) if isinstance(v, dict)]
    if not found:
        return None
    path, node, value = rng.choice(found)
    steps = tuple(rng.choice(NEW_KEYS) for _ in range(rng.choice((1, 1, 2, 3))))
    if steps[0] in {key.value for key, _ in node.value} or steps[0] in value:
        return None
    full = (*path, *steps)
    after, new = new_value(rng, full)

    def expect(document: Any) -> None:  # noqa: ANN401
        holder = walk(document, path)
        for step in steps[:-1]:
            holder = holder.setdefault(step, {})
        holder[steps[-1]] = new

    lines = (1, 1) if node.flow_style else (0, len(steps))
    return Attempt("insert", (FieldChange(path=full, before=None, after=after),), expect, lines)


def adding_item(rng: random.Random, root: yaml.Node, loaded: Any) -> Attempt | None:  # noqa: ANN401
    """Add an item to a list of named ones, or to a new list."""
    lists = [(p, n, v) for p, n, v in collections(root, loaded) if isinstance(v, list) and p]
    maps = [(p, n, v) for p, n, v in collections(root, loaded) if isinstance(v, dict) and "env" not in v]
    found = lists if rng.random() < 0.75 else maps
    if not found:
        return None
    path, node, value = rng.choice(found)
    new_list = isinstance(value, dict)
    if new_list:
        path = (*path, "env")
    item = Item("name", rng.choice(("added-item", "yes", "7")))
    fields = rng.sample(("value", "image", "on", "12"), rng.choice((1, 2)))
    values = {field: new_value(rng, (*path, item, field)) for field in fields}
    if "image" in values:
        values["image"] = ("x:1", "x:1")
    changes = [FieldChange(path=(*path, item, f), before=None, after=after) for f, (after, _) in values.items()]
    changes.insert(rng.randint(0, len(changes)), FieldChange(path=(*path, item, "name"), before=None, after=item.value))

    def expect(document: Any) -> None:  # noqa: ANN401
        holder = walk(document, path[:-1]).setdefault(path[-1], []) if new_list else walk(document, path)
        holder.append({"name": item.value} | {field: new for field, (_, new) in values.items()})

    examples = [] if new_list else [i for i in node.value if isinstance(i, yaml.MappingNode)]
    in_flow = bool(examples) and bool(examples[-1].flow_style)
    added = (0, 1) if in_flow else (0, len(changes) + new_list)
    return Attempt("add item", tuple(changes), expect, (1, 1) if node.flow_style else added)


def removing(rng: random.Random, root: yaml.Node, loaded: Any) -> Attempt | None:  # noqa: ANN401
    """Remove a field, or a whole item; what is left empty goes with it, up to the outermost braces."""
    found = [s for s in scalars(root, loaded) if s.value is not None and s.path]
    if not found:
        return None
    leaf = rng.choice(found)
    gone = [leaf]
    item = next((i for i, step in enumerate(leaf.path) if isinstance(step, Item)), None)
    if item is not None and (leaf.path[-1] == "name" or rng.random() < 0.3):
        gone = [s for s in found if s.path[: item + 1] == leaf.path[: item + 1]]
    changes = tuple(FieldChange(path=s.path, before=s.token, after=None) for s in gone)

    def expect(document: Any) -> None:  # noqa: ANN401
        remove(document, gone)

    flow = any(node.flow_style for node in leaf.above)
    lines = (1, 1) if flow and not gone[1:] else (len(changes) + len(leaf.path), int(flow))
    return Attempt("remove", changes, expect, lines)


def remove(document: Any, gone: Sequence[Leaf]) -> None:  # noqa: ANN401
    """Remove scalars from a loaded document, and what they leave empty."""
    chains = [[walk(document, leaf.path[:depth]) for depth in range(len(leaf.path))] for leaf in gone]
    for leaf, chain in zip(gone, chains, strict=True):
        del chain[-1][leaf.path[-1]]
    for leaf, chain in zip(gone, chains, strict=True):
        for depth in range(len(chain) - 1, 0, -1):
            outermost = leaf.above[depth].flow_style and not leaf.above[depth - 1].flow_style
            if chain[depth] or (outermost and isinstance(chain[depth - 1], dict)):
                break
            _take_out(chain[depth - 1], chain[depth])


def _take_out(holder: Any, gone: Any) -> None:  # noqa: ANN401
    if isinstance(holder, list):
        holder[:] = [item for item in holder if item is not gone]
    else:
        for key in [key for key, value in holder.items() if value is gone]:
            del holder[key]


def inside(rng: random.Random, root: yaml.Node, loaded: Any) -> Attempt | None:  # noqa: ANN401
    """Replace the value of a key in a text that a field holds."""
    found = [s for s in scalars(root, loaded) if isinstance(s.value, str) and s.path and "\n" in s.value]
    found = [s for s in found if isinstance(s.path[-1], str) and reader_of(s.path[-1])]
    if not found:
        return None
    leaf = rng.choice(found)
    assert isinstance(leaf.path[-1], str)
    read = reader_of(leaf.path[-1])
    assert read is not None
    try:
        text = read(leaf.value)
    except Exception:  # noqa: BLE001 - whatever its reader says, the text is not what its name promises
        return None
    keys = list(inner_keys(text)) if isinstance(text, dict) else []
    if not keys:
        return None
    names = rng.choice(keys)
    before = walk(text, names)
    after, value = replaced_value(rng, Leaf(names, before, "", ()))
    if leaf.path[-1].rpartition(".")[2] in ("ini", "properties", "env"):
        value = after
    expected = copy.deepcopy(text)
    walk(expected, names[:-1])[names[-1]] = value
    path = (*leaf.path, *(Inner(str(name)) for name in names))
    token = str(before).lower() if isinstance(before, bool) else str(before)
    change = FieldChange(path=path, before=token, after=after)
    return Attempt("inside", (change,), lambda _: None, (1, 1), (leaf.path, read, expected))


def loaded_documents(text: str) -> Sequence[Any]:
    """Construct every document of a text that was made or chosen for it."""
    return list(yaml.load_all(text, Loader=LOADER))


def composed_documents(text: str) -> Sequence[yaml.Node]:
    """Compose every document of a text."""
    return list(yaml.compose_all(text, Loader=LOADER))

"""What is new in a document, as a tree, and how it is written: as a block or as flow, in the style around it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a field of a NamedTuple
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from reconciler.manifests.editing.scalars import QUOTES, ScalarType, write_scalar
from reconciler.manifests.editing.splices import scalar
from reconciler.model.objects import Item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.manifests.editing.parts import Content

_END: Content = ("end", None, None, None, None)


class Leaf(NamedTuple):
    """A value, and the type that it must have."""

    value: str
    kind: ScalarType


class Branch(dict["str | Item", "Branch | Leaf"]):
    """A mapping by its keys, or a list by its items; never both, never empty."""

    @property
    def is_list(self) -> bool:
        """Tell a list from a mapping."""
        return isinstance(next(iter(self)), Item)


class Style(NamedTuple):
    """How the text around writes things."""

    step: int = 2  # from a key to the keys below it
    dash_step: int = 2  # from a key to the dashes below it
    dash: str = "- "
    keys: str | None = None  # quotes
    values: str | None = None  # quotes of strings
    same: Mapping[str, str | None] = MappingProxyType({})  # quotes of the values of these very keys, which count more


def flow(branch: Branch, style: Style) -> str:
    """Return a tree written on one line, braces or brackets included."""
    return f"[{flow_body(branch, style)}]" if branch.is_list else f"{{{flow_body(branch, style)}}}"


def flow_body(branch: Branch, style: Style) -> str:
    """Return a tree written on one line, to stand between braces or brackets."""
    if branch.is_list:
        return ", ".join(flow(item, style) for item in branch.values() if isinstance(item, Branch))
    return ", ".join(f"{_key(step, style)[0]}: {_flow_value(step, below, style)}" for step, below in branch.items())


def _flow_value(step: str | Item, below: Branch | Leaf, style: Style) -> str:
    return flow(below, style) if isinstance(below, Branch) else _value(step, below, style)[0]


def block(branch: Branch, indent: int, style: Style) -> Iterator[str]:
    """Yield the lines of a tree whose keys or dashes stand at an indent."""
    pad = " " * indent
    for step, below in branch.items():
        if isinstance(step, Item):
            if isinstance(below, Branch):
                first, *others = block(below, indent + len(style.dash), style)
                yield from (pad + style.dash + first.lstrip(" "), *others)
        elif isinstance(below, Leaf):
            yield f"{pad}{_key(step, style)[0]}: {_value(step, below, style)[0]}"
        else:
            yield f"{pad}{_key(step, style)[0]}:"
            yield from block(below, indent + (style.dash_step if below.is_list else style.step), style)


def says(branch: Branch, style: Style, *, in_flow: bool) -> Iterator[Content]:
    """Yield what the parts of a tree say, its own start and end left out."""
    for step, below in branch.items():
        if not isinstance(step, Item):
            yield scalar(step, _key(step, style)[1])
        if isinstance(below, Leaf):
            yield scalar(below.value, _value(step, below, style)[1])
        else:
            yield ("sequence" if below.is_list else "mapping", None, None, "flow" if in_flow else None, None)
            yield from says(below, style, in_flow=in_flow)
            yield _END


def _key(step: str | Item, style: Style) -> tuple[str, str | None]:
    return write_scalar(str(step), ScalarType.STRING, style.keys)


def _value(key: str | Item, leaf: Leaf, style: Style) -> tuple[str, str | None]:
    quotes = style.same.get(str(key), style.values)
    usable = leaf.kind is ScalarType.STRING and quotes in QUOTES
    return write_scalar(leaf.value, leaf.kind, quotes if usable else None)

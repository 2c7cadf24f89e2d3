"""YAML as plain values, for files that say what else is read: kustomizations, charts. Aliases stand for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.manifests.editing.parts import MappingNode, Node, SequenceNode, arrange, decode, scan, split_bom
from reconciler.manifests.editing.scalars import ScalarType, plain_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_READERS: dict[ScalarType, Callable[[str], Any]] = {
    ScalarType.INTEGER: int,
    ScalarType.FLOAT: float,
    ScalarType.BOOLEAN: lambda text: text.lower() == "true",
    ScalarType.NULL: lambda _: None,
}


def plain(node: Node) -> Any:  # noqa: ANN401 - YAML has no narrower type
    """Return a node as text, lists and dictionaries.

    Recursion is bounded, because `scan` has capped the depth.
    """
    if isinstance(node, MappingNode):
        return {key: plain(below) for key, below in node.entries.items()}
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.items]
    return node.value if node.role == "scalar" else None


def typed(node: Node) -> Any:  # noqa: ANN401 - as above
    """Return a node as Kubernetes reads it: numbers, booleans and nothing where they stand without quotes."""
    if isinstance(node, MappingNode):
        return {key: typed(below) for key, below in node.entries.items()}
    if isinstance(node, SequenceNode):
        return [typed(item) for item in node.items]
    value = node.value or ""
    read = _READERS.get(plain_type(value)) if node.role == "scalar" and node.style is None else None
    return read(value) if read else plain(node)


def first_document(data: bytes, max_bytes: int) -> dict[str, Any]:
    """Return the mapping that a file's first document is, or an empty one.

    Raises Refusal when the file is not YAML that we judge.
    """
    _, text = split_bom(decode(data, max_bytes))
    roots = arrange(scan(text))
    found = plain(roots[0]) if roots else None
    return found if isinstance(found, dict) else {}


def leaves(data: bytes, max_bytes: int) -> Iterator[str]:
    """Yield every text in every document of a file, keys included.

    Raises Refusal when the file is not YAML that we judge.
    """
    _, text = split_bom(decode(data, max_bytes))
    waiting: list[Any] = [plain(root) for root in arrange(scan(text))]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one


def texts(value: Any) -> list[str]:  # noqa: ANN401 - see plain
    """Return the texts of a list, or of one text; nothing for anything else."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def mappings(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - see plain
    """Return the mappings of a list, or one mapping as a list."""
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

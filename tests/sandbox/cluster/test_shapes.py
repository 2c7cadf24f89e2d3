"""How each kind is merged: our table against the real server's own description of its types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.cluster.kinds import BUILT_IN
from reconciler.sandbox.cluster.shapes import Shape, shape_of, shape_of_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.beds.place import Place

Json = dict[str, Any]

_MAP_TYPE, _LIST_TYPE = "x-kubernetes-map-type", "x-kubernetes-list-type"


@pytest.mark.beds("testbed")
def test_table_is_the_real_servers(place: Place) -> None:
    """Every field of every kind that the sandbox serves: list keys, sets, atomic maps, merge keys."""
    types: dict[str, Json] = place.kube.call("GET", "/openapi/v2")["definitions"]

    wrong = [
        difference
        for kind in BUILT_IN
        for difference in _differences(
            types, _root(types, kind.group, kind.version, kind.kind), shape_of(kind), kind.kind
        )
    ]

    assert wrong == []


def _root(types: dict[str, Json], group: str, version: str, kind: str) -> str:
    wanted = [{"group": group, "version": version, "kind": kind}]
    return next(name for name, each in types.items() if each.get("x-kubernetes-group-version-kind") == wanted)


def _differences(types: dict[str, Json], name: str, shape: Shape, path: str) -> Iterator[str]:
    """Yield the fields of a type, and of the types below, of which the table says something else."""
    for field, described in types[name].get("properties", {}).items():
        ours, where = shape.at(field), f"{path}.{field}"
        if where.count(f".{field}") > 1 or len(where.split(".")) > 12:
            continue  # a schema within a schema: the same type again
        if described.get("type") == "array":
            yield from _list_differences(types, described, ours, where)
            continue
        below = described.get("$ref", "").rpartition("/")[2]
        atomic = (described.get(_MAP_TYPE) or types.get(below, {}).get(_MAP_TYPE)) == "atomic"
        replaced = described.get("x-kubernetes-patch-strategy") == "replace"
        if (ours.atomic, ours.replaced) != (atomic, replaced):
            yield f"{where}: atomic {atomic}, replaced {replaced}"
        if below and not atomic:
            yield from _differences(types, below, ours, where)


def _list_differences(types: dict[str, Json], described: Json, ours: Shape, where: str) -> Iterator[str]:
    list_type = described.get(_LIST_TYPE, "atomic")
    keys = tuple(described.get("x-kubernetes-list-map-keys", ())) if list_type == "map" else ()
    merges = "merge" in described.get("x-kubernetes-patch-strategy", "").split(",")
    merge_key = described.get("x-kubernetes-patch-merge-key", "") if merges else None
    if (ours.keys, ours.unique, ours.merge_key) != (keys, list_type == "set", merge_key):
        yield f"{where}: keys {keys}, {list_type}, merged by {merge_key}"
    item = described["items"].get("$ref", "").rpartition("/")[2]
    item_atomic = types.get(item, {}).get(_MAP_TYPE) == "atomic"
    if keys and ours.item_atomic != item_atomic:
        yield f"{where}: atomic items {item_atomic}"
    if item and (keys or merges) and not item_atomic:
        yield from _differences(types, item, ours.item(), where)


def test_schema_of_a_custom_resource_tells_its_shape() -> None:
    """By the same marks; metadata is that of every object."""
    keyed = {
        "type": "array",
        _LIST_TYPE: "map",
        "x-kubernetes-list-map-keys": ["name", "port"],
        "items": {"properties": {"name": {}, "port": {"default": 80}, "where": {_MAP_TYPE: "atomic"}}},
    }
    spec = {"properties": {"items": keyed, "tags": {_LIST_TYPE: "set"}, "more": {"additionalProperties": keyed}}}

    shape = shape_of_schema({"properties": {"spec": spec, "metadata": {"type": "object"}}})

    items = shape.at("spec").at("items")
    assert items.keys == ("name", "port")
    assert items.key_of({"name": "a"}) == ("a", 80)
    assert items.key_of({"port": 1}) is None
    assert items.item().at("where").atomic
    assert shape.at("spec").at("tags").unique
    assert shape.at("spec").at("more").at("anything").keys == ("name", "port")
    assert shape.at("metadata").at("finalizers").unique

"""The three patches: what they change, what they leave, and how the server says no."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given

from reconciler.sandbox.cluster import patches
from reconciler.sandbox.cluster.errors import ApiError
from reconciler.sandbox.cluster.kinds import Kinds
from reconciler.sandbox.cluster.shapes import shape_of
from tests.sandbox.cluster.json_values import few, manifests, objects

Json = dict[str, Any]

KINDS = Kinds()
POD = shape_of(KINDS["Pod"])


def strategic(current: Json, patch: Json, kind: str = "Pod") -> Json:
    """Patch an object of a kind strategically."""
    return patches.strategic(current, patch, shape_of(KINDS[kind]))


def names(items: list[Json]) -> list[str]:
    """Return the names of a list's items."""
    return [item["name"] for item in items]


# Merge patch


def test_null_deletes_and_a_list_replaces() -> None:
    """RFC 7386's own example, in short."""
    current = {"title": "Hello", "author": {"given": "John", "family": "Doe"}, "tags": ["a", "b"]}

    patched = patches.merge(current, {"title": None, "author": {"family": None, "age": 5}, "tags": ["c"]})

    assert patched == {"author": {"given": "John", "age": 5}, "tags": ["c"]}


def test_nulls_do_not_survive_in_what_is_new() -> None:
    """Neither in a map nor in a list's items; the server would not store them."""
    assert patches.merge({}, {"a": {"b": None, "c": 1}, "d": [{"e": None}]}) == {"a": {"c": 1}, "d": [{}]}


@pytest.mark.parametrize("patch", [None, [], "text", 3])
def test_merge_patch_must_be_an_object(patch: object) -> None:
    """Whatever else is a bad request."""
    with pytest.raises(ApiError) as refused:
        patches.merge({}, patch)

    assert (refused.value.status, refused.value.reason) == (400, "BadRequest")


@few
@given(objects(), objects(nulls=True))
def test_merge_patch_is_idempotent_and_leaves_its_input(current: Json, patch: Json) -> None:
    """A second time changes nothing, and nothing is changed in place."""
    before, given_patch = copy.deepcopy(current), copy.deepcopy(patch)

    once = patches.merge(current, patch)

    assert patches.merge(once, patch) == once
    assert (current, patch) == (before, given_patch)


@few
@given(objects(nulls=True))
def test_merge_patch_into_nothing_is_the_patch_without_nulls(patch: Json) -> None:
    """So a patch can be read back."""

    def has_null(value: object) -> bool:
        if isinstance(value, dict):
            return any(below is None or has_null(below) for below in value.values())
        return isinstance(value, list) and any(isinstance(item, dict) and has_null(item) for item in value)

    assert not has_null(patches.merge({}, patch))


# JSON patch


def test_each_operation_does_what_it_says() -> None:
    """All six, in one patch."""
    current = {"a": {"b": 1, "list": [1, 2, 3]}, "old": "x", "gone": True}

    patched = patches.json_patch(
        current,
        [
            {"op": "test", "path": "/a/b", "value": 1},
            {"op": "add", "path": "/a/list/1", "value": 9},
            {"op": "add", "path": "/a/list/-", "value": 10},
            {"op": "replace", "path": "/a/b", "value": {"c": 2}},
            {"op": "move", "from": "/old", "path": "/new"},
            {"op": "copy", "from": "/a/b", "path": "/copied"},
            {"op": "remove", "path": "/gone"},
        ],
    )

    assert patched == {"a": {"b": {"c": 2}, "list": [1, 9, 2, 3, 10]}, "new": "x", "copied": {"c": 2}}
    assert current == {"a": {"b": 1, "list": [1, 2, 3]}, "old": "x", "gone": True}


def test_keys_with_slashes_are_escaped() -> None:
    """As annotations need it."""
    patched = patches.json_patch({"a/b": 1, "c~d": 2}, [{"op": "replace", "path": "/a~1b", "value": 3}])

    assert patched == {"a/b": 3, "c~d": 2}
    assert patches.json_patch(patched, [{"op": "remove", "path": "/c~0d"}]) == {"a/b": 3}


def test_copy_is_no_second_name_for_the_same_value() -> None:
    """A later operation changes one of them."""
    operations = [
        {"op": "copy", "from": "/a", "path": "/b"},
        {"op": "add", "path": "/b/x", "value": 1},
    ]

    assert patches.json_patch({"a": {}}, operations) == {"a": {}, "b": {"x": 1}}


def test_replace_of_an_absent_field_adds_it() -> None:
    """The real server's library is that lenient, against the RFC."""
    assert patches.json_patch({}, [{"op": "replace", "path": "/a", "value": 1}]) == {"a": 1}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "test", "path": "/a", "value": True},
        {"op": "remove", "path": "/absent"},
        {"op": "add", "path": "/absent/deep", "value": 1},
        {"op": "replace", "path": "/list/7", "value": 1},
        {"op": "add", "path": "/list/x", "value": 1},
        {"op": "move", "from": "/absent", "path": "/b"},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "remove", "path": ""},
        {"op": "unheard", "path": "/a"},
        {"op": "add", "value": 1},
    ],
    ids=str,
)
def test_operation_that_does_not_fit_is_invalid_and_nothing_is_done(operation: Json) -> None:
    """422, in the few words of the real server."""
    current = {"a": 1, "list": [1]}

    with pytest.raises(ApiError) as refused:
        patches.json_patch(current, [{"op": "add", "path": "/before", "value": 1}, operation])

    assert (refused.value.status, refused.value.reason) == (422, "Invalid")
    assert refused.value.message == "the server rejected our request due to an error in our request"
    assert current == {"a": 1, "list": [1]}


@pytest.mark.parametrize("operations", [{}, "x", [1], None])
def test_json_patch_must_be_a_list_of_operations(operations: object) -> None:
    """Whatever else is a bad request."""
    with pytest.raises(ApiError) as refused:
        patches.json_patch({}, operations)

    assert refused.value.status == 400


@few
@given(objects(), objects())
def test_json_patch_can_make_any_object_of_any_other(one: Json, other: Json) -> None:
    """Remove all, add all."""
    escaped = {key: key.replace("~", "~0").replace("/", "~1") for key in (*one, *other)}
    removals = [{"op": "remove", "path": f"/{escaped[key]}"} for key in one]
    additions = [{"op": "add", "path": f"/{escaped[key]}", "value": value} for key, value in other.items()]

    assert patches.json_patch(one, [*removals, *additions]) == other


# Strategic merge patch


def test_containers_merge_by_name() -> None:
    """The others stay, in their order; what is new comes behind."""
    current = {"spec": {"containers": [{"name": "web", "image": "web:1"}, {"name": "side", "image": "side:1"}]}}
    patch = {"spec": {"containers": [{"name": "new", "image": "n"}, {"name": "web", "image": "web:2"}]}}

    containers = strategic(current, patch)["spec"]["containers"]

    assert {c["name"]: c["image"] for c in containers} == {"web": "web:2", "side": "side:1", "new": "n"}
    assert current["spec"]["containers"][0]["image"] == "web:1"


@pytest.mark.parametrize(
    ("field", "key", "first", "second"),
    [
        ("env", "name", "A", "B"),
        ("ports", "containerPort", 80, 81),
        ("volumeMounts", "mountPath", "/a", "/b"),
        ("volumeDevices", "devicePath", "/dev/a", "/dev/b"),
    ],
)
def test_lists_of_a_container_merge_by_their_keys(field: str, key: str, first: object, second: object) -> None:
    """Each list of the real type has its own."""
    current = {"spec": {"containers": [{"name": "web", field: [{key: first, "x": 1}]}]}}

    patched = strategic(
        current, {"spec": {"containers": [{"name": "web", field: [{key: second}, {key: first, "y": 2}]}]}}
    )

    found = {item[key]: item for item in patched["spec"]["containers"][0][field]}
    assert found == {first: {key: first, "x": 1, "y": 2}, second: {key: second}}


def test_ports_of_a_service_merge_by_port() -> None:
    """Not by the name that people give them."""
    current = {"spec": {"ports": [{"port": 80, "name": "http"}]}}

    ports = strategic(current, {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}, "Service")["spec"]["ports"]

    assert ports == [{"port": 80, "name": "http", "targetPort": 8080}]


def test_owners_merge_by_uid_and_finalizers_as_a_set() -> None:
    """So that one controller does not take another's."""
    current = {"metadata": {"ownerReferences": [{"uid": "1", "name": "a"}], "finalizers": ["x"]}}

    metadata = strategic(
        current, {"metadata": {"ownerReferences": [{"uid": "2", "name": "b"}], "finalizers": ["y", "x"]}}
    )["metadata"]

    assert sorted(owner["uid"] for owner in metadata["ownerReferences"]) == ["1", "2"]
    assert sorted(metadata["finalizers"]) == ["x", "y"]


@pytest.mark.parametrize("field", ["tolerations", "readinessGates"])
def test_lists_without_a_key_are_replaced(field: str) -> None:
    """Tolerations have none."""
    current = {"spec": {field: [{"key": "a"}, {"key": "b"}]}}

    assert strategic(current, {"spec": {field: [{"key": "c"}]}})["spec"][field] == [{"key": "c"}]


def test_selector_of_a_budget_is_replaced_whole() -> None:
    """Its real type asks for that; a Deployment's is merged."""
    current = {"spec": {"selector": {"matchLabels": {"a": "x"}}}}
    patch = {"spec": {"selector": {"matchLabels": {"b": "y"}}}}

    assert strategic(current, patch, "PodDisruptionBudget")["spec"]["selector"] == {"matchLabels": {"b": "y"}}
    assert strategic(current, patch, "Deployment")["spec"]["selector"] == {"matchLabels": {"a": "x", "b": "y"}}


def test_item_is_deleted_by_its_directive() -> None:
    """Only that one."""
    current = {"spec": {"containers": [{"name": "web"}, {"name": "side"}]}}

    patched = strategic(current, {"spec": {"containers": [{"$patch": "delete", "name": "side"}]}})

    assert patched == {"spec": {"containers": [{"name": "web"}]}}


def test_list_and_map_are_replaced_by_their_directives() -> None:
    """Nothing of the former stays."""
    current = {"spec": {"containers": [{"name": "web", "image": "a"}], "securityContext": {"runAsUser": 1}}}
    patch = {
        "spec": {
            "containers": [{"$patch": "replace"}, {"name": "web"}],
            "securityContext": {"$patch": "replace", "runAsGroup": 2},
        }
    }

    assert strategic(current, patch) == {
        "spec": {"containers": [{"name": "web"}], "securityContext": {"runAsGroup": 2}}
    }


def test_map_is_emptied_by_its_directive() -> None:
    """`$patch: delete` in a map keeps the field."""
    assert strategic({"metadata": {"labels": {"a": "x"}}}, {"metadata": {"labels": {"$patch": "delete"}}}) == {
        "metadata": {"labels": {}}
    }


def test_scalars_are_deleted_by_name() -> None:
    """`$deleteFromPrimitiveList` is how a finalizer goes."""
    current = {"metadata": {"finalizers": ["a", "b", "c"]}}

    patched = strategic(current, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["b", "z"]}})

    assert patched["metadata"]["finalizers"] == ["a", "c"]


def test_order_is_the_one_that_the_patch_sets() -> None:
    """`$setElementOrder`, as kubectl sends it; what the patch does not name keeps its place among the others."""
    current = {"spec": {"containers": [{"name": "a"}, {"name": "b"}, {"name": "theirs"}]}}
    patch = {
        "spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "b", "x": 1}]}
    }

    assert names(strategic(current, patch)["spec"]["containers"]) == ["b", "a", "theirs"]


def test_keys_that_are_not_retained_go() -> None:
    """`$retainKeys`, as kubectl sends it when a volume or a strategy changes its type."""
    current = {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}
    patch = {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}]}}

    assert strategic(current, patch)["spec"]["volumes"] == [{"name": "v", "configMap": {"name": "c"}}]


@pytest.mark.parametrize(
    ("patch", "status", "says"),
    [
        ({"spec": {"containers": [{"image": "x"}]}}, 500, "does not contain declared merge key: name"),
        ({"metadata": {"labels": {"$patch": "merge"}}}, 500, "unknown patch type: merge"),
        ({"metadata": {"$retainKeys": [], "labels": {"a": "x"}}}, 400, "invalid patch format of retainKeys"),
        ({"metadata": {"$setElementOrder/finalizers": "x"}}, 400, "invalid patch format of setElementOrder"),
        ([], 400, "cannot unmarshal array"),
    ],
)
def test_strategic_patch_that_makes_no_sense_is_refused(patch: object, status: int, says: str) -> None:
    """With the status of the real server, which blames itself for some."""
    current = {"metadata": {"labels": {"a": "x"}, "finalizers": ["f"]}, "spec": {"containers": [{"name": "web"}]}}

    with pytest.raises(ApiError, match=says) as refused:
        patches.strategic(current, patch, POD)

    assert refused.value.status == status


@few
@given(manifests(), manifests())
def test_strategic_patch_is_idempotent_and_leaves_its_input(current: Json, patch: Json) -> None:
    """A second time changes nothing, and nothing is changed in place."""
    before, given_patch = copy.deepcopy(current), copy.deepcopy(patch)

    once = strategic(current, patch, "Deployment")

    assert strategic(once, patch, "Deployment") == once
    assert (current, patch) == (before, given_patch)

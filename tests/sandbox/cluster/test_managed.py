"""`managedFields`: whose a field is after each update, written as the real server writes it."""

from __future__ import annotations

import json
from cProfile import Profile
from typing import Any

import pytest
from hypothesis import given

from reconciler.sandbox.cluster import fieldsets, managed
from reconciler.sandbox.cluster.kinds import Kinds, custom_kind
from reconciler.sandbox.cluster.merging import without
from reconciler.sandbox.cluster.shapes import shape_of
from reconciler.sandbox.cluster.values import copied
from tests.sandbox.cluster.json_values import few, manifests

Json = dict[str, Any]

KINDS = Kinds()
DEPLOYMENT = KINDS["Deployment"]
SHAPE = shape_of(DEPLOYMENT)
WEB = 'k:{"name":"web"}'


def deployment(image: str = "web:1", **spec: object) -> Json:
    """Return a Deployment as the store holds it, without entries."""
    container = {"name": "web", "image": image, "ports": [{"containerPort": 80, "protocol": "TCP"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "uid": "1", "labels": {"app": "web"}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
            **spec,
        },
    }


def stamped(value: Json, before: Json | None, manager: str, at: str = "t1", subresource: str = "") -> Json:
    """Return a version of an object with its entries."""
    made = copied(value)
    if before is not None:
        made["metadata"]["managedFields"] = before["metadata"].get("managedFields")
    managed.stamp(DEPLOYMENT, made, before, manager=manager, at=at, subresource=subresource)
    return made


def entries(value: Json) -> dict[str, Json]:
    """Return the entries' fields by manager."""
    return {entry["manager"]: entry["fieldsV1"] for entry in value["metadata"].get("managedFields") or ()}


def test_creator_manages_everything_that_it_set() -> None:
    """In the words of the real server: list items by their keys, atomic maps whole, no name and no uid."""
    made = stamped(deployment(), None, "kubectl", at="2026-01-05T09:00:00Z")

    assert made["metadata"]["managedFields"] == [
        {
            "manager": "kubectl",
            "operation": "Update",
            "apiVersion": "apps/v1",
            "time": "2026-01-05T09:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                "f:spec": {
                    "f:replicas": {},
                    "f:selector": {},
                    "f:template": {
                        "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                        "f:spec": {
                            "f:containers": {
                                WEB: {
                                    ".": {},
                                    "f:image": {},
                                    "f:name": {},
                                    "f:ports": {
                                        ".": {},
                                        'k:{"containerPort":80,"protocol":"TCP"}': {
                                            ".": {},
                                            "f:containerPort": {},
                                            "f:protocol": {},
                                        },
                                    },
                                }
                            }
                        },
                    },
                },
            },
        }
    ]


def test_changed_field_moves_to_whoever_changed_it() -> None:
    """And the rest stays with its manager."""
    first = stamped(deployment(), None, "kubectl")
    second = stamped(deployment("web:2"), first, "controller")

    found = entries(second)

    changed: Json = {"f:spec": {"f:template": {"f:spec": {"f:containers": {WEB: {"f:image": {}}}}}}}
    assert found["controller"] == changed
    assert fieldsets.intersection(found["kubectl"], changed) == {}
    assert found["kubectl"]["f:spec"]["f:replicas"] == {}


def test_field_that_goes_is_nobodys() -> None:
    """Whoever took it away has no entry for that alone, and the others' keep their times."""
    first = stamped(deployment(paused=True), None, "kubectl")
    second = stamped(deployment(), first, "controller", at="t2")

    assert set(entries(second)) == {"kubectl"}
    assert "f:paused" not in entries(second)["kubectl"]["f:spec"]
    assert second["metadata"]["managedFields"][0]["time"] == "t1"


def test_manager_without_fields_has_no_entry() -> None:
    """All that it set was set by another."""
    first = stamped(deployment(), None, "kubectl")
    second = stamped(deployment(replicas=2), first, "scaler")
    third = stamped(deployment(replicas=3), second, "hpa")

    assert set(entries(third)) == {"kubectl", "hpa"}


def test_status_has_an_entry_of_its_own() -> None:
    """The same manager by another path is another entry."""
    first = stamped(deployment(), None, "controller")
    status = {"replicas": 1, "conditions": [{"type": "Available", "status": "True"}]}
    second = stamped({**deployment(), "status": status}, first, "controller", at="t2", subresource="status")

    by_path = {entry.get("subresource", ""): entry for entry in second["metadata"]["managedFields"]}
    assert by_path["status"]["fieldsV1"] == {
        "f:status": {
            "f:conditions": {".": {}, 'k:{"type":"Available"}': {".": {}, "f:status": {}, "f:type": {}}},
            "f:replicas": {},
        }
    }
    assert by_path["status"]["time"] == "t2"
    assert by_path[""] == first["metadata"]["managedFields"][0]


def test_write_that_changes_nothing_keeps_the_entries() -> None:
    """Their times, too."""
    first = stamped(deployment(), None, "kubectl")

    assert stamped(deployment(), first, "other", at="t2") == first


def test_null_is_managed_like_a_value() -> None:
    """A condition without a time is written so by the real types."""
    first = stamped(deployment(), None, "kubectl")
    status = {"conditions": [{"type": "Ready", "lastProbeTime": None}]}
    second = stamped({**deployment(), "status": status}, first, "kubelet", at="t2", subresource="status")

    condition = entries(second)["kubelet"]["f:status"]["f:conditions"]['k:{"type":"Ready"}']
    assert condition == {".": {}, "f:lastProbeTime": {}, "f:type": {}}


def test_status_of_a_new_object_is_the_servers() -> None:
    """The main path does not write it, so nobody manages it."""
    made = stamped({**deployment(), "status": {"replicas": 0}}, None, "kubectl")

    assert "f:status" not in entries(made)["kubectl"]


def test_writer_may_clear_the_entries_and_nothing_is_tracked_then() -> None:
    """As the real server offers it to clients who want them small."""
    first = stamped(deployment(), None, "kubectl")
    cleared = deployment("web:2")
    cleared["metadata"]["managedFields"] = [{}]

    managed.stamp(DEPLOYMENT, cleared, first, manager="kubectl", at="t2")
    later = stamped(deployment("web:3"), cleared, "kubectl", at="t3")

    assert "managedFields" not in cleared["metadata"]
    assert "managedFields" not in later["metadata"]


def test_oldest_updaters_are_thrown_together() -> None:
    """Ten are kept apart."""
    value = stamped(deployment(), None, "first", at="t00")
    for number in range(1, 13):
        changed = deployment()
        changed["metadata"]["labels"] = {f"l{n}": "x" for n in range(1, number + 1)}
        value = stamped(changed, value, f"m{number}", at=f"t{number:02}")

    found = entries(value)
    assert len(found) == 10
    assert {"ancient-changes", "m12"} <= set(found)
    assert "f:replicas" in found["ancient-changes"]["f:spec"]


def test_custom_resource_is_managed_by_its_schema() -> None:
    """Lists are atomic unless the schema gives them keys."""
    keyed = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {"type": "object", "properties": {"name": {"type": "string"}}},
    }
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"items": keyed}}}}
    names = {"plural": "things", "kind": "Thing"}
    version = {"name": "v1", "storage": True, "schema": {"openAPIV3Schema": schema}}
    kind = custom_kind({"spec": {"group": "example.com", "names": names, "versions": [version]}})
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}}
    value = {**thing, "spec": {"items": [{"name": "a"}], "others": [{"name": "b"}]}}

    found = managed.updated(None, value, kind=kind, manager="m", time="t")

    assert found[0]["fieldsV1"] == {
        "f:spec": {".": {}, "f:items": {".": {}, 'k:{"name":"a"}': {".": {}, "f:name": {}}}, "f:others": {}}
    }


def test_item_without_its_key_is_that_of_the_keys_zero_value() -> None:
    """So an apply of it reaches the rules, which say what is missing."""
    fields = fieldsets.fields_of({"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}, SHAPE)

    assert next(iter(fieldsets.paths(fields)))[-1] == 'k:{"name":""}'


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("f:spec", "f:replicas"), ".spec.replicas"),
        (("f:spec", WEB, "f:image"), '.spec[name="web"].image'),
        (('k:{"containerPort":80,"protocol":"TCP"}',), '[containerPort=80,protocol="TCP"]'),
        (("f:metadata", "f:finalizers", 'v:"x/y"'), '.metadata.finalizers[="x/y"]'),
    ],
)
def test_path_is_written_as_messages_write_it(path: tuple[str, ...], text: str) -> None:
    """Which clients parse."""
    assert fieldsets.text_of(path) == text


@few
@given(manifests())
def test_set_of_fields_survives_json(manifest: Json) -> None:
    """A tree is its own wire format, and names each field once."""
    fields = fieldsets.fields_of(manifest, SHAPE)

    found = list(fieldsets.paths(fields))
    assert json.loads(json.dumps(fields)) == fields
    assert len(found) == len(set(found))


@few
@given(manifests())
def test_object_without_all_of_its_fields_is_empty(manifest: Json) -> None:
    """So the set names everything that the object says."""
    left = without(manifest, fieldsets.with_fields_above(fieldsets.fields_of(manifest, SHAPE)), SHAPE)

    assert not any(left.values())


@few
@given(manifests(), manifests(), manifests())
def test_sets_of_fields_are_sets(one: Json, other: Json, third: Json) -> None:
    """Union, difference and intersection agree."""
    a, b, c = (fieldsets.fields_of(each, SHAPE) for each in (one, other, third))

    def members(tree: Json) -> set[tuple[str, ...]]:
        return set(fieldsets.paths(tree))

    assert members(fieldsets.union(a, b)) == members(a) | members(b)
    assert members(fieldsets.difference(a, b)) == members(a) - members(b)
    assert members(fieldsets.intersection(a, b)) == members(a) & members(b)
    assert fieldsets.union(fieldsets.union(a, b), c) == fieldsets.union(a, fieldsets.union(b, c))
    assert fieldsets.covers(a, b) == (members(b) <= members(a))


@few
@given(manifests(), manifests())
def test_two_managers_never_share_what_one_of_them_changed(one: Json, other: Json) -> None:
    """An update takes the field whole."""
    first = stamped({**one, "metadata": {**one["metadata"], "uid": "1"}}, None, "a")
    second = stamped({**other, "metadata": {**other["metadata"], "uid": "1"}}, first, "b", at="t2")

    found = entries(second)

    assert fieldsets.intersection(found.get("a", {}), found.get("b", {})) == {}


def calls_of_a_status(environment: int) -> int:
    """Count the calls that writing the status of a pod with so many variables takes."""
    kind = KINDS["Pod"]
    container = {"name": "web", "image": "web:1", "env": [{"name": f"V{n}", "value": "x"} for n in range(environment)]}
    pod: Json = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "uid": "1"}}
    pod |= {"spec": {"containers": [container]}, "status": {"phase": "Pending"}}
    managed.stamp(kind, pod, None, manager="controller", at="t0")
    value = {**copied(pod), "metadata": dict(pod["metadata"]), "status": {"phase": "Running"}}
    with Profile() as profile:
        managed.stamp(kind, value, pod, manager="kubelet", at="t1", subresource="status")
    return sum(entry.callcount for entry in profile.getstats())


def test_status_of_a_pod_costs_the_same_whatever_its_spec() -> None:
    """Thousands of them are written, of pods with long specs."""
    assert calls_of_a_status(environment=200) <= calls_of_a_status(environment=1) + 10

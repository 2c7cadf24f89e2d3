"""Server-side apply: what it sets, owns, takes away, and whose fields stop it."""

from __future__ import annotations

import pytest
from hypothesis import given

from reconciler.sandbox.cluster import fieldsets, managed
from reconciler.sandbox.cluster.apply import Applier, applied
from reconciler.sandbox.cluster.errors import ApiError
from reconciler.sandbox.cluster.kinds import Kinds, custom_kind
from reconciler.sandbox.cluster.values import copied
from tests.sandbox.cluster.api import APPLY, DEPLOYMENTS, Api, Json, deployment
from tests.sandbox.cluster.json_values import few, manifests

DEPLOYMENT = Kinds()["Deployment"]
PATH = f"{DEPLOYMENTS}/web"
IMAGE = '.spec.template.spec.containers[name="web"].image'


def manifest(**spec: object) -> Json:
    """Return what an applier says of the Deployment."""
    said = {"spec": spec} if spec else {}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, **said}


def with_containers(*containers: Json) -> Json:
    """Return a manifest about containers."""
    return manifest(template={"spec": {"containers": list(containers)}})


def by(manager: str, *, force: bool = False, time: str = "t2") -> Applier:
    """Return somebody who applies."""
    return Applier(kind=DEPLOYMENT, manager=manager, time=time, force=force)


def live(manager: str = "kubectl", **spec: object) -> Json:
    """Return a stored Deployment that a manager updated into being."""
    value = deployment()
    value["spec"] |= spec
    value["metadata"]["uid"] = "1"
    managed.stamp(DEPLOYMENT, value, None, manager=manager, at="t1")
    return value


def fields(value: Json, manager: str, operation: str = "Apply") -> Json:
    """Return what a manager owns."""
    entries = value["metadata"]["managedFields"]
    return next((e["fieldsV1"] for e in entries if (e["manager"], e["operation"]) == (manager, operation)), {})


def containers(value: Json) -> list[Json]:
    """Return the template's containers."""
    found: list[Json] = value["spec"]["template"]["spec"]["containers"]
    return found


def test_apply_creates_what_is_not_there() -> None:
    """All of it is the applier's."""
    made = applied(None, manifest(replicas=2), by("argocd"))

    assert made["spec"] == {"replicas": 2}
    assert made["metadata"]["managedFields"] == [
        {
            "manager": "argocd",
            "operation": "Apply",
            "apiVersion": "apps/v1",
            "time": "t2",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:replicas": {}}},
        }
    ]


def test_apply_sets_and_owns_its_fields_and_leaves_the_rest() -> None:
    """What nobody else owns needs no force."""
    made = applied(live(), manifest(minReadySeconds=5), by("argocd"))

    assert made["spec"] == {**live()["spec"], "minReadySeconds": 5}
    assert fields(made, "argocd") == {"f:spec": {"f:minReadySeconds": {}}}


def test_equal_value_is_owned_together() -> None:
    """No conflict, and both keep it."""
    before = live(replicas=3)

    made = applied(before, manifest(replicas=3), by("argocd"))

    assert made["spec"] == before["spec"]
    assert "f:replicas" in fields(made, "argocd")["f:spec"]
    assert "f:replicas" in fields(made, "kubectl", "Update")["f:spec"]


def test_anothers_field_is_a_conflict_that_names_it() -> None:
    """In the real words: manager, version and path, in the message and in the causes."""
    with pytest.raises(ApiError) as refused:
        applied(live(), with_containers({"name": "web", "image": "web:2"}), by("reconciler"))

    assert (refused.value.status, refused.value.reason) == (409, "Conflict")
    assert refused.value.message == f'Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: {IMAGE}'
    assert refused.value.details == {
        "causes": [
            {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl" using apps/v1', "field": IMAGE}
        ]
    }


def test_conflicts_with_several_are_listed_by_manager() -> None:
    """One cause for each field; an applier has no version in its name, a status' manager its path."""
    before = applied(live(replicas=3), manifest(paused=True), by("argocd"))
    status = {**copied(before), "status": {"replicas": 1}}
    managed.stamp(DEPLOYMENT, status, before, manager="controller", at="t3", subresource="status")
    wanted = with_containers({"name": "web", "image": "web:2"})
    wanted["spec"] |= {"replicas": 4, "paused": False}

    with pytest.raises(ApiError) as refused:
        applied(status, wanted, by("reconciler"))
    of_the_status = Applier(kind=DEPLOYMENT, manager="reconciler", time="t4", subresource="status")
    with pytest.raises(ApiError) as of_status:
        applied(status, {**manifest(), "status": {"replicas": 2}}, of_the_status)

    assert refused.value.message == (
        'Apply failed with 3 conflicts: conflicts with "argocd":\n- .spec.paused\n'
        f'conflicts with "kubectl" using apps/v1:\n- .spec.replicas\n- {IMAGE}'
    )
    assert len(refused.value.details["causes"]) == 3
    assert of_status.value.message == (
        'Apply failed with 1 conflict: conflict with "controller" with subresource "status" using apps/v1: '
        ".status.replicas"
    )


def test_force_takes_over() -> None:
    """The former manager loses just that field."""
    made = applied(live(), with_containers({"name": "web", "image": "web:2"}), by("reconciler", force=True))

    assert containers(made)[0]["image"] == "web:2"
    theirs = set(map(fieldsets.text_of, fieldsets.paths(fields(made, "kubectl", "Update"))))
    assert IMAGE not in theirs
    assert IMAGE.replace("image", "name") in theirs


def test_field_that_the_next_apply_leaves_out_goes() -> None:
    """Unless somebody else owns it, too."""
    first = applied(live(), manifest(minReadySeconds=5, paused=True), by("argocd"))
    shared = applied(first, manifest(paused=True), by("other"))

    made = applied(shared, manifest(), by("argocd"))

    assert "minReadySeconds" not in made["spec"]
    assert made["spec"]["paused"] is True
    assert fields(made, "argocd") == {}


def test_item_that_the_next_apply_leaves_out_goes() -> None:
    """By its key, with all that is in it; the others stay."""
    side = {"name": "side", "image": "side:1", "env": [{"name": "A", "value": "1"}]}
    first = applied(live(), with_containers(side), by("argocd"))

    made = applied(first, manifest(), by("argocd"))

    assert [c["name"] for c in containers(first)] == ["web", "side"]
    assert [c["name"] for c in containers(made)] == ["web"]


def test_items_are_merged_by_their_keys() -> None:
    """Ports by number and protocol, which is TCP where it is not said."""
    before = live()
    containers(before)[0]["ports"] = [{"containerPort": 80, "protocol": "TCP", "name": "http"}]
    wanted = with_containers({"name": "web", "ports": [{"containerPort": 80, "hostPort": 8080}]})

    made = applied(before, wanted, by("argocd"))

    assert containers(made)[0]["ports"] == [{"containerPort": 80, "protocol": "TCP", "name": "http", "hostPort": 8080}]


def test_atomic_value_is_taken_whole() -> None:
    """A node selector is one field, a list without keys, too."""
    first = applied(
        None, manifest(template={"spec": {"nodeSelector": {"a": "x"}, "tolerations": [{"key": "a"}]}}), by("a")
    )
    wanted = manifest(template={"spec": {"nodeSelector": {"b": "y"}, "tolerations": [{"key": "b"}]}})

    made = applied(first, wanted, by("b", force=True))

    assert made["spec"]["template"]["spec"] == {"nodeSelector": {"b": "y"}, "tolerations": [{"key": "b"}]}
    assert fields(made, "a") == {}


def test_null_empties_a_field() -> None:
    """And is owned like any other value."""
    first = applied(None, manifest(paused=True), by("argocd"))

    made = applied(first, manifest(paused=None), by("argocd"))

    assert made["spec"] == {}
    assert fields(made, "argocd") == {"f:spec": {"f:paused": {}}}


def test_object_that_nobody_tracked_belongs_to_the_time_before() -> None:
    """So the first apply to it can conflict."""
    before = live(replicas=3)
    del before["metadata"]["managedFields"]

    with pytest.raises(ApiError, match=r'conflict with "before-first-apply" using apps/v1: \.spec\.replicas'):
        applied(before, manifest(replicas=4), by("argocd"))


@pytest.mark.parametrize(
    ("wanted", "status", "says"),
    [
        (manifest() | {"metadata": {"name": "web", "managedFields": []}}, 400, "metadata.managedFields must be nil"),
        (manifest() | {"apiVersion": "apps/v2"}, 400, "Incorrect version specified in apply patch"),
        (with_containers({"name": "a"}, {"name": "a"}), 500, r'duplicate entries for key \[name="a"\]'),
    ],
)
def test_manifest_that_cannot_be_applied_is_refused(wanted: Json, status: int, says: str) -> None:
    """With the status of the real server, which blames itself for some."""
    with pytest.raises(ApiError, match=says) as refused:
        applied(live(), wanted, by("argocd"))

    assert refused.value.status == status


def test_item_of_a_custom_resource_must_have_its_key() -> None:
    """Its schema gives it no default, so it cannot be told from others."""
    keyed = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {}}
    schema = {"properties": {"spec": {"properties": {"items": keyed}}}}
    version = {"name": "v1", "storage": True, "schema": {"openAPIV3Schema": schema}}
    kind = custom_kind(
        {"spec": {"group": "example.com", "names": {"plural": "things", "kind": "Thing"}, "versions": [version]}}
    )
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}, "spec": {"items": [{"a": 1}]}}

    with pytest.raises(ApiError, match='omits key field "name"') as refused:
        applied(None, thing, Applier(kind=kind, manager="argocd", time="t1"))

    assert refused.value.status == 500


@few
@given(manifests(), manifests())
def test_second_apply_of_the_same_is_no_change(before: Json, wanted: Json) -> None:
    """Not even of a time: the very object comes back."""
    first = applied(None, before, by("a"))
    once = applied(first, wanted, by("b", force=True, time="t3"))

    assert applied(once, wanted, by("b", force=True, time="t4")) is once


@few
@given(manifests(), manifests())
def test_what_is_applied_is_there_and_owned(before: Json, wanted: Json) -> None:
    """Whatever was there, and whoever owned it."""
    made = applied(applied(None, before, by("a")), wanted, by("b", force=True))

    marks = by("b").marks
    said, there = fieldsets.fields_of(wanted, marks), fieldsets.fields_of(made, marks)
    assert fieldsets.covers(there, said)
    assert fieldsets.covers(fields(made, "b"), fieldsets.difference(said, managed.NOBODYS))


@few
@given(manifests(), manifests())
def test_applier_that_leaves_everything_out_leaves_no_trace(before: Json, wanted: Json) -> None:
    """What others own stays as they set it."""
    first = applied(None, before, by("a"))
    try:
        both = applied(first, wanted, by("b"))
    except ApiError:
        return

    gone = applied(both, manifest(), by("b"))

    assert fieldsets.fields_of(_said(gone), by("a").marks) == fieldsets.fields_of(_said(first), by("a").marks)


def _said(value: Json) -> Json:
    return {"metadata": {k: v for k, v in value["metadata"].items() if k != "managedFields"}, "spec": value["spec"]}


# Over the API


def test_apply_over_the_api_creates_then_changes_then_rests(api: Api) -> None:
    """201, 200, and nothing at all: no new version for the same manifest."""
    body = deployment(replicas=2)

    made = api.patch(PATH, body, APPLY, fieldManager="argocd")
    api.clock.advance_to(api.clock.now().replace(hour=12))
    again = api.patch(PATH, body, APPLY, fieldManager="argocd")
    changed = api.patch(PATH, deployment(replicas=3), APPLY, fieldManager="argocd")

    assert (made.status, again.status, changed.status) == (201, 200, 200)
    assert again.body == made.body
    assert changed.body["spec"]["replicas"] == 3
    assert changed.body["metadata"]["generation"] == made.body["metadata"]["generation"] + 1
    assert [entry["operation"] for entry in changed.body["metadata"]["managedFields"]] == ["Apply"]


def test_null_for_a_field_with_a_default_rests_too(api: Api) -> None:
    """The default comes back each time, so only the time of the apply would differ: that is no change."""
    api.patch(PATH, deployment(replicas=None), APPLY, fieldManager="argocd")
    first = api.patch(PATH, deployment(replicas=None), APPLY, fieldManager="argocd")
    api.clock.advance_to(api.clock.now().replace(hour=12))

    again = api.patch(PATH, deployment(replicas=None), APPLY, fieldManager="argocd")

    assert first.body["spec"]["replicas"] == 1
    assert again.body == first.body


def test_dry_run_tells_the_conflict_and_changes_nothing(api: Api) -> None:
    """As the product asks before it writes."""
    api.post(DEPLOYMENTS, deployment(replicas=1), fieldManager="kubectl")
    before = api.get(PATH).body
    body = {**manifest(replicas=2)}

    refused = api.patch(PATH, body, APPLY, fieldManager="reconciler", dryRun="All")
    forced = api.patch(PATH, body, APPLY, fieldManager="reconciler", dryRun="All", force="true")

    assert (refused.status, refused.body["reason"]) == (409, "Conflict")
    assert refused.body["details"]["causes"][0]["reason"] == "FieldManagerConflict"
    assert forced.body["spec"]["replicas"] == 2
    assert api.get(PATH).body == before

"""Who owns a field: Applications, tracking ids, Flux, ignored fields and autoscalers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.govern.ownership import claim_on
from reconciler.model.action import Action, ActionName
from reconciler.model.cluster import Container, Workload
from reconciler.model.delivery import owning_applications, tracked_by
from reconciler.model.facts import Unknown
from reconciler.model.objects import FieldPath, Item, ObjectRef
from reconciler.model.verdict import Ownership
from tests.govern.cases import REPLICAS, action
from tests.worlds import LIMIT, WEBAPP, application, snapshot, workload

if TYPE_CHECKING:
    from reconciler.model.snapshot import Snapshot

OTHER = ObjectRef(cluster="default", group="argoproj.io", kind="Application", namespace="team", name="other")
TIMEOUT = Unknown("argocd", "timeout")
SET_MEMORY = action(ActionName.SET_MEMORY)

KUSTOMIZATION = ObjectRef(
    cluster="default", group="kustomize.toolkit.fluxcd.io", kind="Kustomization", namespace="flux-system", name="webapp"
)
FLUX_LABELS = frozenset({("Kustomization", "flux-system", "webapp")})


def labelled(**changes: Any) -> Workload:  # noqa: ANN401 - any field of a workload
    """Return webapp as Flux labels it."""
    return workload(**{"tracking_id": None, "flux_owners": FLUX_LABELS} | changes)


def world(made: Workload, *ignored: str) -> Snapshot:
    """Return a cluster with this workload, whose Application ignores differences in some fields."""
    return snapshot(workloads={WEBAPP: made}, applications=(application(ignored_fields=frozenset(ignored)),))


def ownership_of(changing: Action, seen: Snapshot) -> Ownership:
    """Return who owns what an action changes, whatever the reason."""
    return claim_on(changing, seen).ownership


def test_a_listed_object_is_gits() -> None:
    """The Application's own list of its objects decides, with or without a tracking id."""
    assert ownership_of(SET_MEMORY, snapshot()) is Ownership.OWNED
    assert ownership_of(SET_MEMORY, world(workload(tracking_id=None))) is Ownership.OWNED


def test_an_unlisted_object_is_nobodys() -> None:
    """All Applications answered and none lists it."""
    elsewhere = application(objects=frozenset({("apps", "Deployment", "production", "webapp-2")}))
    bare = {WEBAPP: workload(tracking_id=None)}

    assert ownership_of(SET_MEMORY, snapshot(applications=(elsewhere,), workloads=bare)) is Ownership.NOT_OWNED


@pytest.mark.parametrize("source", ["applications", "workloads"])
def test_a_silent_source_makes_ownership_unknown(source: str) -> None:
    """Invariant 3: not having been told is not "nobody"."""
    silent = snapshot(**{source: TIMEOUT})

    assert ownership_of(SET_MEMORY, silent) is Ownership.UNKNOWN
    assert ownership_of(action(), silent) is Ownership.UNKNOWN


def test_an_object_that_was_not_seen_has_an_unknown_owner() -> None:
    """A target outside the snapshot says nothing about its owner."""
    assert ownership_of(SET_MEMORY, snapshot(workloads={})) is Ownership.UNKNOWN


def test_two_applications_conflict() -> None:
    """Two Applications that list one object both claim it."""
    claim = claim_on(SET_MEMORY, snapshot(applications=(application(), application(ref=OTHER))))

    assert claim.ownership is Ownership.CONFLICT
    assert claim.reason == "claimed by Application argocd/webapp and Application team/other"


def test_the_tracking_id_tells_clusters_apart() -> None:
    """An Application that delivers an object of the same name elsewhere does not own this one."""
    elsewhere = application(ref=OTHER, destination_server="https://staging.example:6443")

    assert ownership_of(SET_MEMORY, snapshot(applications=(application(), elsewhere))) is Ownership.OWNED


def test_argo_and_flux_conflict() -> None:
    """An object that both deliveries claim is written by neither hand of ours."""
    assert ownership_of(SET_MEMORY, world(workload(flux_owners=FLUX_LABELS))) is Ownership.CONFLICT


def test_argo_and_flux_conflict_by_their_lists_too() -> None:
    """Labels and tracking ids can be gone; what both list is claimed by both."""
    both = (application(), application(ref=KUSTOMIZATION))
    claim = claim_on(SET_MEMORY, snapshot(applications=both, workloads={WEBAPP: workload(tracking_id=None)}))

    assert claim.ownership is Ownership.CONFLICT


def test_what_flux_lists_and_argo_cd_tracks_is_in_conflict() -> None:
    """Even under one name: a tracking id is Argo CD's word."""
    fought = snapshot(applications=(application(ref=KUSTOMIZATION),), workloads={WEBAPP: workload()})

    assert ownership_of(SET_MEMORY, fought) is Ownership.CONFLICT


def test_what_flux_only_labels_has_an_unknown_owner() -> None:
    """A Flux that is not read, or a copied label: invariant 3, and never by label alone."""
    flux = snapshot(applications=(), workloads={WEBAPP: labelled()})

    claim = claim_on(SET_MEMORY, flux)

    assert claim.ownership is Ownership.UNKNOWN
    assert "Kustomization/flux-system/webapp" in claim.reason


@pytest.mark.parametrize("labels", [FLUX_LABELS, frozenset()])
def test_what_flux_lists_is_gits(labels: frozenset[tuple[str, str, str]]) -> None:
    """The inventory decides, with the label or without it."""
    owned = snapshot(applications=(application(ref=KUSTOMIZATION),), workloads={WEBAPP: labelled(flux_owners=labels)})

    assert ownership_of(SET_MEMORY, owned) is Ownership.OWNED


def test_what_one_kustomization_lists_and_another_labels_is_in_conflict() -> None:
    """Both may be about to apply it."""
    other = frozenset({("HelmRelease", "flux-system", "webapp")})
    fought = snapshot(applications=(application(ref=KUSTOMIZATION),), workloads={WEBAPP: labelled(flux_owners=other)})

    assert ownership_of(SET_MEMORY, fought) is Ownership.CONFLICT


def test_a_word_to_flux_means_nothing_for_argo_cds_objects() -> None:
    """The annotation is Flux's, and Flux has nothing to do with it."""
    assert ownership_of(SET_MEMORY, world(workload(flux_leaves=True))) is Ownership.OWNED


def test_what_flux_is_told_to_leave_alone_has_an_unknown_owner() -> None:
    """An edit in Git would do nothing, and one in the cluster might not last."""
    left = snapshot(applications=(application(ref=KUSTOMIZATION),), workloads={WEBAPP: labelled(flux_leaves=True)})

    assert ownership_of(SET_MEMORY, left) is Ownership.UNKNOWN


def test_a_tracked_object_that_nobody_lists_has_an_unknown_owner() -> None:
    """Another Argo CD, or a list that lags behind: the tracking id is a claim all the same."""
    claim = claim_on(SET_MEMORY, snapshot(applications=()))

    assert claim.ownership is Ownership.UNKNOWN
    assert "webapp, which does not list it" in claim.reason


def test_an_object_listed_by_one_and_tracked_by_another_is_in_conflict() -> None:
    """The list and the tracking id must agree."""
    stolen = workload(tracking_id="other:apps/Deployment:production/webapp")

    assert ownership_of(SET_MEMORY, world(stolen)) is Ownership.CONFLICT


def test_a_copied_tracking_id_means_nothing() -> None:
    """An id that speaks of another object was copied from there."""
    copied = workload(tracking_id="other:apps/Deployment:production/another")

    assert ownership_of(SET_MEMORY, snapshot(applications=(), workloads={WEBAPP: copied})) is Ownership.NOT_OWNED


ROLE = ObjectRef(
    cluster="default", group="rbac.authorization.k8s.io", kind="ClusterRole", namespace="", name="system:aggregate"
)
SERVICE = ObjectRef(cluster="default", group="", kind="Service", namespace="shop", name="cart")


@pytest.mark.parametrize(
    ("target", "tracking_id", "named"),
    [
        (WEBAPP, "webapp:apps/Deployment:production/webapp", "webapp"),
        (WEBAPP, "team_webapp:apps/Deployment:production/webapp", "team_webapp"),
        (SERVICE, "cart:/Service:shop/cart", "cart"),
        (ROLE, "roles:rbac.authorization.k8s.io/ClusterRole:production/system:aggregate", "roles"),
        (WEBAPP, "webapp:apps/Deployment:staging/webapp", None),
        (WEBAPP, "webapp:apps/StatefulSet:production/webapp", None),
        (WEBAPP, ":apps/Deployment:production/webapp", None),
        (WEBAPP, "webapp", None),
        (WEBAPP, "", None),
        (WEBAPP, None, None),
    ],
)
def test_only_a_self_referencing_tracking_id_counts(
    target: ObjectRef, tracking_id: str | None, named: str | None
) -> None:
    """Group, kind, namespace and name must be the object's own; names of cluster roles hold colons."""
    assert tracked_by(target, tracking_id) == named


def test_an_application_in_another_namespace_is_found_by_its_prefixed_name() -> None:
    """Argo writes `<namespace>_<name>` for Applications outside its own namespace."""
    mine = application(ref=OTHER)
    foreign = application(destination_server="https://staging.example:6443")

    owners = owning_applications(WEBAPP, "team_other:apps/Deployment:production/webapp", (foreign, mine))

    assert owners == (mine,)


REQUEST: FieldPath = (*LIMIT[:-2], "requests", "memory")
CONTAINERS = "/spec/template/spec/containers"


@pytest.mark.parametrize(
    ("ignored", "owner"),
    [
        (f"{CONTAINERS}/0/resources/limits/memory", Ownership.NOT_OWNED),
        (f"{CONTAINERS}/0/resources", Ownership.NOT_OWNED),
        (CONTAINERS, Ownership.NOT_OWNED),
        (f"{CONTAINERS}/1/resources", Ownership.OWNED),
        (f"{CONTAINERS}/0/resources/requests", Ownership.OWNED),
        (f"{CONTAINERS}/0/resources/limits/memory/deeper", Ownership.OWNED),
        (f"{CONTAINERS}/0/res", Ownership.OWNED),
        ("/spec/replicas", Ownership.OWNED),
        ("jq:.spec.template.spec.containers[].resources", Ownership.UNKNOWN),
    ],
)
def test_an_ignored_field_is_not_gits(ignored: str, owner: Ownership) -> None:
    """Invariant 4, field by field: an edit of a field that the Application ignores would do nothing."""
    assert ownership_of(SET_MEMORY, world(workload(), ignored)) is owner


def test_an_ignored_item_of_an_unknown_place_leaves_the_owner_unknown() -> None:
    """A JSON pointer counts where our paths name; without the list nobody can tell."""
    path: FieldPath = ("spec", "template", "spec", "volumes", Item("name", "data"), "size")
    volume = action(ActionName.SET_MEMORY, path)

    assert ownership_of(volume, world(workload(), "/spec/template/spec/volumes/0")) is Ownership.UNKNOWN


def test_the_second_container_is_found_by_its_place() -> None:
    """Containers are counted in the workload's own order."""
    two = workload(containers=(Container(name="proxy", image="p:1"), Container(name="web", image="w:1")))

    assert ownership_of(SET_MEMORY, world(two, f"{CONTAINERS}/1/resources")) is Ownership.NOT_OWNED
    assert ownership_of(SET_MEMORY, world(two, f"{CONTAINERS}/0/resources")) is Ownership.OWNED


def test_escaped_pointers_are_read() -> None:
    """`~1` is a slash and `~0` a tilde in a JSON pointer."""
    annotation = action(ActionName.SET_MEMORY, ("metadata", "annotations", "example.com/a~b"))

    ignored = world(workload(), "/metadata/annotations/example.com~1a~0b")

    assert ownership_of(annotation, ignored) is Ownership.NOT_OWNED


def test_fields_of_different_owners_are_in_conflict() -> None:
    """One change of both would be half a fight, so it is none."""
    both = action(ActionName.SET_MEMORY, LIMIT, REQUEST)

    assert ownership_of(both, world(workload(), f"{CONTAINERS}/0/resources/limits")) is Ownership.CONFLICT


SCALE: Action = action(ActionName.SET_MEMORY, REPLICAS)


@pytest.mark.parametrize(
    ("autoscaled", "owner"),
    [
        (frozenset({WEBAPP}), Ownership.AUTOSCALER),
        (frozenset(), Ownership.OWNED),
        (TIMEOUT, Ownership.UNKNOWN),
    ],
)
def test_replicas_under_an_autoscaler_are_the_autoscalers(
    autoscaled: frozenset[ObjectRef] | Unknown, owner: Ownership
) -> None:
    """Invariant 4: replicas under an autoscaler are not Git's, and unknown autoscalers are not none."""
    assert ownership_of(SCALE, snapshot(autoscaled=autoscaled)) is owner


def test_other_fields_do_not_ask_for_autoscalers() -> None:
    """Memory has nothing to do with who sets the replicas."""
    assert ownership_of(SET_MEMORY, snapshot(autoscaled=TIMEOUT)) is Ownership.OWNED


def test_an_imperative_action_reports_the_owner_of_its_target() -> None:
    """A restart changes no field of Git's; people still want to know whose object it is."""
    claim = claim_on(action(), world(workload(), "/spec"))

    assert (claim.ownership, claim.application) == (Ownership.OWNED, application().ref)

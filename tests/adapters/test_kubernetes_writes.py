"""The Cluster port's writes on a scripted wire: what is sent, and what each answer means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.kubernetes_objects import RESTARTED_AT
from reconciler.errors import Conflict, Refusal, SourceError, Unauthorized
from reconciler.model.action import FieldChange
from reconciler.model.objects import parse_path
from reconciler.ports import ApplyReport
from tests.adapters import kubernetes_json as kubernetes
from tests.adapters.kubernetes_json import api_on, ref
from tests.adapters.wire import Answer, Json, Request, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CART = "/apis/apps/v1/namespaces/shop/deployments/cart"
UID = "uid-of-cart"
AT = datetime(2026, 3, 1, 12, 30, 0, 999_999, tzinfo=UTC)
MEMORY = FieldChange(
    path=parse_path("spec.template.spec.containers[name=app].resources.limits.memory"), before="512Mi", after="1Gi"
)
REPLICAS = FieldChange(path=parse_path("spec.replicas"), before="2", after="3")


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A cluster with the Deployment `cart`, which takes every patch."""
    with Wire({f"GET {CART}": Answer(kubernetes.deployment()), f"PATCH {CART}": Answer({"kind": "Deployment"})}) as one:
        yield one


def test_restart_patches_the_annotation_of_this_very_object(wire: Wire, tmp_path: Path) -> None:
    """A strategic merge patch with the recorded time, the uid and our field manager."""
    api_on(wire, tmp_path).restart(ref(), uid=UID, at=AT.astimezone(timezone(timedelta(hours=2))))

    (patch,) = wire.asked("PATCH")
    assert patch.body == {
        "metadata": {"uid": UID},
        "spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: "2026-03-01T12:30:00Z"}}}},
    }
    assert patch.headers["Content-Type"] == "application/strategic-merge-patch+json"
    assert patch.query == {"fieldManager": "reconciler"}


def test_restart_at_the_same_time_writes_nothing(wire: Wire, tmp_path: Path) -> None:
    """Invariant 1: after a crash the effect is adopted, not repeated."""
    api_on(wire, tmp_path).restart(ref(), uid=UID, at=datetime.fromisoformat(kubernetes.BORN))

    assert wire.asked("PATCH") == []


@pytest.mark.parametrize(
    ("spec", "code"),
    [({"paused": True}, "restart.paused"), ({"updateStrategy": {"type": "OnDelete"}}, "restart.on_delete")],
)
def test_restart_that_would_restart_nothing_is_refused(wire: Wire, tmp_path: Path, spec: Json, code: str) -> None:
    """A paused rollout and OnDelete keep the old pods; the refusal says what a person can do."""
    raw = kubernetes.deployment()
    wire.script[f"GET {CART}"] = Answer({**raw, "spec": {**raw["spec"], **spec}})

    with pytest.raises(Refusal) as refused:
        api_on(wire, tmp_path).restart(ref(), uid=UID, at=AT)

    assert refused.value.code == code
    assert refused.value.remedy
    assert wire.asked("PATCH") == []


def test_restart_is_refused_where_git_holds_the_annotation(wire: Wire, tmp_path: Path) -> None:
    """Invariant 4: Argo CD would set it back."""
    annotation: Json = {"f:annotations": {f"f:{RESTARTED_AT}": {}}}
    tree = {"f:spec": {"f:template": {"f:metadata": annotation}}}
    raw = kubernetes.deployment(managedFields=[{"manager": "argocd-controller", "fieldsV1": tree}])
    wire.script[f"GET {CART}"] = Answer(raw)

    with pytest.raises(Refusal, match="Git holds the restartedAt annotation"):
        api_on(wire, tmp_path).restart(ref(), uid=UID, at=AT)


@pytest.mark.parametrize(
    ("path", "answer", "code"),
    [
        (f"GET {CART}", Answer(kubernetes.deployment(uid="uid-of-another")), "target.replaced"),
        (f"GET {CART}", kubernetes.status(404, "NotFound", "not found"), "target.gone"),
        (f"PATCH {CART}", kubernetes.status(404, "NotFound", "not found"), "target.gone"),
        (f"PATCH {CART}", kubernetes.status(409, "Conflict", "the object has been modified"), "kubernetes.conflict"),
        (
            f"PATCH {CART}",
            kubernetes.status(422, "Invalid", "field is immutable", causes=[{"field": "metadata.uid"}]),
            "kubernetes.conflict",
        ),
    ],
    ids=["other uid", "gone", "gone meanwhile", "changed meanwhile", "replaced meanwhile"],
)
def test_object_that_is_another_by_now_is_a_conflict(
    wire: Wire, tmp_path: Path, path: str, answer: Answer, code: str
) -> None:
    """The world moved: the next pass reads and decides again."""
    wire.script[path] = answer

    with pytest.raises(Conflict) as raised:
        api_on(wire, tmp_path).restart(ref(), uid=UID, at=AT)

    assert raised.value.code == code


def test_lost_answer_is_asked_for_again(wire: Wire, tmp_path: Path) -> None:
    """The patch is the same whether it arrives once or twice."""
    wire.script[f"PATCH {CART}"] = [kubernetes.status(503, "Unavailable", "wait"), Answer({"kind": "Deployment"})]

    api_on(wire, tmp_path).restart(ref(), uid=UID, at=AT)

    first, second = wire.asked("PATCH")
    assert first.body == second.body


def test_missing_permission_is_told_from_a_rule_that_says_no(wire: Wire, tmp_path: Path) -> None:
    """RBAC is mended by a grant, an admission webhook by changing what it rejects."""
    api = api_on(wire, tmp_path)
    wire.script[f"PATCH {CART}"] = kubernetes.status(403, "Forbidden", 'User "bot" cannot patch resource "deployments"')

    with pytest.raises(Unauthorized, match="cannot patch") as raised:
        api.restart(ref(), uid=UID, at=AT)

    assert "reconciler doctor" in raised.value.remedy
    wire.script[f"PATCH {CART}"] = kubernetes.status(403, "Forbidden", 'admission webhook "x" denied the request: no')
    with pytest.raises(Refusal, match="denied the request"):
        api.restart(ref(), uid=UID, at=AT)


def test_error_text_is_cut_and_holds_no_token(wire: Wire, tmp_path: Path) -> None:
    """Invariant 11: an error body can be a whole object."""
    wire.script[f"GET {CART}"] = Answer({"message": "token=abcdefghijk " + "x" * 5000}, 400)

    with pytest.raises(SourceError) as raised:
        api_on(wire, tmp_path).restart(ref(), uid=UID, at=AT)

    assert "abcdefghijk" not in raised.value.message
    assert len(raised.value.message) < 400


def test_apply_sends_the_smallest_object_after_a_dry_run(wire: Wire, tmp_path: Path) -> None:
    """Only the changed field, in its own type, with the object's uid as precondition."""
    report = api_on(wire, tmp_path).apply(ref(), uid=UID, changes=(MEMORY, REPLICAS), dry_run=False)

    dry, real = wire.asked("PATCH")
    assert dry.query == {"fieldManager": "reconciler", "dryRun": "All"}
    assert real.query == {"fieldManager": "reconciler"}
    assert real.headers["Content-Type"] == "application/apply-patch+yaml"
    assert (
        dry.body
        == real.body
        == {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "cart", "namespace": "shop", "uid": UID},
            "spec": {
                "replicas": 3,
                "template": {
                    "spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "1Gi"}}}]},
                },
            },
        }
    )
    assert report == ApplyReport(changed=True)


def test_unset_field_is_set(wire: Wire, tmp_path: Path) -> None:
    """What the object does not have yet is applied like any other field."""
    storage = FieldChange(path=(*MEMORY.path[:-1], "ephemeral-storage"), before=None, after="1Gi")

    api_on(wire, tmp_path).apply(ref(), uid=UID, changes=(storage,), dry_run=True)

    (dry,) = wire.asked("PATCH")
    (container,) = dry.body["spec"]["template"]["spec"]["containers"]
    assert container == {"name": "app", "resources": {"limits": {"ephemeral-storage": "1Gi"}}}


def test_field_that_was_unset_and_is_no_longer_is_a_conflict(wire: Wire, tmp_path: Path) -> None:
    """Somebody set it meanwhile: invariant 7, people win."""
    with pytest.raises(Conflict, match="is 512Mi, no longer unset"):
        api_on(wire, tmp_path).apply(ref(), uid=UID, changes=(replace(MEMORY, before=None),), dry_run=True)


def test_field_that_we_applied_is_unset_by_leaving_it_out(wire: Wire, tmp_path: Path) -> None:
    """Server-side apply removes what our last apply set and this one does not repeat."""
    limits: Json = {"f:resources": {"f:limits": {"f:memory": {}}}, "f:image": {}}
    tree: Json = {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': limits}}}}}
    ours: Json = {"manager": "reconciler", "operation": "Apply", "fieldsV1": tree}
    wire.script[f"GET {CART}"] = Answer(kubernetes.deployment(managedFields=[ours]))

    api_on(wire, tmp_path).apply(ref(), uid=UID, changes=(replace(MEMORY, after=None),), dry_run=True)

    (dry,) = wire.asked("PATCH")
    assert dry.body["spec"] == {"template": {"spec": {"containers": [{"name": "app", "image": "cart:1.4"}]}}}


def test_field_of_somebody_else_is_not_unset(wire: Wire, tmp_path: Path) -> None:
    """Leaving out what we never applied would change nothing and look like a success."""
    with pytest.raises(Refusal, match=r"apply\.not_ours"):
        api_on(wire, tmp_path).apply(ref(), uid=UID, changes=(replace(MEMORY, after=None),), dry_run=True)

    assert wire.asked("PATCH") == []


def test_dry_run_writes_nothing(wire: Wire, tmp_path: Path) -> None:
    """Every patch that it sends says so to the server."""
    api_on(wire, tmp_path).apply(ref(), uid=UID, changes=(MEMORY,), dry_run=True)

    assert [patch.query.get("dryRun") for patch in wire.asked("PATCH")] == ["All"]


def test_field_that_holds_the_new_value_already_is_left_alone(wire: Wire, tmp_path: Path) -> None:
    """Invariant 1: applying again after a crash changes nothing; 1024Mi is 1Gi."""
    wire.script[f"GET {CART}"] = Answer(kubernetes.deployment(memory="1024Mi"))

    report = api_on(wire, tmp_path).apply(ref(), uid=UID, changes=(MEMORY,), dry_run=False)

    assert report == ApplyReport(changed=False)
    assert wire.asked("PATCH") == []


def test_field_that_moved_is_a_conflict(wire: Wire, tmp_path: Path) -> None:
    """Somebody chose another value meanwhile: invariant 7, people win."""
    wire.script[f"GET {CART}"] = Answer(kubernetes.deployment(memory="768Mi"))

    with pytest.raises(Conflict, match="is 768Mi, no longer 512Mi"):
        api_on(wire, tmp_path).apply(ref(), uid=UID, changes=(MEMORY,), dry_run=False)


def test_status_written_meanwhile_is_no_reason_to_give_up(wire: Wire, tmp_path: Path) -> None:
    """Force goes to the very version that was compared; a newer one is compared again, a bounded number of times."""
    api = api_on(wire, tmp_path)
    versions = iter(range(40, 90))
    patches: list[tuple[str | None, str | None]] = []
    accepted = "43"

    def read(_: Request) -> Answer:
        return Answer(kubernetes.deployment(resourceVersion=str(next(versions))))

    def write(request: Request) -> Answer:
        if "dryRun" in request.query:
            return _conflicting("kubectl")(request)
        version = request.body["metadata"].get("resourceVersion")
        patches.append((request.query.get("force"), version))
        return Answer({}) if version == accepted else kubernetes.status(409, "Conflict", "has been modified")

    wire.script |= {f"GET {CART}": read, f"PATCH {CART}": write}

    assert api.apply(ref(), uid=UID, changes=(MEMORY,), dry_run=False).changed
    assert patches == [("true", "41"), ("true", "42"), ("true", "43")]
    with pytest.raises(Conflict, match="modified"):
        api.apply(ref(), uid=UID, changes=(MEMORY,), dry_run=False)
    assert len(patches) == 6


def test_equal_quantity_in_other_words_has_not_moved(wire: Wire, tmp_path: Path) -> None:
    """Quantities compare by value."""
    wire.script[f"GET {CART}"] = Answer(kubernetes.deployment(memory="536870912"))

    assert api_on(wire, tmp_path).apply(ref(), uid=UID, changes=(MEMORY,), dry_run=True).changed


def test_what_we_applied_before_is_applied_again(wire: Wire, tmp_path: Path) -> None:
    """Server-side apply drops what a manager leaves out of its next apply: an earlier change must not vanish."""
    earlier: Json = {"f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': {"f:image": {}}}}}}
    raw = kubernetes.deployment(
        managedFields=[
            {"manager": "reconciler", "operation": "Apply", "fieldsV1": {"f:spec": earlier}},
            {"manager": "reconciler", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        ]
    )
    wire.script[f"GET {CART}"] = Answer(raw)

    api_on(wire, tmp_path).apply(ref(), uid=UID, changes=(MEMORY,), dry_run=True)

    (dry,) = wire.asked("PATCH")
    assert dry.body["spec"] == {
        "template": {
            "spec": {
                "containers": [{"name": "app", "image": "cart:1.4", "resources": {"limits": {"memory": "1Gi"}}}],
            }
        }
    }


@pytest.mark.parametrize("manager", ["kubectl-client-side-apply", "kubectl-edit", "helm", "reconciler"])
def test_field_of_a_human_tool_is_taken_over_by_force(wire: Wire, tmp_path: Path, manager: str) -> None:
    """Nobody runs there who would set it back; the report names whom we took it from."""
    wire.script[f"PATCH {CART}"] = _conflicting(manager)

    report = api_on(wire, tmp_path).apply(ref(), uid=UID, changes=(MEMORY,), dry_run=False)

    assert report == ApplyReport(changed=True, conflicts=(manager,))
    assert [(p.query.get("dryRun"), p.query.get("force")) for p in wire.asked("PATCH")] == [
        ("All", None),
        ("All", "true"),
        (None, "true"),
    ]


@pytest.mark.parametrize("managers", [["argocd-controller"], ["kubectl-edit", "vpa-updater"]])
def test_field_of_a_controller_is_refused(wire: Wire, tmp_path: Path, managers: list[str]) -> None:
    """Invariant 4: it is not ours to take, and its controller would set it back."""
    wire.script[f"PATCH {CART}"] = _conflicting(*managers)

    with pytest.raises(Refusal, match=managers[-1]) as refused:
        api_on(wire, tmp_path).apply(ref(), uid=UID, changes=(MEMORY,), dry_run=False)

    assert refused.value.code == "apply.other_manager"
    assert [patch.query.get("dryRun") for patch in wire.asked("PATCH")] == ["All"]


def test_value_that_the_cluster_rejects_is_refused(wire: Wire, tmp_path: Path) -> None:
    """A validation error will not go away by trying again."""
    wire.script[f"PATCH {CART}"] = kubernetes.status(422, "Invalid", "must be greater than the request")

    with pytest.raises(Refusal, match="must be greater"):
        api_on(wire, tmp_path).apply(ref(), uid=UID, changes=(MEMORY,), dry_run=False)


def _conflicting(*managers: str) -> Callable[[Request], Answer]:
    causes = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{m}" using apps/v1', "field": ".spec"}
        for m in managers
    ]

    def answer(request: Request) -> Answer:
        if request.query.get("force"):
            return Answer({"kind": "Deployment"})
        return kubernetes.status(409, "Conflict", "Apply failed", causes=causes)

    return answer

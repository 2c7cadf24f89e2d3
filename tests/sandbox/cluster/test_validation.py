"""What the API server does not take, and in which words it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.cluster.errors import ApiError
from reconciler.sandbox.cluster.quantities import canonical
from reconciler.sandbox.cluster.values import copied
from tests.sandbox.cluster.api import DEPLOYMENTS, PODS, STRATEGIC, Api, Json, deployment, pod, setting

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sandbox.cluster import Store


CONTAINER = "spec.template.spec.containers[0]"


def container(value: Json) -> Json:
    """Return the container of a workload's template."""
    found: Json = value["spec"]["template"]["spec"]["containers"][0]
    return found


def refusal(store: Store, manifest: Json) -> ApiError:
    """Create an object that is refused."""
    with pytest.raises(ApiError) as refused:
        store.create(manifest, manager="test")
    return refused.value


def object_of(kind: str, version: str, spec: Json | None, **more: object) -> Json:
    """Return a manifest of another kind."""
    manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": "default"}, **more}
    return manifest if spec is None else {**manifest, "spec": spec}


def test_limit_below_the_request_is_refused_in_the_real_words(api: Api) -> None:
    """The status, its reason, its message and its cause; the product reads each."""
    manifest = deployment()
    container(manifest)["resources"] = {"requests": {"memory": "256Mi"}, "limits": {"memory": "128Mi"}}

    answer = api.post(DEPLOYMENTS, manifest)

    says = 'Invalid value: "256Mi": must be less than or equal to memory limit of 128Mi'
    field = f"{CONTAINER}.resources.requests"
    assert answer.status == 422
    assert answer.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'Deployment.apps "web" is invalid: {field}: {says}',
        "reason": "Invalid",
        "details": {
            "name": "web",
            "group": "apps",
            "kind": "Deployment",
            "causes": [{"reason": "FieldValueInvalid", "message": says, "field": field}],
        },
        "code": 422,
    }


def test_patch_that_breaks_a_rule_changes_nothing(api: Api) -> None:
    """Neither for real nor as a dry run."""
    manifest = deployment()
    container(manifest)["resources"] = {"requests": {"memory": "256Mi"}, "limits": {"memory": "512Mi"}}
    before = api.post(DEPLOYMENTS, manifest).body
    change = {"name": "web", "resources": {"limits": {"memory": "128Mi"}}}
    body = {"spec": {"template": {"spec": {"containers": [change]}}}}

    dry = api.patch(f"{DEPLOYMENTS}/web", body, STRATEGIC, dryRun="All")
    real = api.patch(f"{DEPLOYMENTS}/web", body, STRATEGIC)

    assert (dry.status, real.status) == (422, 422)
    assert "must be less than or equal to memory limit of 128Mi" in dry.message
    assert api.get(f"{DEPLOYMENTS}/web").body == before


_POD = ("spec", "template", "spec")
_FIRST = (*_POD, "containers", 0)
_LABEL_SAYS = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"


@pytest.mark.parametrize(
    ("edit", "field", "says"),
    [
        (
            setting("spec", "replicas", value=-1),
            "spec.replicas",
            "Invalid value: -1: must be greater than or equal to 0",
        ),
        (setting("spec", "selector", value=None), "spec.selector", "Required value"),
        (
            setting("spec", "selector", "matchLabels", value={"app": "other"}),
            "spec.template.metadata.labels",
            'Invalid value: {"app":"web"}: `selector` does not match template `labels`',
        ),
        (
            setting("spec", "selector", value={}),
            "spec.selector",
            "Invalid value: {}: empty selector is invalid for deployment",
        ),
        (setting(*_POD, "containers", value=[]), "spec.template.spec.containers", "Required value"),
        (setting(*_FIRST, "name", value=""), f"{CONTAINER}.name", "Required value"),
        (setting(*_FIRST, "name", value="Web"), f"{CONTAINER}.name", f'Invalid value: "Web": {_LABEL_SAYS}'),
        (setting(*_FIRST, "image", value=""), f"{CONTAINER}.image", "Required value"),
        (setting(*_FIRST, "imagePullPolicy", value="Now"), f"{CONTAINER}.imagePullPolicy", 'Unsupported value: "Now"'),
        (setting(*_FIRST, "ports", value=[{}]), f"{CONTAINER}.ports[0].containerPort", "Required value"),
        (
            setting(*_FIRST, "ports", value=[{"containerPort": 70000}]),
            f"{CONTAINER}.ports[0].containerPort",
            "Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (setting(*_FIRST, "env", value=[{"value": "x"}]), f"{CONTAINER}.env[0].name", "Required value"),
        (
            setting(*_FIRST, "volumeMounts", value=[{"name": "v", "mountPath": "/v"}]),
            f"{CONTAINER}.volumeMounts[0].name",
            'Not found: "v"',
        ),
        (
            setting(*_FIRST, "resources", value={"limits": {"cpu": "-1"}}),
            f"{CONTAINER}.resources.limits[cpu]",
            'Invalid value: "-1": must be greater than or equal to 0',
        ),
        (
            setting(*_POD, "restartPolicy", value="Never"),
            "spec.template.spec.restartPolicy",
            'Unsupported value: "Never": supported values: "Always"',
        ),
        (setting("spec", "strategy", value={"type": "Fast"}), "spec.strategy", 'Unsupported value: {"type":"Fast"}'),
        (
            setting("spec", "strategy", value={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
            "spec.strategy.rollingUpdate.maxUnavailable",
            "Invalid value: 0: may not be 0 when `maxSurge` is 0",
        ),
        (
            setting("spec", "progressDeadlineSeconds", value=0),
            "spec.progressDeadlineSeconds",
            "Invalid value: 0: must be greater than minReadySeconds",
        ),
        (setting("metadata", "labels", value={"a b": "x"}), "metadata.labels", 'Invalid value: "a b": name part must'),
        (
            setting("metadata", "labels", value={"a": "x y"}),
            "metadata.labels",
            'Invalid value: "x y": a valid label must',
        ),
        (
            setting("metadata", "annotations", value={"/x": ""}),
            "metadata.annotations",
            'Invalid value: "/x": prefix part',
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_deployment_that_breaks_a_rule_is_refused(
    store: Store, edit: Callable[[Json], None], field: str, says: str
) -> None:
    """Each field by its path, each rule in the real words."""
    manifest = copied(deployment())
    edit(manifest)

    error = refusal(store, manifest)

    assert (error.status, error.reason) == (422, "Invalid")
    assert [c for c in error.details["causes"] if c["field"] == field and c["message"].startswith(says)]
    assert store.get("Deployment", "default", "web") is None


def test_all_that_is_wrong_is_said_at_once(store: Store) -> None:
    """In one message with brackets."""
    manifest = deployment(replicas=-1)
    container(manifest)["image"] = ""

    error = refusal(store, manifest)

    assert len(error.details["causes"]) == 2
    assert error.message.startswith('Deployment.apps "web" is invalid: [spec.replicas: Invalid value: -1')


_SELECTOR = {"matchLabels": {"app": "x"}}


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        (
            object_of("Job", "batch/v1", {"template": {"spec": {"containers": [{"name": "a", "image": "a"}]}}}),
            "spec.template.spec.restartPolicy",
        ),
        (object_of("CronJob", "batch/v1", {"schedule": "* *", "jobTemplate": {"spec": {}}}), "spec.schedule"),
        (object_of("CronJob", "batch/v1", {"jobTemplate": {"spec": {}}}), "spec.schedule"),
        (
            object_of(
                "HorizontalPodAutoscaler",
                "autoscaling/v2",
                {"minReplicas": 5, "maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "x"}},
            ),
            "spec.maxReplicas",
        ),
        (object_of("HorizontalPodAutoscaler", "autoscaling/v2", {"maxReplicas": 3}), "spec.scaleTargetRef.name"),
        (
            object_of(
                "PodDisruptionBudget", "policy/v1", {"minAvailable": 1, "maxUnavailable": 1, "selector": _SELECTOR}
            ),
            "spec",
        ),
        (
            object_of("PodDisruptionBudget", "policy/v1", {"maxUnavailable": "101%", "selector": _SELECTOR}),
            "spec.maxUnavailable",
        ),
        (
            object_of("PodDisruptionBudget", "policy/v1", {"minAvailable": "x", "selector": _SELECTOR}),
            "spec.minAvailable",
        ),
        (object_of("Service", "v1", {"selector": {"app": "x"}}), "spec.ports"),
        (object_of("PersistentVolumeClaim", "v1", {"accessModes": ["ReadWriteOnce"]}), "spec.resources[storage]"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["kind"],
)
def test_other_kinds_have_rules_of_their_own(store: Store, manifest: Json, field: str) -> None:
    """The field is named."""
    error = refusal(store, manifest)

    assert error.status == 422
    assert field in [cause["field"] for cause in error.details["causes"]]


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (
            setting("spec", "replicas", value="3"),
            "cannot unmarshal string into Go struct field spec.replicas of type int32",
        ),
        (
            setting("spec", "replicas", value=True),
            "cannot unmarshal bool into Go struct field spec.replicas of type int32",
        ),
        (
            setting(*_FIRST, "resources", value={"limits": {"memory": "lots"}}),
            "quantities must match the regular expression",
        ),
        (setting(*_FIRST, "env", value={"A": "x"}), "cannot unmarshal object into Go struct field"),
        (setting(*_FIRST, "image", value=3), "cannot unmarshal number into Go struct field"),
    ],
)
def test_value_of_the_wrong_type_is_a_bad_request(api: Api, edit: Callable[[Json], None], says: str) -> None:
    """Not a rule broken, but a body that cannot be read."""
    manifest = copied(deployment())
    edit(manifest)

    answer = api.post(DEPLOYMENTS, manifest)

    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert says in answer.message


@pytest.mark.parametrize(
    ("text", "shortest"),
    [
        ("1024Mi", "1Gi"),
        ("1536Mi", "1536Mi"),
        ("0.5Gi", "512Mi"),
        ("512Ki", "512Ki"),
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1500", "1500"),
        ("2000", "2k"),
        ("128974848000m", "128974848"),
        ("1e3", "1e3"),
        ("0", "0"),
        ("100Ki", "100Ki"),
        (2, "2"),
        (0.25, "250m"),
    ],
)
def test_quantity_is_shown_in_its_shortest_form(text: object, shortest: str) -> None:
    """As the real server writes it in its messages."""
    assert canonical(text) == shortest


def test_pod_of_the_api_is_refused_by_the_same_rules(api: Api) -> None:
    """Paths start at its own specification."""
    manifest = pod()
    manifest["spec"]["containers"].append(dict(manifest["spec"]["containers"][0]))

    answer = api.post(PODS, manifest)

    assert answer.message == 'Pod "web" is invalid: spec.containers[1].name: Duplicate value: "web"'

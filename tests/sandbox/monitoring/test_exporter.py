"""The exporter's samples follow from the objects, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.monitoring import exporter
from reconciler.sandbox.monitoring.exporter import Objects
from reconciler.sandbox.monitoring.samples import Sample, quantity, render

if TYPE_CHECKING:
    from reconciler.sandbox.monitoring.samples import Json


def pod(need: str | None, *, limit: str | None = "512Mi", running: bool = True) -> Json:
    """Return a pod of one container, of the node `node-1`."""
    notes = {} if need is None else {"testbed.reconciler.dev/needs-memory": need}
    resources = {"requests": {"memory": "256Mi"}} | ({"limits": {"memory": limit}} if limit else {})
    state = (
        {"running": {"startedAt": "2026-01-05T09:00:00Z"}} if running else {"waiting": {"reason": "CrashLoopBackOff"}}
    )
    return {
        "metadata": {"namespace": "production", "name": "web-1", "uid": "u1", "annotations": notes},
        "spec": {"nodeName": "node-1", "containers": [{"name": "web", "image": "web:1", "resources": resources}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(running)}],
            "containerStatuses": [
                {
                    "name": "web",
                    "restartCount": 3,
                    "ready": running,
                    "state": state,
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                }
            ],
        },
    }


@pytest.mark.parametrize(
    ("text", "number"),
    [("512Mi", 512 * 1024**2), ("1G", 10**9), ("250m", 0.25), ("12e6", 12e6), ("1073741824", 2**30), ("0.5Gi", 2**29)],
)
def test_quantities_are_read_as_kubernetes_does(text: str, number: float) -> None:
    """Binary and decimal suffixes, exponents and plain numbers."""
    assert quantity(text) == number


def test_what_is_no_quantity_is_an_error() -> None:
    """A typing error in a test must not become a number."""
    with pytest.raises(ValueError, match="512MB"):
        quantity("512MB")


@pytest.mark.parametrize(
    ("need", "limit", "used"),
    [("1Gi", "512Mi", 2**29), ("300Mi", "512Mi", 300 * 2**20), (None, "512Mi", 2**28), ("1Gi", None, 2**30)],
)
def test_a_container_uses_what_it_needs_up_to_its_limit(need: str | None, limit: str | None, used: int) -> None:
    """Without a need it uses what it requests."""
    (sample,) = exporter.usage(Objects(pods=[pod(need, limit=limit)]))

    assert (sample.name, sample.value) == ("container_memory_working_set_bytes", used)
    assert sample.labels == {
        "namespace": "production",
        "pod": "web-1",
        "container": "web",
        "image": "web:1",
        "node": "node-1",
    }


def test_a_container_that_waits_uses_nothing() -> None:
    """As with cAdvisor there is no series, which is not the same as zero."""
    assert list(exporter.usage(Objects(pods=[pod("1Gi", running=False)]))) == []


def test_the_series_have_the_names_and_labels_of_kube_state_metrics() -> None:
    """The labels that the alerts and the product select by."""
    samples = list(exporter.state(Objects(pods=[pod("1Gi", running=False)])))

    labels = {"namespace": "production", "pod": "web-1", "uid": "u1", "container": "web"}
    prefix = "kube_pod_container_status"
    assert Sample(f"{prefix}_restarts_total", labels, 3) in samples
    assert Sample(f"{prefix}_waiting_reason", labels | {"reason": "CrashLoopBackOff"}, 1) in samples
    assert Sample(f"{prefix}_last_terminated_reason", labels | {"reason": "OOMKilled"}, 1) in samples
    more = {"node": "node-1", "resource": "memory", "unit": "byte"}
    assert Sample("kube_pod_container_resource_limits", labels | more, 512 * 1024**2) in samples


def test_the_text_format_groups_families_and_escapes_labels() -> None:
    """Prometheus refuses a family that is told in two places."""
    text = render([Sample("b_total", {"x": 'say "hi"\n'}, 1), Sample("a", {}, value=True), Sample("b_total", {}, 2)])

    assert text == ('# TYPE b_total counter\nb_total{x="say \\"hi\\"\\n"} 1\nb_total{} 2\n# TYPE a gauge\na{} 1\n')

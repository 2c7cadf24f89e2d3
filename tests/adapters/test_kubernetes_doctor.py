"""What the adapter says about its connection, its permissions and its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.kubernetes_api import kubernetes_api
from reconciler.errors import ConfigurationError
from reconciler.model.objects import parse_path
from reconciler.settings import ClusterSettings
from tests.adapters import kubernetes_json as kubernetes
from tests.adapters.kubernetes_json import api_on
from tests.adapters.wire import Answer, Request, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEPLOYMENTS = "GET /apis/apps/v1/deployments"
PODS = "GET /api/v1/pods"
REPLICAS = parse_path("spec.replicas")
MEMORY = parse_path("spec.template.spec.containers[name=app].resources.limits.memory")


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A quiet cluster, to be scripted further."""
    with Wire({**kubernetes.quiet_cluster()}) as server:
        yield server


def test_doctor_prints_the_rule_that_is_missing(wire: Wire, tmp_path: Path) -> None:
    """Every permission is asked for; a missing one comes with the RBAC rule that grants it."""
    wire.script["GET /version"] = Answer({"gitVersion": "v1.36.3"})

    def review(request: Request) -> Answer:
        asked = request.body["spec"]["resourceAttributes"]
        return Answer({"status": {"allowed": (asked["verb"], asked["resource"]) != ("patch", "deployments")}}, 201)

    wire.script["POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"] = review

    diagnoses = api_on(wire, tmp_path).examine()

    (broken,) = [d for d in diagnoses if not d.works]
    assert broken.subject == "patch deployments.apps"
    assert '{apiGroups: ["apps"], resources: ["deployments"], verbs: ["patch"]}' in broken.remedy
    assert not broken.required
    assert diagnoses[0].detail == "Kubernetes v1.36.3"
    assert {"list pods", "list namespaces", "list replicasets.apps"} <= {d.subject for d in diagnoses if d.required}


def test_doctor_says_so_when_nobody_answers(tmp_path: Path) -> None:
    """It never raises."""
    with Wire() as gone:
        api = api_on(gone, tmp_path)

    (diagnosis,) = api.examine()

    assert not diagnosis.works
    assert diagnosis.remedy


@pytest.mark.parametrize("content", ["", "{", "apiVersion: v1\nkind: Config\n", None])
def test_unusable_kubeconfig_is_a_configuration_error(tmp_path: Path, content: str | None) -> None:
    """The message names the file."""
    kubeconfig = tmp_path / "kubeconfig"
    if content is not None:
        kubeconfig.write_text(content)

    with pytest.raises(ConfigurationError, match="kubeconfig"):
        kubernetes_api(ClusterSettings(kubeconfig=str(kubeconfig)))


def test_without_any_kubeconfig_the_pod_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a pod there is then no way to the cluster, and the error says what to set."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    with pytest.raises(ConfigurationError) as raised:
        kubernetes_api(ClusterSettings())

    assert "$KUBECONFIG" in raised.value.remedy

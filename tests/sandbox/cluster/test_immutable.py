"""What may not change of an object that is there, and in which words that is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.cluster.errors import ApiError
from tests.sandbox.cluster.api import Json, config_map, deployment, pod, setting

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sandbox.cluster import Store


_POD = ("spec", "template", "spec")
_FIRST = (*_POD, "containers", 0)


def _changed(store: Store, kind: str, mutate: Callable[[Json], None]) -> ApiError:
    with pytest.raises(ApiError) as refused:
        store.change(kind, "default", "web", mutate, manager="test")
    return refused.value


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "ReplicaSet"])
def test_selector_cannot_change(store: Store, kind: str) -> None:
    """It says which pods are the workload's."""
    store.create({**deployment(), "kind": kind}, manager="test")

    def reselect(value: Json) -> None:
        value["spec"]["selector"]["matchLabels"] = value["spec"]["template"]["metadata"]["labels"] = {"app": "other"}

    error = _changed(store, kind, reselect)

    assert error.details["causes"] == [
        {
            "reason": "FieldValueInvalid",
            "message": 'Invalid value: {"matchLabels":{"app":"other"}}: field is immutable',
            "field": "spec.selector",
        }
    ]


def test_stateful_set_changes_only_what_it_may(store: Store) -> None:
    """Its service and its claims stay; its template does not."""
    store.create({**deployment(serviceName="web"), "kind": "StatefulSet"}, manager="test")

    error = _changed(store, "StatefulSet", setting("spec", "serviceName", value="other"))
    store.change("StatefulSet", "default", "web", setting(*_FIRST, "image", value="new"), manager="test")

    assert error.details["causes"][0]["field"] == "spec"
    assert "updates to statefulset spec for fields other than 'replicas'" in error.message


def test_pod_changes_only_its_image_and_what_little_else(store: Store) -> None:
    """Tolerations can be added; a node is set once."""
    made = store.create(pod(), manager="test")
    tolerated = [*made["spec"]["tolerations"], {"key": "a", "operator": "Exists"}]

    store.change("Pod", "default", "web", setting("spec", "containers", 0, "image", value="new"), manager="test")
    store.change("Pod", "default", "web", setting("spec", "tolerations", value=tolerated), manager="test")
    store.change("Pod", "default", "web", setting("spec", "nodeName", value="n1"), manager="test")
    moved = _changed(store, "Pod", setting("spec", "nodeName", value="n2"))
    fewer = _changed(store, "Pod", setting("spec", "tolerations", value=[]))
    more = _changed(store, "Pod", lambda value: value["spec"]["containers"].append({"name": "b", "image": "b"}))

    assert "pod updates may not change fields other than `spec.containers[*].image`" in moved.message
    assert "existing toleration can not be modified" in fewer.message
    assert "pod updates may not add or remove containers" in more.message


def test_immutable_data_stays(store: Store) -> None:
    """Until the object is made anew."""
    store.create({**config_map("web", LEVEL="info"), "immutable": True}, manager="test")

    error = _changed(store, "ConfigMap", setting("data", "LEVEL", value="debug"))

    assert error.details["causes"][0]["message"] == "Forbidden: field is immutable when `immutable` is set"


def test_status_is_not_checked_again(store: Store) -> None:
    """An object that older rules let in can still be reported on."""
    store.create(deployment(), manager="test")

    written = store.change(
        "Deployment", "default", "web", setting("status", value={"replicas": 1}), manager="c", subresource="status"
    )

    assert written["status"] == {"replicas": 1}

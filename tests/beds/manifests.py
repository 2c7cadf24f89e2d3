"""Manifests as people write them, for a test's repository, and the faults that annotations cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from tests.testbed.kube import Json, prefixed

if TYPE_CHECKING:
    from collections.abc import Mapping

DEPLOYMENT = """\
# {name}: owned by team storefront
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels:
    app: {name}
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app: {name}
  template:
    metadata:
      labels:
        app: {name}
{annotations}    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: {name}
          image: {image}
          resources:
            requests:
              cpu: 100m
              memory: {request}
            limits:
              memory: {memory}  # raised in spring
"""


def deployment(
    name: str = "web",
    *,
    memory: str = "512Mi",
    request: str = "256Mi",
    image: str = "registry.testbed.invalid/web:1.0",
    replicas: int = 1,
    faults: Mapping[str, str] | None = None,
) -> str:
    """Return a Deployment's YAML; `faults` are annotations of its pods, without their prefix."""
    lines = "".join(f"        {prefixed(key)}: {_quote(value)}\n" for key, value in (faults or {}).items())
    annotations = f"      annotations:\n{lines}" if lines else ""
    return DEPLOYMENT.format(
        name=name, memory=memory, request=request, image=image, replicas=replicas, annotations=annotations
    )


def parsed(text: str) -> Json:
    """Return the object that YAML describes, to apply it directly."""
    found: Json = yaml.safe_load(text)
    return found


def container_patch(name: str, **fields: Any) -> Json:  # noqa: ANN401 - fields of a container
    """Return a strategic patch of one container of a workload."""
    return {"spec": {"template": {"spec": {"containers": [{"name": name, **fields}]}}}}


def _quote(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

"""A manifest that shows what real ones do, and the shortest ways to edit it."""

from __future__ import annotations

from reconciler.manifests.editing.edit import edit_fields
from reconciler.model.action import FieldChange
from reconciler.model.objects import ObjectRef, parse_path
from tests.worlds import WEBAPP

CONTAINER = "spec.template.spec.containers[name=web]"
MEMORY = f"{CONTAINER}.resources.limits.memory"

MANIFEST = """\
# The shop's front door.
apiVersion: v1
kind: Service
metadata:
  name: webapp
spec:
  ports:
  - port: 80
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: webapp   # same name, another kind
  namespace: production
  annotations:
    team: shop
    weight: "10"
spec:
  replicas: 3
  paused: false
  template:
    spec:
      initContainers:
        - name: web
          resources: {limits: {memory: 64Mi}}
      containers:
        - image: 'proxy:1.9'
          name: proxy
          resources:
            limits:
              memory: 64Mi
        - name: web
          image: "shop:2.1"
          env:
            - name: MODE
              value: quiet
          resources:
            limits: {cpu: 1, memory: 512Mi}   # measured in May
            requests:
              memory: "256Mi"
"""


def change(path: str, before: str | None, after: str | None) -> FieldChange:
    """Return a change of the field that a written path names."""
    return FieldChange(path=parse_path(path), before=before, after=after)


def edit(
    text: str | bytes,
    *changes: FieldChange,
    target: ObjectRef = WEBAPP,
    max_bytes: int = 1_048_576,
    max_changed_lines: int = 20,
) -> str:
    """Edit a text that lies in an Application with destination namespace `production`."""
    data = text if isinstance(text, bytes) else text.encode()
    limits = {"max_bytes": max_bytes, "max_changed_lines": max_changed_lines}
    return edit_fields(data, target, "production", changes, **limits).decode()

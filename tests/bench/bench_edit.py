"""What a checked edit costs, replacing, inserting or inside a text, against two bare compositions of the same text.

Two parses are the least that any checked edit needs: one to find the field, one to prove the result.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

import yaml

from reconciler.manifests.editing.edit import edit_fields
from reconciler.model.action import FieldChange
from reconciler.model.objects import ObjectRef, parse_path
from tests.bench.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_RUNS = 1000
_REACH_MS = 1.0
_TARGET = ObjectRef(cluster="default", group="apps", kind="Deployment", namespace="shop", name="cart")
_CONFIG = ObjectRef(cluster="default", group="", kind="ConfigMap", namespace="shop", name="cart")
_SERVER = "spec.template.spec.containers[name=server]"
_MANIFEST = """\
# The cart keeps what people are about to buy.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
  labels:
    app: cart
spec:
  replicas: 3
  selector:
    matchLabels:
      app: cart
  template:
    metadata:
      labels:
        app: cart
    spec:
      serviceAccountName: cart
      terminationGracePeriodSeconds: 5
      securityContext:
        fsGroup: 1000
        runAsNonRoot: true
        runAsUser: 1000
      containers:
        - name: server
          image: registry.example/shop/cart:v1.4.2
          ports:
            - containerPort: 7070
          env:
            - name: REDIS_ADDR
              value: "redis-cart:6379"
            - name: LOG_LEVEL
              value: info
          resources:
            requests:
              cpu: 200m
              memory: 256Mi
            limits:
              cpu: 300m
              memory: 512Mi   # measured in May
          readinessProbe:
            initialDelaySeconds: 15
            grpc:
              port: 7070
          livenessProbe:
            initialDelaySeconds: 15
            periodSeconds: 10
            grpc:
              port: 7070
---
apiVersion: v1
kind: Service
metadata:
  name: cart
  namespace: shop
spec:
  type: ClusterIP
  selector:
    app: cart
  ports:
    - name: grpc
      port: 7070
      targetPort: 7070
"""

_TEXTS = """\
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cart
  namespace: shop
data:
  app.yaml: |
    # read at start
    log:
      level: info
    cache: {size: 100}
"""


def _change(path: str, before: str | None, after: str) -> FieldChange:
    return FieldChange(path=parse_path(path), before=before, after=after)


_EDITS = {
    "field edit with re-check": (
        _MANIFEST,
        _TARGET,
        [_change(f"{_SERVER}.resources.limits.memory", "512Mi", "1Gi")],
    ),
    "field inserted, with re-check": (
        _MANIFEST,
        _TARGET,
        [_change(f"{_SERVER}.resources.limits.ephemeral-storage", None, "1Gi")],
    ),
    "list item inserted, with re-check": (
        _MANIFEST,
        _TARGET,
        [
            _change(f"{_SERVER}.env[name=MODE].name", None, "MODE"),
            _change(f"{_SERVER}.env[name=MODE].value", None, "x"),
        ],
    ),
    "key edited inside a ConfigMap's text": (
        _MANIFEST + _TEXTS,
        _CONFIG,
        [_change('data."app.yaml"{log}{level}', "info", "warn")],
    ),
}


def measure() -> list[Figure]:
    """Return the median of many edits of each kind and of as many floors, in turns so that noise meets both."""
    return [_figure(name, text, target, changes) for name, (text, target, changes) in _EDITS.items()]


def _figure(name: str, text: str, target: ObjectRef, changes: Sequence[FieldChange]) -> Figure:
    data = text.encode()
    ours, floor = [], []
    for _ in range(_RUNS):
        ours.append(
            _milliseconds(lambda: edit_fields(data, target, "shop", changes, max_bytes=1_048_576, max_changed_lines=20))
        )
        floor.append(_milliseconds(lambda: _compose_twice(text)))
    typical = median(ours)
    return Figure(
        name=name,
        ours=typical,
        floor=median(floor),
        unit="ms",
        reach=f"< {_REACH_MS:.0f} ms",
        ok=typical < _REACH_MS,
    )


def _compose_twice(text: str) -> None:
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    for _ in range(2):
        list(yaml.compose_all(text, Loader=loader))


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000

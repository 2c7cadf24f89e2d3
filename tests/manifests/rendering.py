"""A rendering for tests: plain dictionaries merged in Python, so that probing is tested without any tool."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import yaml

from reconciler.model.action import Replacement
from reconciler.model.objects import FieldPath, Item, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping

WEB = ObjectRef(cluster="default", group="apps", kind="Deployment", namespace="shop", name="web")
LIMIT: FieldPath = (
    *("spec", "template", "spec", "containers", Item("name", "web")),
    *("resources", "limits", "memory"),
)
REQUEST: FieldPath = (*LIMIT[:-2], "requests", "memory")


def raised(path: FieldPath = LIMIT, before: str = "512Mi", after: str = "1Gi") -> Replacement:
    """Return a change of one amount."""
    return Replacement(path=path, before=before, after=after)


def deployment(limit: str = "512Mi", request: str = "256Mi", name: str = "web") -> dict[str, Any]:
    """Return a Deployment as it is rendered."""
    resources = {"limits": {"memory": limit}, "requests": {"memory": request}}
    containers = [{"name": "web", "image": "web:1.0", "resources": resources}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": containers}}},
    }


def text(value: object) -> bytes:
    """Return YAML."""
    return yaml.safe_dump(value, sort_keys=False).encode()


def overlaid(files: Mapping[str, bytes]) -> tuple[dict[str, Any], ...]:
    """Render every object of `base.yaml`, with what `overlay.yaml` says of the same name on top of it."""
    found = [o for o in yaml.safe_load_all(files["base.yaml"]) if o]
    patches = [p for p in yaml.safe_load_all(files.get("overlay.yaml", b"")) if p]
    return tuple(_patched(o, patches) for o in found)


def templated(files: Mapping[str, bytes]) -> tuple[dict[str, Any], ...]:
    """Render from `values.yaml` with `prod.yaml` on top: `limit`, `request`, and perhaps `both` for two workloads."""
    values = yaml.safe_load(files["values.yaml"]) | (yaml.safe_load(files.get("prod.yaml", b"{}")) or {})
    limit = values.get("both") or values["limit"]
    other = [deployment(limit, name="api")] if "both" in values else []
    return (deployment(limit, values.get("request", "256Mi")), *other)


def _patched(rendered: dict[str, Any], patches: list[dict[str, Any]]) -> dict[str, Any]:
    made = copy.deepcopy(rendered)
    for patch in patches:
        if patch["metadata"]["name"] == made["metadata"]["name"]:
            _merge(made, patch)
    return made


def _merge(into: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        elif isinstance(value, list) and isinstance(into.get(key), list):
            for item in value:
                _merge(next(i for i in into[key] if i["name"] == item["name"]), item)
        else:
            into[key] = value

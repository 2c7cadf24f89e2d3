"""Questions that tests ask about a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.testbed.kube import Json


def is_ready(item: Json) -> bool:
    """Whether a pod (or a node) is ready."""
    conditions = item.get("status", {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def container(pod: Json, name: str = "web") -> Json:
    """Return the status of one container, empty before there is one."""
    statuses = pod.get("status", {}).get("containerStatuses") or []
    found: Json = next((status for status in statuses if status["name"] == name), {})
    return found


def waiting(pod: Json, name: str = "web") -> str | None:
    """Return why a container waits, None if it does not."""
    reason: str | None = container(pod, name).get("state", {}).get("waiting", {}).get("reason")
    return reason

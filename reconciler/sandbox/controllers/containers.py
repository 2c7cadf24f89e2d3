"""What becomes of one container: its next step, when that is due, and its status afterwards. Pure.

Level-triggered: the next step depends on the pod as it is now, never on which step came before. So a fault that has
lost its cause does not strike once more.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.sandbox.controllers import faults
from reconciler.sandbox.controllers.events import NORMAL, WARNING
from reconciler.sandbox.controllers.objects import Json, controller_of, go_duration
from reconciler.sandbox.timing import Timing

if TYPE_CHECKING:
    from datetime import timedelta


CREATING, INITIALIZING = "ContainerCreating", "PodInitializing"
PULL_FAILED, PULL_BACK_OFF = "ErrImagePull", "ImagePullBackOff"
UNCONFIGURED, CRASH_BACK_OFF = "CreateContainerConfigError", "CrashLoopBackOff"


class Step(StrEnum):
    """What can happen to a container next."""

    START = "start"  # or fail to
    BACK_OFF = "back off"  # after a pull that failed
    END = "end"
    REPLACE = "replace"  # the pod's image was changed


@dataclass(frozen=True, slots=True)
class View:
    """What a kubelet knows when it looks at a pod."""

    pod: Json
    stamp: str  # now
    timing: Timing
    config: str | None  # how the ConfigMap that the pod reads is judged, None when it reads none
    calm: Mapping[str, int] = field(default_factory=dict)  # restarts of a container when it last ran well for long

    @property
    def works(self) -> bool:
        """Whether the pod's containers end by themselves, their work done."""
        owner = controller_of(self.pod)
        return owner is not None and owner["kind"] == "Job"


Happening = tuple[str, str, str]  # an event: type, reason, message


def created(view: View, container: Json) -> Json:
    """Return a container's first status."""
    status = {"name": container["name"], "restartCount": 0, "lastState": {}, "ready": False, "started": False}
    return _waits(container, status, INITIALIZING if view.pod["spec"].get("initContainers") else CREATING)


def next_step(view: View, container: Json, index: int | None, status: Json) -> tuple[Step, timedelta] | None:
    """Return a container's next step and how long it stays in its state before that; index None: an init container."""
    timing, state = view.timing, status["state"]
    reason = waiting(status)
    if reason in (CREATING, INITIALIZING):
        return Step.START, timing.pull
    if reason == PULL_FAILED:
        return Step.BACK_OFF, timing.pull_back_off / 2
    if reason in (PULL_BACK_OFF, UNCONFIGURED):
        return Step.START, timing.pull_back_off
    if reason == CRASH_BACK_OFF:
        return Step.START, pause(view, status)
    if "running" not in state or index is None:
        return None
    if status["image"] != container["image"]:
        return Step.REPLACE, timing.pull * 0
    ends = view.works or faults.is_starved(view.pod, index) or _is_misconfigured(view, index)
    return (Step.END, timing.lives) if ends else None


def take(view: View, container: Json, index: int | None, status: Json, step: Step) -> tuple[Json, list[Happening]]:
    """Return a container's status after a step, and what there is to tell about it."""
    if step is Step.REPLACE:
        return _replaced(view, container, index, status)
    if step is Step.BACK_OFF:
        return _backs_off(view, container, index, status)
    if step is Step.END and index is not None:
        return _ended(view, container, index, status)
    return _started(view, container, index, status)


def waiting(status: Json) -> str:
    """Return why a container waits, or nothing."""
    reason: str = (status["state"].get("waiting") or {}).get("reason") or ""
    return reason


def pause(view: View, status: Json) -> timedelta:
    """Return how long a crashed container is left alone: longer each time, up to a limit."""
    crashes: int = status["restartCount"] - view.calm.get(status["name"], 0)
    steps = view.timing.back_off
    return steps[min(max(crashes, 0), len(steps) - 1)]


def is_sidecar(container: Json) -> bool:
    """Whether an init container goes on running beside the others."""
    return bool(container.get("restartPolicy") == "Always")


def _is_misconfigured(view: View, index: int) -> bool:
    return index == 0 and view.config == faults.BAD


def _started(view: View, container: Json, index: int | None, status: Json) -> tuple[Json, list[Happening]]:
    image = container["image"]
    present = bool(status.get("imageID")) and status["image"] == image
    if not present and faults.is_missing(view.pod, image):
        return _not_pulled(container, status)
    pulled = f'Container image "{image}" already present on machine' if present else _pulled(view, image)
    happened: list[Happening] = [] if present else [(NORMAL, "Pulling", f'Pulling image "{image}"')]
    happened.append((NORMAL, "Pulled", pulled))
    if index == 0 and view.config == faults.MISSING:
        name = (faults.config_needed(view.pod) or ("", ""))[1]
        text = f'configmap "{name}" not found'
        return _waits(container, status, UNCONFIGURED, text), [*happened, (WARNING, "Failed", f"Error: {text}")]
    happened += [(NORMAL, "Created", "Container created"), (NORMAL, "Started", "Container started")]
    restarts = status["restartCount"] + bool(status["lastState"])
    running = status | {
        "image": image,
        "imageID": image_id(image),
        "containerID": _container_id(view.pod, container, restarts),
        "restartCount": restarts,
        "started": True,
        "state": {"running": {"startedAt": view.stamp}},
    }
    if index is None and not is_sidecar(container):
        return running | {"ready": True, "started": False, "state": _terminated(running, view.stamp, 0)}, happened
    return running, happened


def _not_pulled(container: Json, status: Json) -> tuple[Json, list[Happening]]:
    image = container["image"]
    why = not_found(image)
    failed: list[Happening] = [
        (NORMAL, "Pulling", f'Pulling image "{image}"'),
        (WARNING, "Failed", f'Failed to pull image "{image}": {why}'),
        (WARNING, "Failed", f"Error: {PULL_FAILED}"),
    ]
    if waiting(status) == PULL_BACK_OFF:  # tried once more, in vain
        text = f'Back-off pulling image "{image}": {PULL_FAILED}: {why}'
        return _waits(container, status, PULL_BACK_OFF, text), failed
    return _waits(container, status, PULL_FAILED, why), failed


def _backs_off(view: View, container: Json, index: int | None, status: Json) -> tuple[Json, list[Happening]]:
    image = container["image"]
    if not faults.is_missing(view.pod, image):
        return _started(view, container, index, status)
    text = f'Back-off pulling image "{image}"'
    happened = [(NORMAL, "BackOff", text), (WARNING, "Failed", f"Error: {PULL_BACK_OFF}")]
    whole = f"{text}: {PULL_FAILED}: {not_found(image)}"
    return _waits(container, status, PULL_BACK_OFF, whole), happened


def _ended(view: View, container: Json, index: int, status: Json) -> tuple[Json, list[Happening]]:
    """End a running container: for its fault where it has one, else because its work is done."""
    if faults.is_starved(view.pod, index):
        end = _terminated(status, view.stamp, 137, reason="OOMKilled")
    elif _is_misconfigured(view, index):
        need = faults.named(view.pod, faults.NEEDS_CONFIG, 0)
        end = _terminated(status, view.stamp, 1, reason="Error", message=f"invalid configuration: {need}")
    else:
        return status | {"ready": False, "started": False, "state": _terminated(status, view.stamp, 0)}, []
    ended = status | {"ready": False, "started": False}
    if view.pod["spec"].get("restartPolicy") == "Never":
        return ended | {"state": end}, []
    ended["lastState"] = end
    wait = go_duration(pause(view, status).total_seconds())
    whose = _format(view.pod)
    text = f"back-off {wait} restarting failed container={container['name']} pod={whose}"
    told = f"Back-off restarting failed container {container['name']} in pod {whose}"
    state = {"waiting": {"reason": CRASH_BACK_OFF, "message": text}}
    return ended | {"state": state}, [(WARNING, "BackOff", told)]


def _replaced(view: View, container: Json, index: int | None, status: Json) -> tuple[Json, list[Happening]]:
    """End a container whose image was changed in place; it starts again with the new one."""
    text = f"Container {container['name']} definition changed, will be restarted"
    ended = status | {"lastState": _terminated(status, view.stamp, 0), "imageID": ""}
    started, happened = _started(view, container, index, ended)
    return started, [(NORMAL, "Killing", text), *happened]


def _waits(container: Json, status: Json, reason: str, message: str = "") -> Json:
    text = {"message": message} if message else {}
    ids = {"imageID": status.get("imageID", "") if status.get("image") == container["image"] else ""}
    changed = {"image": container["image"], "ready": False, "started": False}
    return status | ids | changed | {"state": {"waiting": {"reason": reason, **text}}}


def _terminated(status: Json, stamp: str, code: int, *, reason: str = "Completed", message: str = "") -> Json:
    running = status["state"].get("running") or {}
    end = {
        "exitCode": code,
        "reason": reason,
        **({"message": message} if message else {}),
        "startedAt": running.get("startedAt", stamp),
        "finishedAt": stamp,
        "containerID": status.get("containerID", ""),
    }
    return {"terminated": end}


def not_found(image: str) -> str:
    """Return containerd's words about an image that the registry does not have."""
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": '
        f'failed to resolve reference "{image}": {image}: not found'
    )


def image_id(image: str) -> str:
    """Return an image by its digest: the same for the same reference."""
    bare = re.sub(r"(:[^:/@]*)?(@.*)?$", "", image)
    return f"{bare}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def _container_id(pod: Json, container: Json, restarts: int) -> str:
    text = f"{pod['metadata']['uid']}/{container['name']}/{restarts}"
    return f"containerd://{hashlib.sha256(text.encode()).hexdigest()}"


def _pulled(view: View, image: str) -> str:
    took = go_duration(view.timing.pull.total_seconds())
    size = 20_000_000 + int(hashlib.sha256(image.encode()).hexdigest()[:6], 16)
    return f'Successfully pulled image "{image}" in {took} ({took} including waiting). Image size: {size} bytes.'


def _format(pod: Json) -> str:
    metadata = pod["metadata"]
    return f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"

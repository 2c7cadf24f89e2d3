"""What a container wrote: lines that follow from its state, as its program would have told them.

A container that starts says so; one that is ready says so; one that ends by an error of its own says which. One that
is killed for its memory says nothing: it had no time to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import bad_request, cause, invalid, not_found
from reconciler.sandbox.cluster.options import is_set, number
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.cluster.values import Json

_KNOWN = frozenset({"container", "previous", "tailLines", "limitBytes", "timestamps", "follow", "stream", "pretty"})
_PULLING = ("ErrImagePull", "ImagePullBackOff")
_KINDS = ("containers", "initContainers", "ephemeralContainers")
Line = tuple[str, str]  # when, and what


def read(store: Store, namespace: str, name: str, query: Mapping[str, Sequence[str]]) -> bytes:
    """Return a container's log. Raises ApiError (400, 404, 422) and, for options that are not here, NotInSandbox."""
    asked = {key: values[0] for key, values in query.items()}
    _refuse_unknown(asked, query)
    pod = store.get("Pod", namespace, name)
    if pod is None:
        raise not_found("pods", name)
    tail, limit = _number_of(asked, "tailLines", 0, name), _number_of(asked, "limitBytes", 1, name)
    container = _chosen(pod, asked.get("container") or "")
    if not pod["spec"].get("nodeName"):
        return b""
    lines = _lines(pod, container, previous=is_set(query, "previous"))
    if tail is not None:
        lines = lines[-tail:] if tail else []
    stamped = is_set(query, "timestamps")
    text = "".join(f"{_nanoseconds(at)} {line}\n" if stamped else f"{line}\n" for at, line in lines)
    return text.encode()[:limit]


def _refuse_unknown(asked: Mapping[str, str], query: Mapping[str, Sequence[str]]) -> None:
    if is_set(query, "follow"):
        raise NotInSandbox("following a log (pods/log with follow=true)")
    if asked.get("stream", "All") != "All":
        raise NotInSandbox("one stream of a log (pods/log with stream)")
    unknown = sorted(asked.keys() - _KNOWN)
    if unknown:
        raise NotInSandbox(f"pods/log with {unknown[0]}")


def _number_of(asked: Mapping[str, str], name: str, least: int, pod: str) -> int | None:
    text = asked.get(name)
    if text is None:
        return None
    found = number(text)
    if found < least:
        rule = "must be greater than 0" if least else "must be greater than or equal to 0"
        wrong = cause("FieldValueInvalid", f"Invalid value: {found}: {rule}", name)
        raise invalid("PodLogOptions", "", pod, [wrong])
    return found


def _chosen(pod: Json, name: str) -> str:
    """Return the container that is asked for; of one container it need not be said."""
    known = [each["name"] for kind in _KINDS for each in pod["spec"].get(kind) or ()]
    own = pod["metadata"]["name"]
    if name:
        if name not in known:
            raise bad_request(f"container {name} is not valid for pod {own}")
        return name
    containers = pod["spec"].get("containers") or []
    if len(containers) != 1:
        says = f"a container name must be specified for pod {own}, choose one of: [{' '.join(known)}]"
        raise bad_request(says)
    return str(containers[0]["name"])


def _lines(pod: Json, container: str, *, previous: bool) -> list[Line]:
    status = pod.get("status") or {}
    kinds = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    found: Json = next((s for kind in kinds for s in status.get(kind) or () if s["name"] == container), {})
    state, last = found.get("state") or {}, (found.get("lastState") or {}).get("terminated")
    name = pod["metadata"]["name"]
    if previous:
        if not last:
            raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
        return _ended(container, last)
    if "running" in state:
        return [_started(container, state["running"]), *_became_ready(pod, container, found)]
    if "terminated" in state:
        return _ended(container, state["terminated"])
    if last:  # it waits to be started again: what is there is what the last one wrote
        return _ended(container, last)
    reason = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
    why = "trying and failing to pull image" if reason in _PULLING else reason
    raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {why}')


def _started(container: str, state: Json) -> Line:
    return state.get("startedAt") or "", f"{container}: starting"


def _became_ready(pod: Json, container: str, status: Json) -> list[Line]:
    conditions = pod["status"].get("conditions") or ()
    at = next((c.get("lastTransitionTime") or "" for c in conditions if c["type"] == "Ready"), "")
    return [(at, f"{container}: ready")] if status.get("ready") else []


def _ended(container: str, state: Json) -> list[Line]:
    lines = [_started(container, state)]
    at = state.get("finishedAt") or ""
    if state.get("exitCode") == 0:
        lines.append((at, f"{container}: done"))
    elif state.get("reason") != "OOMKilled":
        says = state.get("message") or f"ends with {state.get('exitCode', 1)}"
        lines += [(at, f"{container}: error: {line}") for line in says.splitlines()]
    return lines


def _nanoseconds(at: str) -> str:
    """Write a moment as a kubelet does, to the nanosecond."""
    return at if "." in at or not at else at.removesuffix("Z") + ".000000000Z"

"""Does a live object differ from Git? Only fields that Git names, or named at the last apply, can make it differ."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster import apply, defaults
from reconciler.sandbox.cluster.shapes import shape_of
from reconciler.sandbox.cluster.values import copied
from reconciler.sandbox.delivery import globs, threeway
from reconciler.sandbox.delivery.git import not_in_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.sandbox.cluster.kinds import Kind

Json = dict[str, Any]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MANAGER = "argocd-controller"


def merged(kind: Kind, desired: Json, live: Json, *, server_side: bool, now: str = "") -> Json:
    """Return the live object as a sync leaves it, defaults included; `managedFields` count in a server-side one."""
    desired = clean(desired)
    if server_side:
        by = apply.Applier(kind=kind, manager=MANAGER, time=now, force=True)
        made = copied(apply.applied(live, desired, by))
    else:
        shape = shape_of(kind)
        made = copied(threeway.applied(_last_applied(live), desired, live, shape))
    defaults.complete(kind, made)
    return made


def differs(kind: Kind, desired: Json, live: Json, ignored: Sequence[str], *, server_side: bool) -> bool:
    """Tell whether a sync would change a live object; `ignored` are JSON pointers that do not count."""
    if ignored:
        desired, live = _without(clean(desired), ignored), _without(live, ignored)
        live = _with_last_applied(live, _without(_last_applied(live), ignored))
        defaults.complete(kind, live)  # as in what it is compared with
    made = merged(kind, desired, live, server_side=server_side)
    return _comparable(made) != _comparable(live)


def ignored_pointers(rules: Sequence[Json], kind: Kind, desired: Json) -> list[str]:
    """Return the JSON pointers that an Application's rules ignore in an object. Raises SourceError for jq."""
    metadata = desired["metadata"]
    found: list[str] = []
    for rule in rules:
        here = (
            globs.matches(rule.get("group") or "", kind.group)
            and globs.matches(rule.get("kind") or "", kind.kind)
            and (rule.get("name") or metadata["name"]) == metadata["name"]
            and (rule.get("namespace") or metadata.get("namespace")) == metadata.get("namespace")
        )
        if here and (rule.get("jqPathExpressions") or rule.get("managedFieldsManagers")):
            raise not_in_sandbox("ignore differences by jq or by field managers")
        if here:
            found.extend(rule.get("jsonPointers") or ())
    return found


def respecting(desired: Json, live: Json, ignored: Sequence[str]) -> Json:
    """Return the desired object with the live values of ignored fields (RespectIgnoreDifferences)."""
    made = copied(desired)
    for pointer in ignored:
        *above, last = _steps(pointer)
        target, source = _at(made, above), _at(live, above)
        if isinstance(target, dict) and isinstance(source, dict):
            if last in source:
                target[last] = source[last]
            else:
                target.pop(last, None)
    return made


def clean(desired: Json) -> Json:
    """Return a manifest without what a sync never writes, and a Secret's text as data."""
    made = {key: value for key, value in desired.items() if key != "status"}
    made["metadata"] = {key: value for key, value in made["metadata"].items() if key != "creationTimestamp"}
    if made["kind"] == "Secret" and made["apiVersion"] == "v1" and "stringData" in made:
        texts = made.pop("stringData") or {}
        encoded = {k: base64.b64encode(v.encode()).decode() if isinstance(v, str) else v for k, v in texts.items()}
        made["data"] = {**(made.get("data") or {}), **encoded}
    return made


def _last_applied(live: Json) -> Json:
    text = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    if not text:
        return {}
    found: Json = json.loads(text)
    return clean(found)


def _with_last_applied(live: Json, former: Json) -> Json:
    """Return the object with another note of what was applied last, where it has any."""
    if not former:
        return live
    annotations = {**live["metadata"]["annotations"], LAST_APPLIED: json.dumps(former)}
    return {**live, "metadata": {**live["metadata"], "annotations": annotations}}


def _comparable(value: Json) -> Json:
    metadata = {k: v for k, v in value["metadata"].items() if k not in {"managedFields", "namespace"}}
    return {**value, "metadata": metadata, "status": None}


def _without(value: Json, pointers: Sequence[str]) -> Json:
    if not value:
        return value
    made = copied(value)
    for pointer in pointers:
        *above, last = _steps(pointer)
        holder = _at(made, above)
        if isinstance(holder, dict):
            holder.pop(last, None)
        elif isinstance(holder, list) and last.isdecimal() and int(last) < len(holder):
            del holder[int(last)]
    return made


def _at(value: Any, steps: Sequence[str]) -> Any:  # noqa: ANN401 - JSON of any shape
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _steps(pointer: str) -> list[str]:
    """Return a JSON pointer's steps, never none."""
    return list(_unescaped(pointer)) or [""]


def _unescaped(pointer: str) -> Iterator[str]:
    for step in pointer.split("/")[1:]:
        yield step.replace("~1", "/").replace("~0", "~")

"""The scale of a workload (autoscaling/v1 Scale): how many replicas there are, and how many there shall be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import bad_request, cause, conflict, invalid

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.kinds import Kind
    from reconciler.sandbox.cluster.values import Json

API_VERSION = "autoscaling/v1"
_KEPT = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def shown(kind: Kind, workload: Json) -> Json:  # noqa: ARG001 - all kinds that scale keep it in the same fields
    """Return a workload's scale; zero replicas asked for are left out, as the real server does."""
    metadata, spec = workload["metadata"], workload["spec"]
    replicas = spec.get("replicas", 1)
    selector = _selector_text(spec.get("selector") or {})
    return {
        "kind": "Scale",
        "apiVersion": API_VERSION,
        "metadata": {key: metadata[key] for key in _KEPT if key in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {
            "replicas": (workload.get("status") or {}).get("replicas", 0),
            **({"selector": selector} if selector else {}),
        },
    }


def changed(kind: Kind, workload: Json, wanted: Json) -> Json:
    """Return the workload with the replicas of a Scale. Raises ApiError for another object's, or a negative number."""
    version, called = wanted.get("apiVersion", API_VERSION), wanted.get("kind", "Scale")
    if (version, called) != (API_VERSION, "Scale"):
        what = f"converting ({version.rpartition('/')[2]}.{called}) to (autoscaling.Scale): unknown conversion"
        raise bad_request(f'{called} in version "{version.rpartition("/")[2]}" cannot be handled as a Scale: {what}')
    metadata, own = wanted.get("metadata") or {}, workload["metadata"]
    name = own["name"]
    if not metadata.get("name"):
        why = "was undeterminable: name must be provided"
        raise bad_request(f"the name of the object ({name} based on URL) {why}")
    if metadata["name"] != name:
        why = f"does not match the name on the URL ({name})"
        raise bad_request(f"the name of the object ({metadata['name']}) {why}")
    if metadata.get("uid") not in (None, "", own["uid"]):
        why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {own['uid']}"
        raise conflict(f"{kind.plural}/scale.{kind.group}", name, why)
    replicas = (wanted.get("spec") or {}).get("replicas") or 0
    if isinstance(replicas, bool) or not isinstance(replicas, int):
        why = f"cannot unmarshal {_go_type(replicas)} into Go struct field ScaleSpec.spec.replicas of type int32"
        raise bad_request(f'Scale in version "v1" cannot be handled as a Scale: json: {why}')
    if replicas < 0:
        says = f"Invalid value: {replicas}: must be greater than or equal to 0"
        raise invalid("Scale", "autoscaling", name, [cause("FieldValueInvalid", says, "spec.replicas")])
    made = {**workload, "metadata": dict(own), "spec": {**workload["spec"], "replicas": replicas}}
    if metadata.get("resourceVersion"):
        made["metadata"]["resourceVersion"] = metadata["resourceVersion"]  # whoever stores it compares
    return made


def _go_type(value: object) -> str:
    names = {bool: "bool", str: "string", float: "number", list: "array"}
    return names.get(type(value), "object")


def _selector_text(selector: Json) -> str:
    """Write a label selector as queries do."""
    wanted = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    for each in selector.get("matchExpressions") or ():
        key, values = each["key"], ",".join(sorted(each.get("values") or ()))
        text = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }[each["operator"]]
        wanted.append((key, text))
    return ",".join(text for _, text in sorted(wanted))

"""Label and field selectors, as queries and as manifests write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.cluster.kinds import Kind
    from reconciler.sandbox.cluster.values import Json

Labels = dict[str, str]
Predicate = Callable[["Json"], bool]  # of a whole object
_Requirement = Callable[[Labels], bool]

_KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)")
_EQUAL = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_ORDER = re.compile(rf"({_KEY})\s*([<>])\s*(-?\d+)")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})")
_COMMA_OUTSIDE = re.compile(r",(?![^(]*\))")

_ANY_KIND = ("metadata.name", "metadata.namespace")
_BY_KIND: dict[str, tuple[str, ...]] = {
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "Event": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "Namespace": ("status.phase",),
    "Node": ("spec.unschedulable",),
    "Secret": ("type",),
    "ReplicaSet": ("status.replicas",),
    "Job": ("status.successful",),
}


def selector(kind: Kind, labels: str, fields: str) -> Predicate | None:
    """Return the test that both selectors of a query make together, None for all. Raises ApiError (400)."""
    requirements = _label_requirements(labels)
    wanted = _field_requirements(kind, fields)
    if not requirements and not wanted:
        return None

    def selects(value: Json) -> bool:
        own = value["metadata"].get("labels") or {}
        return all(holds(own) for holds in requirements) and all(
            (_field(value, path) == text) is equal for path, equal, text in wanted
        )

    return selects


def named(kind: Kind, fields: str) -> str:
    """Return the only name that a field selector allows, or ""."""
    wanted = _field_requirements(kind, fields)
    return next((text for path, equal, text in wanted if path == "metadata.name" and equal), "")


def matches(wanted: Json | None, labels: Mapping[str, str] | None) -> bool:
    """Tell whether labels fit a manifest's selector (matchLabels, matchExpressions); an absent one fits nothing."""
    if wanted is None:
        return False
    own = labels or {}
    if any(own.get(key) != text for key, text in (wanted.get("matchLabels") or {}).items()):
        return False
    return all(_expression(each, own) for each in wanted.get("matchExpressions") or ())


def _expression(expression: Json, own: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return key in own and own[key] in values
        case "NotIn":
            return key not in own or own[key] not in values
        case "Exists":
            return key in own
        case "DoesNotExist":
            return key not in own
    raise bad_request(f'"{expression["operator"]}" is not a valid label selector operator')


def _label_requirements(text: str) -> list[_Requirement]:
    return [_label_requirement(part.strip()) for part in _COMMA_OUTSIDE.split(text)] if text.strip() else []


def _label_requirement(text: str) -> _Requirement:
    if found := _SET.fullmatch(text):
        key, operator, inside = found.groups()
        values = frozenset(value.strip() for value in inside.split(","))
        if operator == "in":
            return lambda own: own.get(key) in values
        return lambda own: own.get(key) not in values
    if found := _EQUAL.fullmatch(text):
        key, operator, value = found.groups()
        equal = operator != "!="
        return lambda own: (own.get(key) == value) is equal
    if found := _ORDER.fullmatch(text):
        return _compared(found[1], found[2], int(found[3]))
    if found := _EXISTS.fullmatch(text):
        wanted, key = not found[1], found[2]
        return lambda own: (key in own) is wanted
    raise bad_request(f"unable to parse requirement: found '{text}', expected: a label selector's requirement")


def _compared(key: str, operator: str, bound: int) -> _Requirement:
    def holds(own: Labels) -> bool:
        value = own.get(key, "")
        if not re.fullmatch(r"-?\d+", value):
            return False
        return int(value) > bound if operator == ">" else int(value) < bound

    return holds


def _field_requirements(kind: Kind, text: str) -> list[tuple[str, bool, str]]:
    return [_field_requirement(kind, text, part) for part in text.split(",") if part.strip()]


def _field_requirement(kind: Kind, whole: str, part: str) -> tuple[str, bool, str]:
    path, operator, value = re.match(r"([^=!]*)(==|=|!=)?(.*)", part, re.DOTALL).groups()  # type: ignore[union-attr]
    if not operator:
        raise bad_request(f"invalid selector: '{whole}'; can't understand '{part}'")
    path = path.strip()
    own = () if kind.custom else _BY_KIND.get(kind.kind, ())
    if path not in _ANY_KIND and path not in own:
        if own or kind.custom:
            raise bad_request(f"field label not supported: {path}")
        raise bad_request(f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"')
    return path, operator != "!=", value.strip()


def _field(value: Json, path: str) -> str:
    """Return a field as a selector compares it; absent is the empty text, as it is for Go."""
    if path == "source":
        return str((value.get("source") or {}).get("component") or value.get("reportingComponent") or "")
    here: object = value
    for step in path.split("."):
        here = here.get(step) if isinstance(here, dict) else None
    if path in _BOOLEAN:
        return "true" if here else "false"
    if path in _NUMBER:
        return str(here or 0)
    return "" if here is None else str(here)


_BOOLEAN = frozenset({"spec.unschedulable", "spec.hostNetwork"})
_NUMBER = frozenset({"status.replicas", "status.successful"})

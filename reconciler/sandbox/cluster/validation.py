"""Whether the API server takes an object: all that is wrong with it at once, in its words, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.cluster import kind_rules
from reconciler.sandbox.cluster.errors import bad_request, invalid
from reconciler.sandbox.cluster.field_types import misfit
from reconciler.sandbox.cluster.problems import Problems, check_labels, key_misfits

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.kinds import Kind
    from reconciler.sandbox.cluster.values import Json


def decode(kind: Kind, value: Json) -> None:
    """Raise ApiError (400) when a field's type is not the one that defaults and rules rely on."""
    says = None if kind.custom else misfit(kind.kind, value)
    if says is not None:
        raise bad_request(f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {says}')


def validate(kind: Kind, value: Json, before: Json | None) -> None:
    """Raise ApiError (422) when a decoded object, or its change, breaks a rule.

    `before` is the stored object, None for a creation. A write that changed neither labels nor what a person
    specifies is not looked at again.
    """
    if before is not None and not _is_news(value, before):
        return
    problems = Problems()
    metadata = value["metadata"]
    check_labels(metadata.get("labels") or {}, "metadata.labels", problems)
    for key in metadata.get("annotations") or ():
        for wrong in key_misfits(key.lower()):
            problems.invalid("metadata.annotations", key, wrong)
    if not kind.custom:
        kind_rules.check(kind.kind, value, before, problems)
    if problems.causes:
        raise invalid(kind.kind, kind.group, metadata.get("name") or "", problems.causes)


def _is_news(value: Json, before: Json) -> bool:
    if any(value.get(key) != before.get(key) for key in {*value, *before} - {"metadata", "status"}):
        return True
    new, old = value["metadata"], before["metadata"]
    return any(new.get(key) != old.get(key) for key in ("labels", "annotations"))

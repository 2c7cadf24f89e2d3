"""What stands between a completed object and the store: definitions, schemas, rules and quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.cluster import definitions, quota, schemas, validation
from reconciler.sandbox.cluster.errors import invalid

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.kinds import Kind
    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.cluster.values import Json

DEFINITION = "CustomResourceDefinition"
QUOTA = "ResourceQuota"


def admit_new(store: Store, kind: Kind, value: Json) -> None:
    """Raise ApiError, or NotInSandbox, when an object may not be created."""
    if kind.name == DEFINITION:
        definitions.check(kind, value)
        definitions.establish(value, store.clock.stamp())
    _admit(kind, value, None)
    quota.admit(store, kind, value)


def admit_change(kind: Kind, value: Json, before: Json) -> None:
    """Raise ApiError, or NotInSandbox, when an object may not become what a write makes of it."""
    if kind.name == DEFINITION:
        definitions.check(kind, value)
    _admit(kind, value, before)


def _admit(kind: Kind, value: Json, before: Json | None) -> None:
    if kind.name == QUOTA:
        quota.check(value)
    causes = list(schemas.faults(kind.schema, value))
    if causes:
        raise invalid(kind.kind, kind.group, value["metadata"]["name"], causes)
    validation.validate(kind, value, before)

"""Find the operation that a person means by an id or its first characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import NotFound
from reconciler.plain import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.operation import Operation

_SHOWN = 5


def find_operation(operations: Mapping[str, Operation], wanted: str) -> Operation:
    """Return the one operation whose id starts so.

    Raises NotFound when there is none or more than one.
    """
    if wanted in operations:
        return operations[wanted]
    found = [operation_id for operation_id in operations if wanted and operation_id.startswith(wanted)]
    if len(found) == 1:
        return operations[found[0]]
    if found:
        shown = ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
        raise NotFound(
            code="operation.ambiguous",
            message=f"{wanted} is the start of {counted(len(found), 'operation')}: {shown}",
            remedy="give more of the id",
        )
    raise NotFound(
        code="operation.unknown",
        message=f"the ledger holds no operation {wanted}",
        remedy="run `reconciler status --all` for the ids",
    )

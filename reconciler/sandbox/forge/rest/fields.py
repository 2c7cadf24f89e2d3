"""What a request's body may hold, and GitHub's complaints about one that does not fit.

Protects: a field of GitHub's that the sandbox does not know is refused by name, never ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.sandbox.forge.refusals import Refused, malformed
from reconciler.sandbox.wire import NotInSandbox

Values = Mapping[str, Any]

_KINDS: dict[str, type | tuple[type, ...]] = {"string": str, "boolean": bool, "object": dict, "array": list}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind, whether it must be there, whether null is a value of its own, and its few values.

    A `bare` list may also be the whole body, as it could be of old.
    """

    kind: str
    required: bool = False
    nullable: bool = False
    values: tuple[str, ...] = ()
    bare: bool = False


Fields = Mapping[str, Field]

STRING = Field("string")
NEEDED = Field("string", required=True)
TEXT = Field("string", nullable=True)
FLAG = Field("boolean")
NUMBER = Field("integer")
LIST = Field("array")
THING = Field("object", nullable=True)


def one_of(*values: str, required: bool = False) -> Field:
    """Return a field of few values."""
    return Field("string", required=required, values=values)


def read(body: bytes, fields: Fields | None, operation: str) -> dict[str, Any]:
    """Return a body's fields; those that are null and may not be are left out, as GitHub leaves them."""
    if fields is None:
        return {}
    given = _parsed(body, next((name for name, field in fields.items() if field.bare), ""))
    unknown = sorted(set(given) - set(fields))
    if unknown:
        raise NotInSandbox(f"the field {unknown[0]} of {operation}")
    for name, field in fields.items():
        if field.required and name not in given:
            raise malformed(f'"{name}" wasn\'t supplied.')
    return {name: value for name, value in given.items() if _checked(name, value, fields[name])}


def _parsed(body: bytes, bare: str) -> dict[str, Any]:
    try:
        given = json.loads(body) if body.strip() else {}
    except ValueError:
        raise Refused(400, "Problems parsing JSON") from None
    if given is None:
        return {}
    if bare and isinstance(given, list):
        return {bare: given}
    if not isinstance(given, dict):
        raise Refused(400, "Body should be a JSON object")
    return given


def _checked(name: str, value: object, field: Field) -> bool:
    """Tell whether a value counts; raises what GitHub says of a wrong one."""
    if value is None:
        if field.required and not field.nullable:
            raise malformed(f"For 'properties/{name}', nil is not {_article(field.kind)}.")
        return field.nullable
    if not _is(value, field.kind):
        raise malformed(f"For 'properties/{name}', {json.dumps(value)} is not {_article(field.kind)}.")
    if field.values and value not in field.values:
        raise malformed(f"For 'properties/{name}', {value} is not a member of {json.dumps(list(field.values))}.")
    return True


def _is(value: object, kind: str) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return kind == "any" or isinstance(value, _KINDS[kind])


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aio' else 'a'} {kind}"

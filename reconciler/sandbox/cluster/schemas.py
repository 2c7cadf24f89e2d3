"""What a CustomResourceDefinition's schema does to its objects: unknown fields go, defaults come, rules hold.

Protects: a rule that the sandbox cannot check makes the definition itself a refusal, so that no object is taken which
the real server would not take.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster.errors import cause
from reconciler.sandbox.cluster.values import copied
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.cluster.values import Json

_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_EITHER = "x-kubernetes-int-or-string"
_ROOT = frozenset({"apiVersion", "kind", "metadata"})  # the server's own, whatever a schema says
_NOT_HERE = ("x-kubernetes-validations", "allOf", "anyOf", "oneOf", "not", "x-kubernetes-embedded-resource")
_WRONG = "FieldValueInvalid"
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


def refuse_unknown_rules(schema: Json) -> None:
    """Raise NotInSandbox when a schema holds rules that would not be checked."""
    for rule in _NOT_HERE:
        if rule in schema and not (schema.get(_EITHER) and rule in ("anyOf", "allOf")):
            raise NotInSandbox(f"{rule} in the schema of a custom resource")
    for below in _below(schema):
        refuse_unknown_rules(below)


def complete(schema: Json, value: Json) -> None:
    """Take unknown fields out of an object and put the schema's defaults in; metadata is left alone."""
    if schema and not _is_free(schema):
        own = {key: below for key, below in value.items() if key not in _ROOT}
        _complete(schema, own)
        for key in [key for key in value if key not in _ROOT]:
            del value[key]
        value |= own


def faults(schema: Json, value: Json) -> Iterator[Json]:
    """Yield a cause for each rule that an object breaks."""
    if schema:
        properties = {key: below for key, below in (schema.get("properties") or {}).items() if key not in _ROOT}
        own = {key: below for key, below in value.items() if key not in _ROOT}
        yield from _faults({**schema, "properties": properties}, own, "")


def _is_free(schema: Json) -> bool:
    """Tell whether anything may stand there."""
    return bool(schema.get(_PRESERVE)) and not schema.get("properties")


def _below(schema: Json) -> Iterator[Json]:
    yield from (schema.get("properties") or {}).values()
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield schema[key]


def _complete(schema: Json, value: Any) -> None:  # noqa: ANN401 - JSON of any shape
    if _is_free(schema):
        return
    if isinstance(value, list):
        for item in value:
            _complete(schema.get("items") or {}, item)
    elif isinstance(value, dict):
        _complete_object(schema, value)


def _complete_object(schema: Json, value: Json) -> None:
    properties, more = schema.get("properties") or {}, schema.get("additionalProperties")
    if not schema.get(_PRESERVE) and not more:
        for key in [key for key in value if key not in properties]:
            del value[key]
    for key, below in properties.items():
        if key in value and value[key] is None and not below.get("nullable"):
            del value[key]
        if "default" in below and key not in value:
            value[key] = copied({"": below["default"]})[""]
    for key, inner in value.items():
        _complete(properties.get(key) or (more if isinstance(more, dict) else {_PRESERVE: True}), inner)


def _faults(schema: Json, value: Any, path: str) -> Iterator[Json]:  # noqa: ANN401 - JSON of any shape
    if _is_free(schema) or (value is None and (schema.get("nullable") or not schema.get("type"))):
        return
    wrong = _wrong_type(schema, value)
    if wrong:
        says = f"Invalid value: {json.dumps(_go_type(value))}: {_named(path)} in body {wrong}"
        yield cause("FieldValueTypeInvalid", says, _field(path))
        return
    found = next(_broken(schema, value), None)
    if found is not None:
        reason, says = found
        if reason == _WRONG:
            says = f"Invalid value: {json.dumps(value, separators=(',', ':'))}: {_named(path)} in body {says}"
        yield cause(reason, says, _field(path))
    allowed = schema.get("enum")
    if allowed is not None and value not in allowed:
        listed = ", ".join(json.dumps(each) for each in allowed)
        says = f"Unsupported value: {json.dumps(value)}: supported values: {listed}"
        yield cause("FieldValueNotSupported", says, _field(path))
    if isinstance(value, dict):
        yield from _object_faults(schema, value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(schema.get("items") or {}, item, f"{path}[{index}]")


def _object_faults(schema: Json, value: Json, path: str) -> Iterator[Json]:
    for key in schema.get("required") or ():
        if key not in value and not (not path and key in _ROOT):
            yield cause("FieldValueRequired", "Required value", _joined(path, key))
    properties, more = schema.get("properties") or {}, schema.get("additionalProperties")
    for key, inner in value.items():
        below = properties.get(key) or (more if isinstance(more, dict) else {})
        yield from _faults(below, inner, _joined(path, key))


def _wrong_type(schema: Json, value: object) -> str:
    if schema.get(_EITHER):
        fits = isinstance(value, int | str) and not isinstance(value, bool)
        return "" if fits else f'must be of type integer,string: "{_go_type(value)}"'
    wanted = schema.get("type")
    if not wanted:
        return ""
    fits = isinstance(value, _TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))
    return "" if fits else f'must be of type {wanted}: "{_go_type(value)}"'


def _broken(schema: Json, value: object) -> Iterator[tuple[str, str]]:
    """Yield reason and words for each bound that a value breaks, the first one first."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield from ((_WRONG, says) for says in _number_bounds(schema, value))
    elif isinstance(value, str):
        yield from _text_bounds(schema, value)
    elif isinstance(value, list):
        most, least = schema.get("maxItems"), schema.get("minItems")
        if most is not None and len(value) > most:
            yield "FieldValueTooMany", f"Too many: {len(value)}: must have at most {most} items"
        if least is not None and len(value) < least:
            yield _WRONG, f"should have at least {least} items"


def _number_bounds(schema: Json, value: float) -> Iterator[str]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and (value < low or (schema.get("exclusiveMinimum") and value == low)):
        yield f"should be greater than {'' if schema.get('exclusiveMinimum') else 'or equal to '}{low}"
    if high is not None and (value > high or (schema.get("exclusiveMaximum") and value == high)):
        yield f"should be less than {'' if schema.get('exclusiveMaximum') else 'or equal to '}{high}"


def _text_bounds(schema: Json, value: str) -> Iterator[tuple[str, str]]:
    longest, shortest, pattern = schema.get("maxLength"), schema.get("minLength"), schema.get("pattern")
    if longest is not None and len(value) > longest:
        yield "FieldValueTooLong", f"Too long: may not be more than {longest} bytes"
    if shortest is not None and len(value) < shortest:
        yield _WRONG, f"should be at least {shortest} chars long"
    if pattern and not re.search(pattern, value):
        yield _WRONG, f"should match '{pattern}'"


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _field(path: str) -> str:
    return path or "<nil>"


def _named(path: str) -> str:
    return path or "value"


def _go_type(value: object) -> str:
    for name, kind in _TYPES.items():
        if isinstance(value, kind) and (name == "boolean" or not isinstance(value, bool)):
            return name
    return "null"

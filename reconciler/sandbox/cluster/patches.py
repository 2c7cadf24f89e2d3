"""The three patches that change an object as told: merge (RFC 7386), JSON (RFC 6902) and strategic.

None changes its input. Refusals are those of the real server: 400 for what is no patch, 422 for one that does not
fit the object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster.errors import ApiError, bad_request
from reconciler.sandbox.cluster.strategic import BadPatch, merged
from reconciler.sandbox.cluster.values import copied

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sandbox.cluster.shapes import Shape
    from reconciler.sandbox.cluster.values import Json

_MOST_OPERATIONS = 10_000
_INDEX = re.compile(r"[+-]?\d+")


def merge(current: Json, patch: object) -> Json:
    """Return the object with a merge patch in it: null deletes, a list replaces. Raises ApiError (400)."""
    if patch is None:
        raise bad_request("Invalid JSON Patch")
    if not isinstance(patch, dict):
        raise bad_request(
            f"error decoding patch: json: cannot unmarshal {_go_type(patch)} into Go value of type"
            " map[string]interface {}"
        )
    return _merged(current, patch)


def _merged(current: Json, patch: Json) -> Json:
    made = dict(current)
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, dict) and isinstance(made.get(key), dict):
            made[key] = _merged(made[key], value)
        else:
            made[key] = _without_nulls(value)
    return made


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, dict):
        return {key: _without_nulls(below) for key, below in value.items() if below is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def strategic(current: Json, patch: object, shape: Shape) -> Json:
    """Return the object with a strategic merge patch in it. Raises ApiError (400, 422, 500)."""
    if not isinstance(patch, dict):
        raise bad_request(f"json: cannot unmarshal {_go_type(patch)} into Go value of type map[string]interface {{}}")
    try:
        return merged(current, patch, shape)
    except BadPatch as bad:
        reasons = {400: "BadRequest", 422: "Invalid"}
        raise ApiError(bad.status, reasons.get(bad.status, ""), str(bad)) from bad


def json_patch(current: Json, operations: object) -> Json:
    """Return the object after the operations, all or none. Raises ApiError (400, 413, 422)."""
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        what = operations if not isinstance(operations, list) else next(o for o in operations if type(o) is not dict)
        into = "[]handlers.jsonPatchOp" if not isinstance(operations, list) else "handlers.jsonPatchOp"
        raise bad_request(f"error decoding patch: json: cannot unmarshal {_go_type(what)} into Go value of type {into}")
    if len(operations) > _MOST_OPERATIONS:
        says = f"The allowed maximum operations in a JSON patch is {_MOST_OPERATIONS}, got {len(operations)}"
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: {says}")
    document: Any = copied(current)
    for operation in operations:
        try:
            document = _OPERATIONS[operation.get("op", "")](document, operation)
        except (KeyError, IndexError, ValueError, TypeError) as misfit:
            raise _misfit() from misfit
    if not isinstance(document, dict):
        raise _misfit()
    return document


def _misfit() -> ApiError:
    """Say that an operation does not apply, in the few words that the real server has for it."""
    return ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def _add(document: Any, operation: Json) -> Any:  # noqa: ANN401 - JSON of any shape
    where, key = _container(document, operation["path"])
    _put(where, key, _own(operation.get("value")))
    return document


def _put(where: Any, key: str, value: Any) -> None:  # noqa: ANN401 - JSON of any shape
    if isinstance(where, dict):
        where[key] = value
        if value is None:
            del where[key]  # an absent field and a null one are the same to the server
    elif key == "-":
        where.append(value)
    else:
        where.insert(_index(key, len(where) + 1), value)


def _remove(document: Any, operation: Json) -> Any:  # noqa: ANN401 - JSON of any shape
    _take(*_container(document, operation["path"]))
    return document


def _take(where: Any, key: str) -> Any:  # noqa: ANN401 - JSON of any shape
    return where.pop(key) if isinstance(where, dict) else where.pop(_index(key, len(where)))


def _replace(document: Any, operation: Json) -> Any:  # noqa: ANN401 - JSON of any shape
    value = _own(operation.get("value"))
    if operation["path"] == "":
        return value
    where, key = _container(document, operation["path"])
    if isinstance(where, dict):
        _put(where, key, value)  # the real server replaces an absent field, too
    else:
        where[_index(key, len(where))] = value
    return document


def _move(document: Any, operation: Json) -> Any:  # noqa: ANN401 - JSON of any shape
    value = _take(*_container(document, operation["from"]))
    where, key = _container(document, operation["path"])
    _put(where, key, value)
    return document


def _copy(document: Any, operation: Json) -> Any:  # noqa: ANN401 - JSON of any shape
    value = _own(_at(*_container(document, operation["from"])))
    where, key = _container(document, operation["path"])
    _put(where, key, value)
    return document


def _test(document: Any, operation: Json) -> Any:  # noqa: ANN401 - JSON of any shape
    path = operation["path"]
    found = document if path == "" else _at(*_container(document, path))
    if not _same(found, operation.get("value")):
        raise ValueError(f"testing value {path} failed")
    return document


def _at(where: Any, key: str) -> Any:  # noqa: ANN401 - JSON of any shape
    return where.get(key) if isinstance(where, dict) else where[_index(key, len(where))]


def _same(one: object, other: object) -> bool:
    """Compare as JSON does: true is no number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


_OPERATIONS: dict[str, Callable[[Any, Json], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _container(document: Any, pointer: str) -> tuple[Any, str]:  # noqa: ANN401 - JSON of any shape
    """Return what holds the place that a pointer names, and its key there. Raises what `json_patch` catches."""
    if "/" not in pointer:
        raise ValueError(f"doc is missing path: {pointer}")
    _, *steps, last = pointer.split("/")
    where = document
    for step in steps:
        where = where[_unescaped(step)] if isinstance(where, dict) else where[_index(step, len(where))]
        if not isinstance(where, dict | list):
            raise TypeError(f"doc is missing path: {pointer}")
    return where, _unescaped(last)


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def _index(text: str, length: int) -> int:
    """Read a list's index; a negative one counts from the end, as with the real server."""
    if not _INDEX.fullmatch(text):
        raise ValueError(f"value was not a proper array index: '{text}'")
    index = int(text)
    if not -length <= index < length:
        raise IndexError(f"Unable to access invalid index: {index}")
    return index + length if index < 0 else index


def _own(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return a copy, so that a value at two places does not change at both."""
    return copied({"": value})[""]


def _go_type(value: object) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    return "object" if isinstance(value, dict) else "array" if isinstance(value, list) else "number"

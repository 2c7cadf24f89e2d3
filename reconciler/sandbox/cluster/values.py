"""JSON values: the type, and a copy that is quick because JSON has no cycles and no classes."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def copied(value: Json) -> Json:
    """Return a deep copy of an object."""
    return {key: _copied(below) if type(below) in _NESTED else below for key, below in value.items()}


def _copied(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    if type(value) is dict:
        return {key: _copied(below) if type(below) in _NESTED else below for key, below in value.items()}
    return [_copied(below) if type(below) in _NESTED else below for below in value]


_NESTED = frozenset({dict, list})

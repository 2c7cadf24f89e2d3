"""Model values to JSON and back, for the ledger and for `--output json`.

pydantic reads the dataclasses as they are; nothing is declared twice. It is imported at first use: most commands
that only print never need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

_ADAPTERS: dict[object, TypeAdapter[Any]] = {}  # building one is slow, using it is not


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def encode(value: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return the value as JSON-ready data."""
    return _adapter(type(value)).dump_python(value, mode="json")


def decode(kind: type[T], data: object) -> T:
    """Rebuild a model value from what `encode` wrote.

    Raises pydantic.ValidationError (a ValueError) when the data does not fit.
    """
    return cast("T", _adapter(kind).validate_python(data))

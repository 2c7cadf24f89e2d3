"""Scalar tokens: which type a plain token has, and how a new value is written.

YAML 1.1 and 1.2 disagree on tokens such as `yes`, `0777` or `1e3`, and the readers of one repository use both
(Argo CD, kubectl, people's tools). Protects invariant 5: a token is written plain only where every reader sees the
intended type; everything else is quoted, in the author's own quotes where there are any.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from reconciler.model.objects import FieldPath, Item
from reconciler.model.quantity import parse_quantity


class ScalarType(StrEnum):
    """What a plain token means, under both versions of YAML."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    NULL = "null"
    DISPUTED = "disputed"  # the versions disagree, or agree on something that no manifest needs, such as a date


def in_words(kind: ScalarType) -> str:
    """Return what a value of this type is, for messages."""
    return "a value that versions of YAML read differently" if kind is ScalarType.DISPUTED else f"a {kind} value"


QUOTES = ("'", '"')
_NUMBERS = frozenset({ScalarType.INTEGER, ScalarType.FLOAT})
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")  # fits 64 bits, no octal look-alikes
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
_BOOLEANS = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_GO_BOOLEANS = frozenset({"y", "Y", "n", "N"})  # YAML 1.1 as written and as Go reads it; PyYAML left them out
_CORE_NUMBERS = re.compile(  # YAML 1.2, core schema
    r"0o[0-7]+|0x[0-9a-fA-F]+|[-+]?[0-9]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
# Narrower than YAML allows: what has no meaning to any parser, in block or in flow context.
_PLAIN = re.compile(r"[A-Za-z0-9_/](?:[A-Za-z0-9_/.+@%=~^()-]|:(?=[A-Za-z0-9_/])| (?=[A-Za-z0-9_/(]))*")

_STRING_PARENTS = frozenset({"annotations", "labels", "matchLabels", "nodeSelector", "data", "stringData"})
_STRING_NAMES = frozenset({"name", "namespace", "image", "tag", "newTag", "newName", "digest", "version"})
_QUANTITY_PARENTS = frozenset({"limits", "requests", "hard", "capacity"})
_QUANTITY_NAMES = frozenset({"cpu", "memory", "storage", "ephemeral-storage", "sizeLimit", "averageValue"})


@lru_cache(maxsize=1024)
def plain_type(token: str) -> ScalarType:
    """Return the type of a token that stands in a file without quotes."""
    if _INTEGER.fullmatch(token):
        return ScalarType.INTEGER
    if _FLOAT.fullmatch(token):
        return ScalarType.FLOAT
    if token in _BOOLEANS:
        return ScalarType.BOOLEAN
    if token in _NULLS:
        return ScalarType.NULL
    if token in _GO_BOOLEANS or _CORE_NUMBERS.fullmatch(token) or _means_more_in_yaml_11(token):
        return ScalarType.DISPUTED
    return ScalarType.STRING


def _means_more_in_yaml_11(token: str) -> bool:
    """Tell whether PyYAML, a YAML 1.1 reader, takes the plain token for anything but a string."""
    from yaml.resolver import Resolver

    resolvers = Resolver.yaml_implicit_resolvers
    return any(pattern.match(token) for _, pattern in resolvers.get(token[:1], []))


def writable(value: str) -> bool:
    """Tell whether a value may enter a file: one line, no control, bidirectional or invisible characters.

    U+0085, U+2028 and U+2029 end a line in YAML: a value with one of them could add a key.
    """
    return value.isprintable()


def holds_quantity(path: FieldPath) -> bool:
    """Tell whether a field is an amount, so that `1Gi` and `1024Mi` are the same value."""
    parent = path[-2] if len(path) > 1 else ""
    return path[-1] in _QUANTITY_NAMES or (isinstance(parent, str) and parent in _QUANTITY_PARENTS)


def _holds_string(path: FieldPath) -> bool:
    """Tell whether the API takes nothing but a string here; a bare number would be rejected."""
    parent = path[-2] if len(path) > 1 else ""
    if isinstance(parent, Item):
        return path[-1] == "value" and len(path) > 2 and path[-3] == "env"  # noqa: PLR2004 - env, item, value
    return parent in _STRING_PARENTS


def intended_type(path: FieldPath, current: ScalarType, value: str) -> ScalarType | None:
    """Return the type that a new value must have where the present one has `current`; None: it does not fit."""
    if current is ScalarType.STRING or _holds_string(path):
        return ScalarType.STRING
    new = plain_type(value)
    if current in _NUMBERS and new in _NUMBERS:
        return new
    if current is new is ScalarType.BOOLEAN:
        return new
    unclear = current in (ScalarType.BOOLEAN, ScalarType.DISPUTED)
    if holds_quantity(path) and not unclear and _is_quantity(value):
        return new if new in _NUMBERS else ScalarType.STRING
    return None


def first_type(path: FieldPath, value: str) -> ScalarType:
    """Return the type of a value that a field has for the first time.

    A number with a fraction is a version rather than a number, unless the field holds an amount.
    """
    kind = plain_type(value)
    if _holds_string(path) or path[-1] in _STRING_NAMES:
        return ScalarType.STRING
    if kind in (ScalarType.INTEGER, ScalarType.BOOLEAN) or (kind is ScalarType.FLOAT and holds_quantity(path)):
        return kind
    return ScalarType.STRING


def _is_quantity(text: str) -> bool:
    try:
        parse_quantity(text)
    except ValueError:
        return False
    return True


_JSON = ('{"', '[{"')  # full of double quotes


def write_scalar(value: str, kind: ScalarType, style: str | None) -> tuple[str, str | None]:
    """Return the token for a value and its quote style: the author's if quoted, else plain where that is safe."""
    if style is None and plain_type(value) is kind and (kind is not ScalarType.STRING or _PLAIN.fullmatch(value)):
        return value, None
    if style == "'" or (style is None and value.startswith(_JSON)):
        return "'" + value.replace("'", "''") + "'", "'"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"', '"'

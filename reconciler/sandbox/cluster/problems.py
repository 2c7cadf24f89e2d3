"""What is wrong with an object, field by field, in the words of the API server; and its rules for names and labels."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import cause

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.sandbox.cluster.values import Json

IMMUTABLE = "field is immutable"

_LONGEST = 63  # characters of a label's name or value
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = _LABEL + r"(\." + _LABEL + ")*"
_KEY = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_KEY})?"
_ENDS = "and must start and end with an alphanumeric character"
_LABEL_SAYS = (
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', {_ENDS} "
    f"(e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_SUBDOMAIN_SAYS = (
    f"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', {_ENDS} "
    f"(e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_KEY_SAYS = (
    f"must consist of alphanumeric characters, '-', '_' or '.', {_ENDS} "
    f"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_KEY}')"
)
_VALUE_SAYS = (
    f"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', {_ENDS} "
    f"(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '{_VALUE}')"
)
_TOO_LONG = f"must be no more than {_LONGEST} bytes"


class Problems:
    """The causes of a refusal, in the order in which they were found."""

    def __init__(self) -> None:
        self.causes: list[Json] = []

    def required(self, field: str, detail: str = "") -> None:
        """Note that a field must be set."""
        self._add("FieldValueRequired", "Required value", field, detail)

    def invalid(self, field: str, value: object, detail: str) -> None:
        """Note that a field's value breaks a rule."""
        self._add("FieldValueInvalid", f"Invalid value: {shown(value)}", field, detail)

    def duplicate(self, field: str, value: object) -> None:
        """Note that a value is there twice."""
        self._add("FieldValueDuplicate", f"Duplicate value: {shown(value)}", field)

    def missing(self, field: str, value: object) -> None:
        """Note that a field names something that is not there."""
        self._add("FieldValueNotFound", f"Not found: {shown(value)}", field)

    def forbidden(self, field: str, detail: str) -> None:
        """Note that a field may not be set, or not be changed."""
        self._add("FieldValueForbidden", "Forbidden", field, detail)

    def unsupported(self, field: str, value: object, supported: Sequence[str]) -> None:
        """Note that a value is none of those that a field knows."""
        detail = "supported values: " + ", ".join(map(json.dumps, supported))
        self._add("FieldValueNotSupported", f"Unsupported value: {shown(value)}", field, detail)

    def immutable(self, field: str, value: object, before: object) -> None:
        """Note a change of what cannot change."""
        if value != before:
            self.invalid(field, value, IMMUTABLE)

    def negative(self, field: str, value: object) -> None:
        """Note a negative number."""
        if isinstance(value, int) and value < 0:
            self.invalid(field, value, "must be greater than or equal to 0")

    def _add(self, reason: str, says: str, field: str, detail: str = "") -> None:
        self.causes.append(cause(reason, f"{says}: {detail}" if detail else says, field))


def shown(value: object) -> str:
    """Write a value as the server's messages do: a map of texts by its keys, a structure as it is."""
    return json.dumps(_in_order(value), separators=(",", ":"), ensure_ascii=False)


def _in_order(value: object) -> object:
    if not isinstance(value, dict):
        return value
    if all(isinstance(below, str) for below in value.values()):
        return dict(sorted(value.items()))
    return {key: _in_order(below) for key, below in value.items()}


def label_misfits(name: str) -> Iterator[str]:
    """Yield what keeps a text from being a DNS label."""
    if len(name) > _LONGEST:
        yield _TOO_LONG
    if not re.fullmatch(_LABEL, name, re.ASCII):
        yield _LABEL_SAYS


def key_misfits(key: str) -> Iterator[str]:
    """Yield what keeps a text from being the key of a label or an annotation."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        yield f"a valid label key {_KEY_SAYS} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return
    if slash and not prefix:
        yield "prefix part must be non-empty"
    elif prefix and not re.fullmatch(_SUBDOMAIN, prefix, re.ASCII):
        yield f"prefix part {_SUBDOMAIN_SAYS}"
    if not name:
        yield "name part must be non-empty"
    elif len(name) > _LONGEST:
        yield f"name part {_TOO_LONG}"
    if not re.fullmatch(_KEY, name, re.ASCII):
        yield f"name part {_KEY_SAYS}"


def value_misfits(value: str) -> Iterator[str]:
    """Yield what keeps a text from being the value of a label."""
    if len(value) > _LONGEST:
        yield _TOO_LONG
    if not re.fullmatch(_VALUE, value, re.ASCII):
        yield _VALUE_SAYS


def check_labels(labels: Json, field: str, problems: Problems) -> None:
    """Check the keys and values of labels."""
    for key, value in labels.items():
        for misfit in key_misfits(key):
            problems.invalid(field, key, misfit)
        for misfit in value_misfits(value):
            problems.invalid(field, value, misfit)


def check_selector(selector: Json, field: str, problems: Problems) -> None:
    """Check a label selector's labels and expressions."""
    check_labels(selector.get("matchLabels") or {}, f"{field}.matchLabels", problems)
    for index, each in enumerate(selector.get("matchExpressions") or ()):
        where = f"{field}.matchExpressions[{index}]"
        values = each.get("values") or ()
        if each.get("operator") in ("In", "NotIn"):
            if not values:
                problems.required(f"{where}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif each.get("operator") in ("Exists", "DoesNotExist"):
            if values:
                says = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                problems.forbidden(f"{where}.values", says)
        else:
            problems.invalid(f"{where}.operator", each.get("operator", ""), "not a valid selector operator")
        for misfit in key_misfits(each.get("key") or ""):
            problems.invalid(f"{where}.key", each.get("key") or "", misfit)

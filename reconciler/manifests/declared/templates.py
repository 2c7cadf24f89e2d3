"""The templates of an ApplicationSet, filled as Argo CD fills them: placeholders, or a small part of Go's language.

Protects the proof: only what comes out the same here as there is filled in. A function, a condition, a loop, a key that
is missing, a number that Go would write otherwise: each is refused by name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

from reconciler.errors import Refusal, foreign_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_IN_A_LINE = re.compile(r"\{\{.*\}\}")  # without one, Argo CD takes a text for no template
_CHAIN = re.compile(r"(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
_INDEX = re.compile(r'index\s+((?:\.[A-Za-z_][A-Za-z0-9_]*)+|\.)\s+(?:"([^"\\]*)"|([0-9]{1,3}))')
_QUOTABLE = re.compile(r"[ !#-\[\]-~]*")  # what Go's %q leaves as it is
_ASCII = re.compile(r"[ -~]*")
_NOT_IN_A_NAME = re.compile("[^-a-z0-9.]")
_LONGEST_NAME = 253
_PLAIN_NUMBERS = 1_000_000  # Go writes larger ones with an exponent
_SMALLEST = 0.0001  # and smaller ones


def refuse(reason: str, message: str, remedy: str = "edit it by hand") -> NoReturn:
    """Decline to say what an ApplicationSet generates; every reason has its own code."""
    raise Refusal(code=f"locate.appset_{reason}", message=message, remedy=remedy)


def filled(template: Any, values: Mapping[str, Any], *, go: bool) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return a template with every text in it filled, keys included.

    Recursion is bounded, because the template was scanned. Raises Refusal where a text cannot be filled exactly.
    """
    if isinstance(template, dict):
        return {filled(key, values, go=go): filled(below, values, go=go) for key, below in template.items()}
    if isinstance(template, list):
        return [filled(item, values, go=go) for item in template]
    if not isinstance(template, str) or "{{" not in template:
        return template
    return _go(template, values) if go else _placeholders(template, values)


def normalized(name: str) -> str:
    """Return a name as Argo CD's `normalize` makes it: lower case, without what no object's name may hold."""
    return _NOT_IN_A_NAME.sub("-", name.lower())[:_LONGEST_NAME].strip("-.")


def written(value: Any) -> str:  # noqa: ANN401 - JSON has no narrower type
    """Return a value as Go prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and (value == 0 or _SMALLEST <= abs(value) < _PLAIN_NUMBERS):
        return repr(value).removesuffix(".0")
    refuse("value", f"a template prints {foreign_text(repr(value))}, which Go and we may write differently")


def _placeholders(template: str, values: Mapping[str, Any]) -> str:
    """Replace `{{name}}` where there is such a value, and leave it as it stands where there is none."""

    def replaced(match: re.Match[str]) -> str:
        name = match[1].strip()
        return written(values[name]) if name and name in values else match[0]

    if not _IN_A_LINE.search(template):
        return template
    _refuse_open(template)
    return _ACTION.sub(replaced, template)


def _go(template: str, values: Mapping[str, Any]) -> str:
    _refuse_open(template)
    return _ACTION.sub(lambda match: written(_evaluated(match[1], values)), template)


def _evaluated(action: str, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
    """Return what an action says: a field, an element, and functions behind pipes."""
    operand, *functions = (part.strip() for part in action.split("|"))
    value = _operand(operand, values, action)
    for name in functions:
        if name not in _FUNCTIONS or not isinstance(value, str):
            _refuse_action(action)
        value = _FUNCTIONS[name](value)
    return value


def _operand(operand: str, values: Mapping[str, Any], action: str) -> Any:  # noqa: ANN401 - as above
    if _CHAIN.fullmatch(operand):
        return _at(values, operand, action)
    found = _INDEX.fullmatch(operand)
    if found is None:
        _refuse_action(action)
    holder = values if found[1] == "." else _at(values, found[1], action)
    if found[3] is not None and isinstance(holder, list) and int(found[3]) < len(holder):
        return holder[int(found[3])]
    if found[2] is None or not isinstance(holder, dict) or found[2] not in holder:
        _refuse_missing(action)
    return holder[found[2]]


def _at(values: Any, chain: str, action: str) -> Any:  # noqa: ANN401 - as above
    for name in chain[1:].split("."):
        if not isinstance(values, dict) or name not in values:
            _refuse_missing(action)
        values = values[name]
    return values


def _quoted(text: str) -> str:
    return f'"{_ascii(text, _QUOTABLE)}"'


def _ascii(text: str, allowed: re.Pattern[str] = _ASCII) -> str:
    """Return a text whose letters and quotes Go and we treat alike."""
    if not allowed.fullmatch(text):
        refuse("value", f"a template changes {foreign_text(text)}, which Go and we may do differently")
    return text


_FUNCTIONS: dict[str, Callable[[str], str]] = {
    "lower": lambda text: _ascii(text).lower(),
    "upper": lambda text: _ascii(text).upper(),
    "normalize": lambda text: normalized(_ascii(text)),
    "quote": _quoted,
}


def _refuse_open(template: str) -> None:
    """Argo CD fails on braces that nothing closes."""
    if "{{" in _ACTION.sub("", template):
        _refuse_action(template)


def _refuse_action(action: str) -> NoReturn:
    refuse("template", f"the template says {foreign_text(action.strip())}, which is more than we fill in")


def _refuse_missing(action: str) -> NoReturn:
    refuse("missing_key", f"the template reads {foreign_text(action.strip())}, which an element does not have")

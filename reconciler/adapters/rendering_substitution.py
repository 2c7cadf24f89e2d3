"""Variables of a Kustomization of Flux, filled into what kustomize has built, as kustomize-controller does it.

Object by object, as text: what looks like a number afterwards is one. Source: fluxcd/pkg kustomize 1.35 and envsubst
1.7. Protects the proof: an expression that is not repeated here exactly is refused by name. A variable whose value is
not known stands as itself between two marks, so that what does not depend on it can be compared. One that nobody gives
is empty: where Flux is strict it builds nothing at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote

from reconciler.adapters.rendering_output import objects
from reconciler.errors import Refusal, foreign_text
from reconciler.manifests.editing.scalars import ScalarType, plain_type
from reconciler.model.rendering import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.delivery import KustomizeOptions

_SWITCH = "kustomize.toolkit.fluxcd.io/substitute"
_NAME = re.compile(r"[_A-Za-z][_A-Za-z0-9]*")
_DOLLAR = re.compile(r"\$\$|\$\{(?P<name>[_A-Za-z0-9]*)(?P<rest>[^}]*)(?P<end>\}?)")
_DEFAULTS = (":=", ":-", "=")  # the same to Flux: for a variable that is empty too
_SHOWN = 80  # characters of an expression in a message


def substituted(output: bytes, options: KustomizeOptions) -> bytes:
    """Return what was built with the variables filled in.

    Raises Refusal, with a code `rendering.…`, where that cannot be said exactly.
    """
    if not (options.variables or options.fills_always or options.variables_from):
        return output
    for name, _ in options.variables:
        if not _NAME.fullmatch(name):
            _refuse(f"{foreign_text(name)} is no name of a variable")
    documents = re.split(r"^---\n", output.decode(), flags=re.MULTILINE)
    return "---\n".join(_filled_in(document, options) for document in documents).encode()


def _filled_in(document: str, options: KustomizeOptions) -> str:
    found = objects(document.encode())
    if len(found) > 1:
        _refuse("a list of objects is built")
    switches = [found[0]["metadata"].get(key) or {} for key in ("labels", "annotations")] if found else []
    if any(isinstance(switch, dict) and switch.get(_SWITCH) == "disabled" for switch in switches):
        return document
    filled = _filled(document, options)
    if filled != document:
        _refuse_disputed(document, filled)
    return filled


def _filled(text: str, options: KustomizeOptions) -> str:
    """Return a text with its expressions evaluated, from left to right; what they give is not looked at again."""
    values = {name: value.replace("\n", "") for name, value in options.variables}
    surely = bool(values) or options.fills_always  # else it depends on variables that are not known

    def value_of(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$" if surely else _unknown(found[0])
        name, rest = found["name"], found["rest"]
        if not found["end"]:
            _refuse(f"{_shown(found)} has no end")
        if name not in values and options.variables_from:
            if "${" in rest:
                _refuse(f"{_shown(found)} holds another expression")
            return _unknown(found[0])
        operator = next((known for known in _DEFAULTS if rest.startswith(known)), "")
        default = rest.removeprefix(operator)
        if not name or (rest and not operator) or "${" in default:
            _refuse(f"{_shown(found)} is more than a variable with a default")
        return values.get(name) or default

    return _DOLLAR.sub(value_of, text)


def _unknown(expression: str) -> str:
    return f"{UNKNOWN}{quote(expression, safe='')}{UNKNOWN}"


def _shown(found: re.Match[str]) -> str:
    return foreign_text(found[0][:_SHOWN])


def _refuse_disputed(before: str, after: str) -> None:
    """Refuse a value that is text to some readers of YAML and something else to others."""
    objects(after.encode())  # within limits, before it is read here
    known = set(_plain_scalars(before))
    for token in _plain_scalars(after):
        if token not in known and plain_type(token) is ScalarType.DISPUTED:
            _refuse("a variable gives what is not the same to every reader of YAML")


def _plain_scalars(document: str) -> Iterator[str]:
    import yaml

    for event in yaml.parse(document):
        if isinstance(event, yaml.ScalarEvent) and event.style is None:
            yield event.value


def _refuse(message: str) -> NoReturn:
    raise Refusal(
        code="rendering.substitution",
        message=f"Flux's substitution cannot be repeated: {message}",
        remedy="edit it by hand",
    )

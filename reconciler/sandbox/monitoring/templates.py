"""The part of Go's templates that alert rules use: `{{ $labels.NAME }}` and `{{ $value }}`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from reconciler.sandbox.monitoring.samples import Labels

_ACTION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_LABEL = re.compile(r"(?:\$labels|\.Labels)\.(\w+)")
_PLAIN_UP_TO = 1e21  # where Go begins to write an exponent


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places to fill in. Raises NotInSandbox for any other action."""

    text: str

    def __post_init__(self) -> None:
        for action in _ACTION.finditer(self.text):
            inner = action[1].strip()
            if action[0] != "{{" + action[1] + "}}" or not (_LABEL.fullmatch(inner) or inner in ("$value", ".Value")):
                raise NotInSandbox(f"the template action {action[0]}")

    def filled(self, labels: Labels, value: float) -> str:
        """Return the text for an alert; a label that is not there is empty."""

        def fill(action: re.Match[str]) -> str:
            label = _LABEL.fullmatch(action[1].strip())
            return labels.get(label[1], "") if label else plain(value)

        return _ACTION.sub(fill, self.text)


def plain(value: float) -> str:
    """Write a number as Go's `%v` does."""
    if value == value and abs(value) < _PLAIN_UP_TO and value == int(value):  # noqa: PLR0124 - not a NaN
        return str(int(value))
    return repr(value).replace("inf", "Inf").replace("nan", "NaN").replace("Inf", "+Inf", value > 0)

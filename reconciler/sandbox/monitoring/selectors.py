"""Which series a selector means."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from reconciler.sandbox.monitoring.samples import NAME
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from promql_parser import VectorSelector

    from reconciler.sandbox.monitoring.history import History
    from reconciler.sandbox.monitoring.samples import Labels
    from reconciler.sandbox.monitoring.series import Series

# What Go's regular expressions have and Python's lack or read otherwise.
_FOREIGN = re.compile(r"\[\[:|\\[pPzCQEAx]|\(\?[a-zA-Z-]*[UR]|\(\?<[^=!]|\{,|[+*?}]\+")
_KINDS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}


class Matcher(NamedTuple):
    """One condition on a label; a label that is not there is empty."""

    label: str
    kind: str  # =, !=, =~ or !~
    text: str

    def holds(self, labels: Labels) -> bool:
        """Whether labels meet the condition."""
        value = labels.get(self.label, "")
        equal = value == self.text if self.kind in ("=", "!=") else pattern(self.text).fullmatch(value) is not None
        return equal is (self.kind[0] == "=")


def matchers_of(selector: VectorSelector) -> list[Matcher]:
    """Return a selector's conditions, the metric's name among them. Raises NotInSandbox for `or`."""
    if selector.matchers.or_matchers:
        raise NotInSandbox("PromQL's `or` between matchers")
    found = [Matcher(m.name, _KINDS[str(m.op)], m.value) for m in selector.matchers.matchers]
    for matcher in found:
        if matcher.kind in ("=~", "!~"):
            pattern(matcher.text)  # refused now, not at the first series
    return [Matcher(NAME, "=", selector.name), *found] if selector.name else found


def name_of(matchers: list[Matcher]) -> str | None:
    """Return the one name that series must have, or None when there may be several."""
    return next((m.text for m in matchers if m.label == NAME and m.kind == "="), None)


def find(history: History, matchers: list[Matcher], skip: int = 0) -> list[Series]:
    """Return the series that meet all conditions, now or in the past; of those of one name, less the first `skip`."""
    name = name_of(matchers)
    rest = [matcher for matcher in matchers if matcher != (NAME, "=", name)]
    return [series for series in history.of(name, skip) if all(matcher.holds(series.labels) for matcher in rest)]


@lru_cache(maxsize=512)
def pattern(text: str) -> re.Pattern[str]:
    """Compile a regular expression of Go's; refuses what Python would read in another way."""
    if _FOREIGN.search(text):
        raise NotInSandbox(f"the regular expression {text!r}")
    try:
        return re.compile(text, re.ASCII)
    except re.error as error:
        raise NotInSandbox(f"the regular expression {text!r} ({error})") from error

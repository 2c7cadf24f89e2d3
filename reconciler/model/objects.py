"""Names of things in a cluster, and the fields inside them.

`ObjectRef` carries its cluster from the first day: an Application may live in another cluster than what it delivers.
A `FieldPath` names list items by identity (`containers[name=app]`), never by position. It may go on into a text that
a field holds, such as a configuration file in a ConfigMap: `data."app.properties"{LOG_LEVEL}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

CommitId = NewType("CommitId", str)  # 40 hex digits; a branch name cannot slip in

_STEP = re.compile(
    r"\.?(?:\"(?P<quoted>[^\"]+)\"|(?P<key>[^.\[\]{}\"]+)|\[(?P<name>\w+)=(?P<value>[^\]]+)\]|\{(?P<inner>[^}]+)\})"
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ObjectRef:
    """One Kubernetes object by name; group is empty for core kinds, namespace for cluster-scoped ones."""

    cluster: str
    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def key(self) -> str:
        """A stable text identity, for hashes and for the ledger."""
        return f"{self.cluster}|{self.group}/{self.kind}|{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """A list item by its merge key, such as `name=app` in `containers`."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, order=True)
class Inner:
    """A key inside the text that a field holds; several, one below the other, where the text is nested."""

    name: str


Step = str | Item | Inner
FieldPath = tuple[Step, ...]


def format_path(path: FieldPath) -> str:
    """Write a field path the way `kubectl explain` readers know it: `spec.containers[name=app].image`."""
    text = ""
    for step in path:
        if isinstance(step, Item):
            text += f"[{step.key}={step.value}]"
        elif isinstance(step, Inner):
            text += f"{{{step.name}}}"
        else:
            key = f'"{step}"' if re.search(r"[.\[\]{}]", step) else step
            text += f".{key}" if text else key
    return text


def parse_path(text: str) -> FieldPath:
    """Read what `format_path` wrote.

    Raises ValueError when the text is not a field path.
    """
    steps: list[Step] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            msg = f"not a field path at character {position}: {text!r}"
            raise ValueError(msg)
        if match["name"]:
            steps.append(Item(match["name"], match["value"]))
        elif match["inner"]:
            steps.append(Inner(match["inner"]))
        else:
            steps.append(match["quoted"] or match["key"])
        position = match.end()
    return tuple(steps)

"""The tokens of made-up YAML: scalars in any quotes, flow collections, anchors, comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

WORDS = (
    "web",
    "512Mi",
    "1Gi",
    "250m",
    "front of house",
    "nginx:1.27",
    "/healthz",
    "v1.10",
    "é",
    "a-b_c",
    "x=y",
    "info",
)
ODD = (
    "yes",
    "0777",
    "1e3",
    "null",
    "12",
    "a: b",
    "c #d",
    "- e",
    "{f",
    "g,h",
    "it's",
    'a "b"',
    "",
    " x",
    "on",
    "1:30",
    "~",
    "*x",
)
BARE = (
    "3",
    "0",
    "-1",
    "1.5",
    "true",
    "false",
    "True",
    "0o17",
    "2026-03-01",
    ".inf",
    "yes",
    "1_000",
    "0777",
    "1e3",
    "~",
    "",
)
KEYS = (
    "name",
    "image",
    "limits",
    "memory",
    "cpu",
    "replicas",
    "labels",
    "annotations",
    "data",
    "value",
    "spec",
    "ports",
)
ODD_KEYS = (
    '"example.com/role"',
    "'yes'",
    '"12"',
    "app.kubernetes.io/name",
    "with space",
    '"a: b"',
    "'é'",
    "no-quotes_2",
)
COMMENTS = ("# why", "# memory: 1Gi", "#", "# {not: flow", "# 'quote\" é 🚪", "#    - name: x")


class Tokens:
    """Writes what stands on one line."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.noise = rng.choice((0.0, 0.1, 0.4))  # comments and blank lines
        self.anchors: list[str] = []  # of scalars, in this document
        self.names = 0  # of list items so far

    def flow_node(self, depth: int) -> str:
        """Return a mapping, a list or one of the two without anything in it."""
        if self.chance(0.4):
            return self.rng.choice(("{}", "{}", "[]", "{ }"))
        return self.flow_mapping(depth) if self.chance(0.6) else self.flow_sequence(depth)

    def flow_mapping(self, depth: int) -> str:
        """Return a mapping in braces."""
        pad = self.rng.choice(("", "", " "))
        quote = self.rng.choice(("", "", '"'))
        entries = []
        for key in dict.fromkeys(self.rng.choice(KEYS) for _ in range(self.rng.randint(1, 3))):
            value = self.flow_node(depth + 1) if depth < 4 and self.chance(0.2) else self.flow_scalar()
            entries.append(f"{quote}{key}{quote}: {value}")
        return f"{{{pad}{', '.join(entries)}{',' if self.chance(0.03) else ''}{pad}}}"

    def flow_sequence(self, depth: int) -> str:
        """Return a list in brackets, of scalars or of items with names."""
        if self.chance(0.5):
            return f"[{', '.join(self.flow_scalar() for _ in range(self.rng.randint(1, 3)))}]"
        items = []
        for _ in range(self.rng.randint(1, 2)):
            self.names += 1
            items.append(f"{{name: n{self.names}, value: {self.flow_scalar()}}}")
        if self.chance(0.05):
            items.append("single: pair")
        return f"[{', '.join(items)}]" if depth < 9 else "[]"

    def scalar(self) -> str:
        """Return a token for a block context."""
        kind = self.rng.random()
        if kind < 0.4:
            return self.rng.choice(WORDS)
        if kind < 0.6:
            return self.rng.choice(BARE)
        return self.quoted(self.rng.choice(WORDS + ODD))

    def flow_scalar(self) -> str:
        """Return a token that may stand between braces."""
        return self.rng.choice(("512Mi", "1", "true", "web", "'a, b'", '"x"', "1.5", "a-b", "'it''s'", '"]"'))

    def quoted(self, value: str) -> str:
        """Return a value in quotes of either kind."""
        if self.chance(0.5):
            return "'" + value.replace("'", "''") + "'"
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def anchored(self, token: str) -> str:
        """Give a token an anchor, a tag or neither, or use an anchor that was given."""
        kind = self.rng.random()
        if kind < 0.04:
            self.anchors.append(f"a{len(self.anchors)}")
            return f"&{self.anchors[-1]} {token}"
        if kind < 0.05:
            return f"!!str {token}"
        if kind < 0.15 and self.anchors:
            return f"*{self.rng.choice(self.anchors)}"
        return token

    def remark(self) -> str:
        """Return a comment for the end of a line, or nothing."""
        if self.chance(self.noise / 2):
            return self.rng.choice(("  ", " ")) + self.rng.choice(COMMENTS)
        return "   " if self.chance(0.02) else ""

    def clutter(self, indent: int) -> list[str]:
        """Return comments and blank lines, at any indent."""
        lines = []
        while self.chance(self.noise):
            pad = " " * self.rng.choice((indent, indent, 0, indent + 2))
            lines.append(self.rng.choice(("", pad + self.rng.choice(COMMENTS))))
        return lines

    def chance(self, share: float) -> bool:
        """Tell yes this often."""
        return self.rng.random() < share

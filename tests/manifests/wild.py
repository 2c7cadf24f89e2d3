"""YAML as it is found in the wild, made up from a seed: any indent, flow, quotes, comments, line ends, blocks of text.

The writer keeps no record of what it wrote: whoever wants to know reads the text with a parser of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.manifests.wild_tokens import KEYS, ODD_KEYS, Tokens

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

TEXTS = {
    "app.yaml": (
        "# top",
        "server:",
        "  port: 80  # x",
        "  tls: {on: 'no', min: 1.2}",
        "",
        'level: "info"',
        "list: [1, 2]",
    ),
    "app.json": ("{", '  "server": {"port": 80, "tls": true},', '  "level": "info",', '  "ratio": 0.5', "}"),
    "app.properties": ("# server.port=1", "server.port=80", "level = info", "greeting=hello world", "empty=", "a.b: c"),
    "app.ini": ("; main", "[server]", "port = 80", "level = info", "[client]", "port = 81", "name = x y"),
    "app.env": ("LEVEL=info", "export PORT=80", 'NAME="x y"', "# LEVEL=debug", "OTHER='z'"),
    "notes.txt": ("level = info", "", "  deeper", "* *"),
    "run.sh": ("#!/bin/sh", "set -e", "echo $HOME"),
}


class Wild(Tokens):
    """Writes one random file."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.step = rng.choice((2, 2, 2, 2, 4, 3, 1))
        self.flush = rng.choice((True, False, None))  # dashes of lists; None: now this way, now that
        self.gap = rng.choice(("- ", "- ", "- ", "-   "))
        self.flow = rng.choice((0.05, 0.2, 0.6))
        self.maps: list[str] = []

    def file(self) -> bytes:
        """Return a file of one to three documents."""
        documents = [self.document() for _ in range(self.rng.choice((1, 1, 1, 2, 3)))]
        lines = documents[0] if self.chance(0.7) else ["---", *documents[0]]
        for document in documents[1:]:
            lines += [self.rng.choice(("---", "---", "--- # next")), *document]
        if self.chance(0.05):
            lines.append("...")
        line_break = "\r\n" if self.chance(0.15) else "\n"
        text = line_break.join(lines) + (line_break if self.chance(0.8) else "")
        return self._spoilt(text, line_break).encode()

    def document(self) -> list[str]:
        """Return the lines of a document that is a mapping, most of the time."""
        self.anchors, self.maps = [], []
        if self.chance(0.02):
            return [self.rng.choice(("[]", "text", "- a\n- b", "{}", "# nothing"))]
        head = (
            ["apiVersion: v1", "kind: Thing", "metadata:", f"{' ' * self.step}name: thing"] if self.chance(0.5) else []
        )
        return [*head, *self.mapping(0, 0, taken={"apiVersion", "kind", "metadata"})]

    def mapping(self, indent: int, depth: int, taken: set[str] | None = None) -> list[str]:
        """Return the lines of a block mapping."""
        lines: list[str] = []
        pad = " " * indent
        for key in self.keys(taken or set()):
            lines += self.clutter(indent)
            lines += [pad + line if number == 0 else line for number, line in enumerate(self.entry(key, indent, depth))]
        return lines

    def keys(self, taken: set[str]) -> Iterator[str]:
        """Yield the keys of a mapping, as they are written."""
        found = set(taken)
        for _ in range(self.rng.choice((1, 1, 2, 3, 4))):
            key = self.rng.choice(KEYS if self.chance(0.85) else ODD_KEYS)
            if key not in found or self.chance(0.002):
                found.add(key)
                yield key
        if found == taken:
            yield "only"

    def entry(self, key: str, indent: int, depth: int) -> list[str]:
        """Return the lines of a key and its value, the first one without its indent."""
        kind = self.rng.random()
        if depth < 5 and kind < 0.35:
            return self.nested(key, indent, depth)
        if depth < 5 and kind < 0.5:
            return self.sequence(key, indent, depth)
        if kind < 0.58:
            return self.text_block(indent)
        if kind < 0.6:
            return self.long_scalar(key, indent)
        if kind < 0.62:
            return self.rare(key, indent)
        if kind < 0.7:
            return [f"{key}: {self.flow_node(depth)}{self.remark()}"]
        return [f"{key}: {self.anchored(self.scalar())}{self.remark()}".rstrip(" " if self.chance(0.9) else "")]

    def nested(self, key: str, indent: int, depth: int) -> list[str]:
        """Return a key whose value is a mapping."""
        if self.chance(self.flow):
            return [f"{key}: {self.flow_mapping(depth)}{self.remark()}"]
        inside = indent + self.step
        if self.chance(0.1) and self.maps:
            merge = f"{' ' * inside}<<: *{self.rng.choice(self.maps)}"
            return [f"{key}:", merge, *self.mapping(inside, 9)]
        mark = " !!map" if self.chance(0.02) else ""
        if self.chance(0.03):
            below = self.mapping(inside, 9)  # written before its name is known, so that it cannot hold itself
            self.maps.append(f"m{len(self.maps)}")
            return [f"{key}: &{self.maps[-1]}{self.remark()}", *below]
        return [f"{key}:{mark}{self.remark()}", *self.mapping(indent + self.step, depth + 1)]

    def sequence(self, key: str, indent: int, depth: int) -> list[str]:
        """Return a key whose value is a list, of mappings by name as a rule."""
        if self.chance(self.flow):
            return [f"{key}: {self.flow_sequence(depth)}{self.remark()}"]
        flush = self.chance(0.5) if self.flush is None else self.flush
        at = indent if flush else indent + self.step
        lines = [f"{key}:{self.remark()}"]
        if self.chance(0.2):
            return lines + [
                f"{' ' * at}{self.gap}{self.scalar()}{self.remark()}" for _ in range(self.rng.randint(1, 3))
            ]
        for _ in range(self.rng.randint(1, 3)):
            lines += [*self.clutter(at), *self.item(at, depth)]
        return lines

    def item(self, at: int, depth: int) -> list[str]:
        """Return a list item that has a name, first or elsewhere."""
        self.names += 1
        name = f"name: {self.rng.choice(('', chr(34), chr(39)))}"
        name += f"n{self.names}" + name[6:]
        pad = " " * at
        if self.chance(self.flow):
            return [f"{pad}{self.gap}{{{name}, value: {self.flow_scalar()}}}{self.remark()}"]
        inside = at + len(self.gap)
        first, *rest = self.mapping(inside, depth + 2, taken={"name"})
        while first.strip() == "" or first.lstrip().startswith("#"):
            first, *rest = rest
        if self.chance(0.7):
            return [f"{pad}{self.gap}{name}{self.remark()}", first, *rest]
        return [f"{pad}{self.gap}{first.lstrip(' ')}", *rest, f"{' ' * inside}{name}{self.remark()}"]

    def text_block(self, indent: int) -> list[str]:
        """Return a key whose value is a literal or folded block."""
        name = self.rng.choice(list(TEXTS))
        style = self.rng.choice(("|", "|", "|", "|", "|-", "|-", "|+", ">", ">-", "|2"))
        step = 2 if style == "|2" else self.step
        lines = [f"{name}: {style}{self.remark()}"]
        lines += [(" " * (indent + step) + line) if line else "" for line in TEXTS[name]]
        return lines + [""] * self.rng.choice((0, 0, 0, 1, 2))

    def rare(self, key: str, indent: int) -> list[str]:
        """Return a key whose value is laid out as hardly anybody does."""
        pad, inside = " " * indent, " " * (indent + self.step)
        braces = [f"{key}: {{", f"{inside}a: 1,{self.remark()}", f"{inside}'b': {{c: d}}{self.remark()}", f"{pad} }}"]
        item = [f"{key}:", f"{pad}-{self.remark()}", f"{pad}  name: lone", f"{pad}  value: x"]
        twice = [f"{key}:", f"{pad}- - name: inner", f"{pad}    value: 1", f"{pad}  - name: other"]
        explicit = [f"? {key}", f"{pad}: {self.scalar()}"]
        tab = [f"{key}:\t{self.flow_scalar()}"]
        empties = [
            f"{key}:",
            f"{inside}a:",
            f"{inside}b: ",
            f"{inside}c: [,]" if self.chance(0.05) else f"{inside}c: []",
        ]
        return self.rng.choice((braces, item, twice, explicit, tab, empties))

    def long_scalar(self, key: str, indent: int) -> list[str]:
        """Return a key whose value goes on on the next line."""
        pad = " " * (indent + self.step)
        return self.rng.choice(([f"{key}: one", f"{pad}two"], [f'{key}: "one', f'{pad}two"'], [f"{key}:", f"{pad}one"]))

    def _spoilt(self, text: str, line_break: str) -> str:
        """Put something into a few files that makes them unfit for any edit."""
        kind = self.rng.random()
        if kind < 0.004:
            return text + f"{line_break}---{line_break}x: {{{{ .Values.x }}}}"
        if kind < 0.006:
            return text + f"{line_break}x:{line_break}\t- 1"
        if kind < 0.008:
            return text + f"{line_break}# a\u2028b"
        if kind < 0.010:
            return text + f"{line_break}--- {{sops: {{mac: x}}}}"
        if kind < 0.012:
            return text + "# lone\rreturn"
        return "\ufeff" + text if kind > 0.97 else text

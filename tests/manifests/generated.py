"""Manifests as people write them, made up by hypothesis: comments, quotes, flow maps, several documents, any layout."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from reconciler.model.action import FieldChange
from reconciler.model.objects import FieldPath, Item, ObjectRef

QUANTITIES = ["64Mi", "128Mi", "512Mi", "1Gi", "1.5Gi", "2", "250m", "1500m"]
WORDS = [
    "shop",
    "front of house",
    "it's",
    'a "b"',
    "yes",
    "0777",
    "1e3",
    "null",
    "12",
    "a: b",
    "c #d",
    "- e",
    "é",
    "",
    "{f",
    "g,h",
]
IMAGES = ["nginx:1.27", "registry.example/team/web:2.0.1", "web@sha256:0123456789abcdef"]
COMMENTS = ["", "", "", "  # measured in May: 512Mi", " # ümlaut 🚪 'quoted\"", "   "]
FILLERS = ["", "# memory: 512Mi", "    # {indented: comment", "#"]


@dataclass(frozen=True)
class Field:
    """A scalar in a generated file: where it stands, and the text around its token."""

    path: FieldPath
    line: int
    prefix: str
    suffix: str
    value: str
    pool: tuple[str, ...]


@dataclass
class Page:
    """A file while it is written."""

    draw: DrawFn
    lines: list[str] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)

    def line(self, text: str) -> None:
        """Write a line, now and then after a blank or a comment."""
        if self.draw(st.integers(0, 5)) == 0:
            self.lines.append(self.draw(st.sampled_from(FILLERS)))
        self.lines.append(text)

    def scalar(self, path: FieldPath, prefix: str, pool: list[str], *, plain: bool = False) -> None:
        """Write a line `prefix: value` in any quotes that the value allows."""
        value = self.draw(st.sampled_from(pool))
        numbers = [value] if pool is QUANTITIES else []  # such as a bare 2
        token = self.draw(st.sampled_from([value] if plain else tokens(value) + numbers))
        comment = self.draw(st.sampled_from(COMMENTS))
        self.line(f"{prefix}: {token}{comment}")
        self.fields.append(Field(path, len(self.lines) - 1, f"{prefix}: ", comment, value, tuple(pool)))

    def flow(self, path: FieldPath, prefix: str, keys: list[str]) -> None:
        """Write amounts as a flow map on one line."""
        values = [self.draw(st.sampled_from(QUANTITIES[:4])) for _ in keys]
        written = [
            f"{key}: {self.draw(st.sampled_from(tokens(value)))}" for key, value in zip(keys, values, strict=True)
        ]
        comment = self.draw(st.sampled_from(COMMENTS))
        self.line(f"{prefix}: {{{', '.join(written)}}}{comment}")
        for number, (key, value) in enumerate(zip(keys, values, strict=True)):
            before = f"{prefix}: {{" + "".join(f"{w}, " for w in written[:number]) + f"{key}: "
            after = "".join(f", {w}" for w in written[number + 1 :]) + "}" + comment
            self.fields.append(Field((*path, key), len(self.lines) - 1, before, after, value, tuple(QUANTITIES[:5])))


def tokens(value: str) -> list[str]:
    """Return the ways to write a value that every reader understands alike."""
    single = "'" + value.replace("'", "''") + "'"
    double = '"' + value.replace('"', '\\"') + '"'
    safe = value[:1].isalnum() and all(c.isalnum() or c in "./" for c in value) and value.isascii()
    text = safe and any(c.isupper() or c == "/" for c in value)  # such as 512Mi
    return [single, double, value] if text or value in ("shop", "250m", "1500m") else [single, double]


@dataclass(frozen=True)
class Generated:
    """A file, the object to edit in it, the object's fields, and a few changes of them."""

    data: bytes
    target: ObjectRef
    fields: tuple[Field, ...]
    changes: tuple[FieldChange, ...]


@st.composite
def files(draw: DrawFn) -> Generated:
    """Draw a file with one to three objects, and changes of one of them."""
    page = Page(draw)
    names = draw(st.lists(st.sampled_from(["web", "api", "jobs"]), min_size=1, max_size=3, unique=True))
    wanted = draw(st.sampled_from(names))
    fields: list[Field] = []
    for number, name in enumerate(names):
        if number or draw(st.booleans()):
            page.line(draw(st.sampled_from(["---", "--- # next"])))
        page.fields.clear()
        _deployment(page, name)
        fields = list(page.fields) if name == wanted else fields
    chosen = draw(st.lists(st.sampled_from(fields), min_size=1, max_size=3, unique=True))
    changes = [FieldChange(path=f.path, before=f.value, after=draw(st.sampled_from(f.pool))) for f in chosen]
    eol, bom = draw(st.sampled_from(["\n", "\n", "\r\n"])), draw(st.sampled_from(["", "", "\ufeff"]))
    text = bom + eol.join(page.lines) + draw(st.sampled_from(["", eol]))
    target = ObjectRef(cluster="default", group="apps", kind="Deployment", namespace="production", name=wanted)
    return Generated(text.encode(), target, tuple(fields), tuple(changes))


def _deployment(page: Page, name: str) -> None:
    page.line("apiVersion: apps/v1")
    page.line("kind: Deployment")
    page.line("metadata:")
    page.line(f"  name: {name}")
    if page.draw(st.booleans()):
        page.line("  namespace: production")
    page.line("  annotations:")
    page.scalar(("metadata", "annotations", "team"), "    team", WORDS)
    page.scalar(("metadata", "annotations", "example.com/note"), '    "example.com/note"', WORDS)
    page.line("spec:")
    page.scalar(("spec", "replicas"), "  replicas", ["0", "1", "3", "12"], plain=True)
    page.scalar(("spec", "paused"), "  paused", ["true", "false"], plain=True)
    page.line("  template:")
    page.line("    spec:")
    for section in page.draw(st.permutations(["initContainers", "containers"])):
        page.line(f"      {section}:")
        dash = page.draw(st.sampled_from(["      ", "        "]))  # flush or indented
        for container in page.draw(st.lists(st.sampled_from(["web", "proxy"]), min_size=1, max_size=2, unique=True)):
            _container(page, ("spec", "template", "spec", section, Item("name", container)), container, dash)


def _container(page: Page, path: FieldPath, name: str, dash: str) -> None:
    starts = iter([f"{dash}- ", *[f"{dash}  "] * 9])
    for part in page.draw(st.permutations(["name", "image", "resources", "env"])):
        start = next(starts)
        if part == "name":
            page.line(f"{start}name: {name}")
        elif part == "image":
            page.scalar((*path, "image"), f"{start}image", IMAGES)
        elif part == "env":
            page.line(f"{start}env:")
            page.line(f"{dash}  - name: MODE")
            page.scalar((*path, "env", Item("name", "MODE"), "value"), f"{dash}    value", WORDS)
        else:
            page.line(f"{start}resources:")
            _resources(page, (*path, "resources"), f"{dash}    ")


def _resources(page: Page, path: FieldPath, indent: str) -> None:
    for half in page.draw(st.permutations(["limits", "requests"])):
        if page.draw(st.booleans()):
            page.flow((*path, half), f"{indent}{half}", ["cpu", "memory"])
        else:
            page.line(f"{indent}{half}:")
            page.scalar((*path, half, "memory"), f"{indent}  memory", QUANTITIES)

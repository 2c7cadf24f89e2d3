"""Which files of a commit a git generator reads.

Argo CD matches patterns in one of two ways, by a switch of its controller that nothing shows: as `git ls-files` does,
where `*` goes through folders, or by a stricter one. Protects the proof: where the two differ for a
repository's files, there is a refusal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.errors import foreign_text
from reconciler.manifests.declared.templates import refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_UNCLEAR = re.compile(
    r"[\[\]{}\\]|\*{3}|^[:/]|(?:^|/)\.{0,2}(?:/|$)"
)  # sets, alternatives, magic, steps that mean more


def selected(entries: Sequence[Mapping[str, object]], paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that the entries of a generator's `files` include and do not exclude.

    Raises Refusal where Argo CD's two ways differ.
    """
    there = tuple(paths)
    ways = [_selected(entries, there, way) for way in (_by_git, _strictly)]
    if ways[0] != ways[1]:
        shown = ", ".join(foreign_text(str(entry.get("path"))) for entry in entries)
        refuse("glob", f"Argo CD may read {shown} in two ways, which differ here", "name the files more closely")
    return ways[0]


def may_select(entries: Sequence[Mapping[str, object]], path: str) -> bool:
    """Tell whether an entry may include a path, in either way."""
    included = [str(entry.get("path") or "") for entry in entries if entry.get("exclude") is not True]
    return any(_UNCLEAR.search(pattern) or _by_git(pattern)(path) or _strictly(pattern)(path) for pattern in included)


def folder_of(entries: Sequence[Mapping[str, object]]) -> str:
    """Return the deepest folder that holds everything the entries may include."""
    included = [str(entry.get("path") or "") for entry in entries if entry.get("exclude") is not True]
    steps = [re.split(r"[*?]", pattern, maxsplit=1)[0].split("/")[:-1] for pattern in included]
    common = []
    for level in zip(*steps, strict=False):
        if len(set(level)) > 1:
            break
        common.append(level[0])
    return "/".join(common)


def _selected(
    entries: Sequence[Mapping[str, object]], paths: Sequence[str], way: Callable[[str], Callable[[str], bool]]
) -> tuple[str, ...]:
    found: set[str] = set()
    for exclude in (False, True):
        for entry in entries:
            pattern = str(entry.get("path") or "")
            if (entry.get("exclude") is True) is not exclude:
                continue
            if _UNCLEAR.search(pattern):
                refuse("glob", f"{foreign_text(pattern)} is no pattern that we read as Argo CD does", "name the files")
            matches = way(pattern)
            matched = {path for path in paths if matches(path)}
            found = found - matched if exclude else found | matched
    return tuple(sorted(found))


def _by_git(pattern: str) -> Callable[[str], bool]:
    """`git ls-files`: every `*` goes through folders, `?` is a byte, and a folder stands for all below it."""
    pieces = [re.escape(piece).replace(r"\?", ".") for piece in _bytes(pattern).split("*")]
    wild = re.compile(_with_gaps(pieces, ".*?"), re.DOTALL)
    return lambda path: path.startswith(f"{pattern}/") or wild.fullmatch(_bytes(path)) is not None


def _bytes(text: str) -> str:
    """Return a text with a character for each of its bytes."""
    return text.encode().decode("latin-1")


def _strictly(pattern: str) -> Callable[[str], bool]:
    """Step by step: only `**` goes through folders, any number of them."""
    pieces, steps = [""], pattern.split("/")
    for number, step in enumerate(steps):
        if step == "**":  # at the end it is the file, and any folders above it
            pieces.append("[^/]+/" if number == len(steps) - 1 else "")
        else:
            parts = [re.escape(part).replace(r"\?", "[^/]") for part in re.split(r"\*+", step)]
            pieces[-1] += _with_gaps([*parts[:-1], f"{parts[-1]}/"], "[^/]*?")
    wild = re.compile(_with_gaps(pieces, "(?:[^/]+/)*?"), re.DOTALL)
    return lambda path: wild.fullmatch(f"{path}/") is not None


def _with_gaps(pieces: Sequence[str], gap: str) -> str:
    """Return a regular expression for these pieces with gaps between them.

    Each piece but the last is looked for once, where it fits first: a later place leaves no more to what follows, and
    a pattern of many asterisks would keep us busy for hours with all of them.
    """
    first, *more = pieces
    last = len(more) - 1
    return first + "".join(f"({'?:' if n == last else '?>'}{gap}{piece})" for n, piece in enumerate(more))

"""Which entries of a Git tree may be edited, and how Argo CD's globs match paths.

Protects against paths that lead elsewhere: editing in the object database cannot leave the repository, but what is
committed is checked out by others, on file systems that follow links and fold case.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from reconciler.errors import Refusal, foreign_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.model.proposal import TreeFile

REGULAR_MODES = (0o100644, 0o100755)
FOLDER_MODE = 0o040000
_PIPELINE_FOLDERS = frozenset({".github", ".gitea", ".forgejo", ".gitlab", ".circleci"})  # their files run as code
_DENIED_NAMES = (
    "codeowners",
    ".argocd-source*",
    ".gitlab-ci.*",
    "*.sops.*",
    "*.key",
    "*.key.*",
    "*.pem",
    "*.pem.*",
    "id_rsa*",
    "id_ecdsa*",
    "id_ed25519*",
)

_GLOB_TOKEN = re.compile(r"\*+|\\.|\[(?:\\.|[^\]\\])+\]|[^\[\\]", re.DOTALL)
_GLOB_RANGE = re.compile(r"(.)-(.)", re.DOTALL)
_DEEPEST = 16  # lists inside lists; people write one or two, and what reads them recurses
_FEW = 2  # choices in one way through a pattern: a regular expression tries each with each
_GLOB_TERMS = {"{": "(?:", ",": "|", "}": ")"}


def refuse_unsafe_entry(file: TreeFile, entries: Iterable[TreeFile], allowed_paths: Sequence[str]) -> None:
    """Refuse a file that is no regular one, could be another one elsewhere, or must not change.

    `entries` are what stands in the folders that lead to it, folders included. Raises Refusal with a code `locate.…`.
    """
    _refuse_mode(file)
    _refuse_path(file.path)
    _refuse_parents_and_twins(file.path, entries)
    _refuse_denied(file.path)
    _refuse_outside(file.path, allowed_paths)


def _refuse(reason: str, message: str, remedy: str) -> NoReturn:
    raise Refusal(code=f"locate.{reason}", message=message, remedy=remedy)


def _refuse_mode(file: TreeFile) -> None:
    if file.mode not in REGULAR_MODES:
        _refuse("not_a_file", f"{file.path} is a symlink or a submodule", "edit the file that it points to, by hand")


def _refuse_path(path: str) -> None:
    parts = path.split("/")
    odd = any(part in ("", ".", "..") or part.lower() in (".git", "git~1") or "/" in _fold(part) for part in parts)
    if odd or "\\" in path or any(unicodedata.category(c).startswith("C") for c in path):
        _refuse("unsafe_path", f"{foreign_text(ascii(path))} is not a plain path", "rename the file in Git")


def _refuse_parents_and_twins(path: str, entries: Iterable[TreeFile]) -> None:
    """Refuse where a parent is itself an entry, or where two names are one to a careless file system."""
    parts = path.split("/")
    prefixes = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    twins = [(prefix, _fold(prefix)) for prefix in prefixes]
    for entry in entries:
        if entry.path in prefixes[:-1] and entry.mode != FOLDER_MODE:
            _refuse("linked_parent", f"{entry.path}, a parent of {path}, is not a folder", "edit it by hand")
        folded = _fold(entry.path)
        for prefix, twin in twins:
            if not _is_below(folded, twin):
                break
            if not _is_below(entry.path, prefix):
                message = f"{path} and {entry.path} meet where case or encoding do not count"
                _refuse("name_collision", message, "rename one of them")


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _fold(path: str) -> str:
    return unicodedata.normalize("NFKC", path).casefold()


def _refuse_denied(path: str) -> None:
    *folders, name = path.lower().split("/")
    if _PIPELINE_FOLDERS.intersection(folders[:1]) or any(fnmatchcase(name, denied) for denied in _DENIED_NAMES):
        _refuse("denied_path", f"{path} is a pipeline, owner, key or override file", "change it by hand")


def _refuse_outside(path: str, allowed_paths: Sequence[str]) -> None:
    folders = [posixpath.normpath(allowed).strip("/") for allowed in allowed_paths]
    if folders and not any(folder in ("", ".") or _is_below(path, folder) for folder in folders):
        _refuse("not_allowed", f"{path} is not below an allowed path", "add its folder to guards.allowed_paths")


def matches_glob(pattern: str, path: str) -> bool:
    """Match as Argo CD does: `*` crosses slashes, `{a,b}` is either, and a broken pattern matches nothing.

    In time that grows with the path: a pattern with many choices is followed in all its ways at once.
    Raises Refusal for one with lists so deep inside one another that nobody can have meant it.
    """
    compiled = _compile(pattern)
    if compiled is None or isinstance(compiled, re.Pattern):
        return compiled is not None and compiled.fullmatch(path) is not None
    return len(path) in _ends(compiled, {0}, path)


@lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str] | _Pieces | None:
    text, rest, open_lists = "", pattern, [[_Pieces()]]
    while rest:
        match = _GLOB_TOKEN.match(rest)
        translated = _translate(match[0], in_terms=len(open_lists) > 1) if match else None
        if match is None or translated is None:
            return None
        text += translated
        rest = rest[match.end() :]
        _grow(open_lists, translated)
    text += ")" * (len(open_lists) - 1)  # a list left open counts as closed
    while len(open_lists) > 1:
        _grow(open_lists, ")")
    pieces = open_lists[0][0]
    return re.compile(text, re.DOTALL) if _choices(pieces) <= _FEW else pieces


def _grow(open_lists: list[list[_Pieces]], translated: str) -> None:
    """Add one piece to what was understood so far: the ways of each list that is still open, outermost first."""
    match translated:
        case "(?:":
            if len(open_lists) > _DEEPEST:
                message = f"a glob has more than {_DEEPEST} lists inside one another"
                _refuse("glob_too_deep", message, "write a simpler include or exclude into the Application's source")
            open_lists.append([_Pieces()])
        case "|":
            open_lists[-1].append(_Pieces())
        case ")":
            ways = open_lists.pop()
            open_lists[-1][-1].append(ways)
        case ".*":
            open_lists[-1][-1].append(None)
        case _:
            open_lists[-1][-1].append(re.compile(translated, re.DOTALL))


def _choices(pieces: _Pieces) -> int:
    """Count how often a way through the pattern may go on in more than one way."""
    inner = [max(map(_choices, piece)) + 1 if isinstance(piece, list) else 1 for piece in pieces if _is_choice(piece)]
    return sum(inner)


def _is_choice(piece: object) -> bool:
    return piece is None or isinstance(piece, list)


def _ends(pieces: _Pieces, starts: set[int], path: str) -> set[int]:
    """Return where in a path the pieces can end that begin at one of these places."""
    for piece in pieces:
        if not starts:
            break
        if piece is None:
            starts = set(range(min(starts), len(path) + 1))
        elif isinstance(piece, list):
            starts = set().union(*(_ends(way, starts, path) for way in piece))
        else:
            starts = {at + 1 for at in starts if piece.match(path, at, at + 1)}
    return starts


class _Pieces(list["re.Pattern[str] | list[_Pieces] | None"]):
    """What follows one another: a character, the ways of a list, or None for an asterisk."""


def _translate(piece: str, *, in_terms: bool) -> str | None:
    if piece == "{" or (in_terms and piece in _GLOB_TERMS):
        return _GLOB_TERMS[piece]
    if piece[0] == "*":
        return ".*"
    if piece == "?":
        return "."
    if piece[0] == "[":
        return _translate_class(piece[1:-1])
    return re.escape(piece[-1])  # `\x` means x


def _translate_class(inner: str) -> str | None:
    negated, characters = ("^", inner[1:]) if inner.startswith("!") else ("", inner)
    if characters[1:2] == "-":  # one range and nothing else
        bounds = _GLOB_RANGE.fullmatch(characters)
        return (
            f"[{negated}{re.escape(bounds[1])}-{re.escape(bounds[2])}]" if bounds and bounds[1] <= bounds[2] else None
        )
    plain = re.sub(r"\\(.)", r"\1", characters, flags=re.DOTALL)
    return f"[{negated}{re.escape(plain)}]" if plain else None

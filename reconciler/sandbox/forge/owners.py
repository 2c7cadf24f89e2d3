"""Code owners: whose files a pull request changes, by the CODEOWNERS of its base.

Rules as GitHub documents them under "About code owners": the first file of three places, the last line that matches,
`*` and `**` as in gitignore; a line that GitHub cannot read is skipped, and who may not write owns nothing. Nobody can
be in a team here, so what a team owns waits for ever, and `rest/pulls.py` refuses it by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from reconciler.sandbox.forge.people import Permission, User

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reconciler.sandbox.forge.model import Repository, Side
    from reconciler.sandbox.forge.state import State

_PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
_LARGEST = 3 * 1024 * 1024  # bytes; GitHub heeds no larger file
_WORD = re.compile(r"(?:\\ |\S)+")  # a space of a path is written with a backslash
_COMMENT = re.compile(r"(?:^|\s)#.*")
_USER = re.compile(r"@[\w-]+(?:\[bot\])?", re.ASCII)
_TEAM = re.compile(r"@[\w-]+/[\w.-]+", re.ASCII)
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")
_GLOBS = {"**/": "(?:.+/)?", "/**": "/.+", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_PARTS = re.compile(r"\*\*/|/\*\*$|\*\*|\*|\?|[^*?/]+|/")


@dataclass(frozen=True, slots=True)
class Owned:
    """What one line says of files that were changed: each of its owners may approve them."""

    users: tuple[User, ...]
    teams: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*(user.login for user in self.users), *self.teams)


@dataclass(frozen=True, slots=True)
class _Line:
    files: re.Pattern[str]
    owners: tuple[str, ...]  # empty: these files have none


def owned(state: State, repository: Repository, base: Side, head: Side) -> list[Owned]:
    """Return who owns what head changes, once for each line; files without owners are not among it."""
    lines = _read(repository, base.ref)
    if not lines:
        return []
    changed = repository.git.changed_files(base.sha, head.sha)
    paths = [path for change in changed for path in (change.path, change.previous) if path]
    said = dict.fromkeys(_owners_of(lines, path) for path in paths)
    found = (_known(state, repository, owners) for owners in said)
    return [each for each in found if each.names]


def missing(state: State, repository: Repository, base: Side, head: Side, approved: Collection[User]) -> list[str]:
    """Return those of whom somebody still has to approve: of each line, one owner must have."""
    wanting = [
        each for each in owned(state, repository, base, head) if not any(user in approved for user in each.users)
    ]
    return list(dict.fromkeys(name for each in wanting for name in each.names))


def waiting(names: list[str]) -> str:
    """Return GitHub's sentence about approvals that are missing."""
    *others, last = names
    comma = "," if len(others) > 1 else ""
    return f"Waiting on code owner review from {', '.join(others)}{f'{comma} and/or ' if others else ''}{last}."


def _read(repository: Repository, branch: str) -> tuple[_Line, ...]:
    for place in _PLACES:
        content = repository.git.read(branch, place)
        if content is not None:
            return _lines(content) if len(content) <= _LARGEST else ()
    return ()


@lru_cache(64)
def _lines(content: bytes) -> tuple[_Line, ...]:
    return tuple(_understood(content.decode(errors="replace")))


def _understood(text: str) -> Iterator[_Line]:
    for line in text.splitlines():
        pattern, *owners = _WORD.findall(_COMMENT.sub("", line)) or [""]
        files = _compiled(pattern.replace("\\ ", " "))
        if files is not None and all(any(form.fullmatch(o) for form in (_USER, _TEAM, _MAIL)) for o in owners):
            yield _Line(files, tuple(owners))


def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return what a pattern matches; None for an empty one, and for what GitHub does not take from gitignore."""
    if not pattern.strip("/") or pattern.startswith(("!", "\\")) or "[" in pattern:
        return None
    folder, path = pattern.endswith("/"), pattern.strip("/")
    anchored = pattern.startswith("/") or "/" in path
    inside = "/.+" if folder else "" if pattern.endswith("/*") else "(?:/.*)?"
    body = "".join(_GLOBS.get(part) or re.escape(part) for part in _PARTS.findall(path))
    return re.compile(f"{'' if anchored else '(?:.*/)?'}{body}{inside}", re.DOTALL)


def _owners_of(lines: tuple[_Line, ...], path: str) -> tuple[str, ...]:
    return next((line.owners for line in reversed(lines) if line.files.fullmatch(path)), ())


def _known(state: State, repository: Repository, owners: tuple[str, ...]) -> Owned:
    """Return those that may be owners: people who may write here, and teams."""
    named = [(owner, state.user(owner[1:]) if owner.startswith("@") else state.by_email(owner)) for owner in owners]
    users = (user for _, user in named if user is not None and user.kind == "User")
    return Owned(
        users=tuple(dict.fromkeys(user for user in users if state.permission(user, repository) >= Permission.WRITE)),
        teams=tuple(owner[1:] for owner in owners if _TEAM.fullmatch(owner)),
    )

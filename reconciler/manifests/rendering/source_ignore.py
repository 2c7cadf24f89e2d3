"""Which files of a commit Flux's source-controller leaves out of what it hands on.

Its own list, unless the GitRepository or any `.sourceignore` of the commit says anything; then those alone. Source:
fluxcd/pkg sourceignore 0.18, whose matching is repeated as it is: it is not quite Git's. Protects the proof: a file
that is left out does not exist for a rendering, and a pattern that is not repeated here is refused by name.
"""

from __future__ import annotations

import posixpath
import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from reconciler.errors import foreign_text
from reconciler.manifests.files.checkout import refuse
from reconciler.manifests.files.contents import Contents, Reading, contents_of, unjudged
from reconciler.manifests.files.tree import REGULAR_MODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.manifests.files.folder import Folder

_NAME = ".sourceignore"
_VERSION_CONTROL = (".git/", ".gitignore", ".gitmodules", ".gitattributes")
_DEFAULTS = (
    *("*.jpg", "*.jpeg", "*.gif", "*.png", "*.wmv", "*.flv", "*.tar.gz", "*.zip"),
    *(".github/", ".circleci/", ".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml", "cloudbuild.yaml"),
    *("codeship-services.yml", "codeship-steps.yml"),
    *("**/.goreleaser.yml", "**/.sops.yaml", "**/.flux.yaml"),
)
_ANY_FOLDERS = "**"
_MAX_LINE = 60_000  # bytes; Flux stops reading a file at a line that is a little longer


class Pattern(NamedTuple):
    """One line of a list."""

    domain: tuple[str, ...]  # the folder that it is about
    steps: tuple[str, ...]
    takes_in: bool  # what an earlier one left out
    folders_only: bool

    def concerns(self, path: Sequence[str]) -> bool:
        """Tell whether it is about a file, or a folder that leads to it."""
        here = len(self.domain)
        if len(path) <= here or tuple(path[:here]) != self.domain:
            return False
        return self._along(path[here:]) if len(self.steps) > 1 else self._anywhere(path[here:])

    def _anywhere(self, path: Sequence[str]) -> bool:
        found = next((number for number, name in enumerate(path) if _matches(self.steps[0], name)), None)
        return found is not None and not (self.folders_only and found == len(path) - 1)

    def _along(self, path: Sequence[str]) -> bool:
        """Go down a path step by step, as Flux does, which looks for a step below `**` once and never returns."""
        rest, matched, anywhere = list(path), False, False
        for number, step in enumerate(self.steps):
            if step == "":
                anywhere = False
            elif step == _ANY_FOLDERS:
                if number == len(self.steps) - 1:
                    break
                anywhere = True
            elif _ANY_FOLDERS in step or not rest:
                return False
            elif anywhere:
                anywhere = False
                matched = _skipped_to(step, rest)
            elif _matches(step, rest.pop(0)):
                matched = True
            else:
                return False
        return matched and not (self.folders_only and not rest)


def _skipped_to(step: str, rest: list[str]) -> bool:
    """Go down to the first name that matches, and say whether there was one."""
    while rest:
        if _matches(step, rest.pop(0)):
            return True
    return False


class LeftOut:
    """The patterns of a commit, the later the stronger."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = patterns

    def __call__(self, path: str) -> bool:
        """Tell whether a file is left out."""
        steps = path.split("/")
        found = next((pattern for pattern in reversed(self._all) if pattern.concerns(steps)), None)
        return found is not None and not found.takes_in

    @cached_property
    def _all(self) -> tuple[Pattern, ...]:
        first = _VERSION_CONTROL if self._patterns else (*_VERSION_CONTROL, *_DEFAULTS)
        return (*_patterns(first, ""), *self._patterns)


def _is_ignore_file(path: str, _: int) -> bool:
    return posixpath.basename(path) == _NAME


def _lines_of(data: bytes, _: int) -> Contents:
    try:
        return contents_of(len(data), [[line.removesuffix("\r")] for line in data.decode().split("\n")])
    except UnicodeDecodeError:
        return unjudged(len(data), "edit.not_utf8")


IGNORE_FILES = Reading("ignore files 1", _is_ignore_file, _lines_of)


def left_out(ignore_files: Folder, of_repository: str) -> Callable[[str], bool]:
    """Return whether a file is left out, given all ignore files of a commit and the GitRepository's own `ignore`.

    Raises Refusal where one of them is not repeated here.
    """
    for file in ignore_files.unjudged():
        _refuse(file.path, "is too large, or no text")
    found: list[Pattern] = []
    for path in sorted(ignore_files.manifests, key=lambda path: (path.count("/"), path)):
        file, contents = ignore_files.manifests[path]
        if file.mode not in REGULAR_MODES:
            _refuse(path, "is a link")
        found += _patterns((line for (line,) in contents.words()), posixpath.dirname(path))
    found += _patterns((line.removesuffix("\r") for line in of_repository.split("\n")), "")
    return LeftOut(found)


def _patterns(lines: Iterable[str], folder: str) -> Iterator[Pattern]:
    domain = tuple(folder.split("/")) if folder else ()
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        if "[" in line or "\\" in line or len(line) > _MAX_LINE:
            _refuse(posixpath.join(folder, _NAME), f"holds {foreign_text(line[:80])}, which is not repeated here")
        takes_in = line.startswith("!")
        said = line.removeprefix("!").rstrip(" ")
        folders_only = said.endswith("/")
        yield Pattern(domain, tuple(said.removesuffix("/").split("/")), takes_in, folders_only)


def _matches(pattern: str, name: str) -> bool:
    """Match as Go's `filepath.Match` does, without its classes and escapes."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == name
    told = "".join({"*": ".*", "?": "."}.get(c) or re.escape(c) for c in pattern)
    return re.fullmatch(told, name, re.DOTALL) is not None


def _refuse(path: str, why: str) -> NoReturn:
    message = f"{foreign_text(path)}, or `ignore` of the GitRepository, decides what Flux reads, and {why}"
    refuse("flux_ignore_file", message, "edit it by hand")

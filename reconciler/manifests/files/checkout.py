"""What one commit holds, as a rendering reads it: every file once, within limits, and no symlink followed.

Pure but for the callbacks, which read Git's object database. What a source reads is collected here and handed to the
tool as content; a file that is not collected does not exist for it.
"""

from __future__ import annotations

import posixpath
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from reconciler.errors import Refusal, foreign_text
from reconciler.manifests.files.tree import REGULAR_MODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.model.proposal import TreeFile


def refuse(reason: str, message: str, remedy: str) -> NoReturn:
    """Decline to render a source; every reason has its own code."""
    raise Refusal(code=f"rendering.{reason}", message=message, remedy=remedy)


class Checkout:
    """The files of one commit that were asked for."""

    def __init__(
        self,
        entry: Callable[[str], TreeFile | None],
        below: Callable[[str], Iterable[TreeFile]],
        beside: Callable[[str], Iterable[TreeFile]],
        read: Callable[[str], bytes],
        *,
        max_files: int,
        max_bytes: int,
        hides: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._hides = hides  # what does not exist for the source, though the commit has it
        self._entry = entry
        self._below = below
        self._beside = beside
        self._read = read
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._size = 0
        self.files: dict[str, TreeFile] = {}
        self.contents: dict[str, bytes] = {}
        self.copies: list[tuple[str, str]] = []  # (file, where the tool finds its content too)

    def copy(self, path: str, to: str) -> None:
        """Let a file that was read stand at another path too, as it does where the tool has been through before."""
        self.contents[to] = self.contents[path]
        self.copies.append((path, to))

    def has(self, path: str) -> bool:
        """Tell whether there is a file, or something that passes for one."""
        return path in self.files or self._seen(path) is not None

    def take(self, path: str) -> bytes | None:
        """Read a file and keep it; None when there is none."""
        if path in self.contents:
            return self.contents[path]
        found = self._seen(path)
        return None if found is None else self._keep(found)

    def take_below(self, folder: str) -> tuple[str, ...]:
        """Read every file below a folder and return their paths."""
        found = self.entries(folder)
        for file in found:
            self._keep(file)
        return tuple(file.path for file in found)

    def entries(self, folder: str) -> tuple[TreeFile, ...]:
        """Return the entries below a folder, unread."""
        return tuple(file for file in self._below(folder) if not self._hides(file.path))

    def hidden(self, folder: str) -> tuple[str, ...]:
        """Return the paths below a folder that do not exist for the source."""
        return tuple(file.path for file in self._below(folder) if self._hides(file.path))

    def around(self, path: str) -> tuple[TreeFile, ...]:
        """Return what stands in the folders that lead to a file, folders included."""
        return tuple(self._beside(path))

    def _seen(self, path: str) -> TreeFile | None:
        return None if self._hides(path) else self._entry(path)

    def _keep(self, file: TreeFile) -> bytes:
        if file.path in self.contents:
            return self.contents[file.path]
        if file.mode not in REGULAR_MODES:
            shown = foreign_text(file.path)
            refuse("not_a_file", f"{shown} is a symlink or a submodule, which is not followed", "put a file there")
        content = self._read(file.blob)
        self._size += len(content)
        if len(self.files) >= self._max_files or self._size > self._max_bytes:
            limits = f"{self._max_files} files or {self._max_bytes} bytes"
            refuse("too_large", f"the source reads more than {limits}", "raise rendering.max_files or max_bytes")
        self.files[file.path] = file
        self.contents[file.path] = content
        return content


@lru_cache(maxsize=65_536)  # a large repository has some ten thousand, asked for again with every proposal
def joined(folder: str, path: str) -> str:
    """Return a path of the repository for one that is relative to a folder.

    Raises Refusal when it leads out of the repository.
    """
    found = posixpath.normpath(posixpath.join("/", folder, path))
    depth = posixpath.normpath(posixpath.join(folder or ".", path))
    if depth == ".." or depth.startswith("../"):
        refuse("outside", f"{foreign_text(path)} leads out of the repository", "keep what a source reads inside it")
    return found.lstrip("/")


def is_below(path: str, folder: str) -> bool:
    """Tell whether a file is in a folder of the repository, at any depth; everything is in the root, the empty one."""
    return not folder or path.startswith(f"{folder}/")

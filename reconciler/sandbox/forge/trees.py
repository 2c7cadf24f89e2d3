"""Writes trees: one builder for each folder that changes, so a large repository is no slower than a small one."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.sandbox.forge.nouns import NotThere, PathRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pygit2

_FILE, _FOLDER = 0o100644, 0o040000

Edits = dict[str, bytes | None]  # None removes


def edited(git: pygit2.Repository, base: pygit2.Tree | None, edits: Mapping[str, bytes | None]) -> pygit2.Oid:
    """Write a tree that differs from another in these files, and return its name.

    Raises NotThere for a removal of nothing, PathRefused for a path that cannot be.
    """
    for path in edits:
        check_path(path)
    return _written(git, base, dict(edits), "") or git.TreeBuilder().write()


def check_path(path: str) -> None:
    """Raise PathRefused for what is no path of a file in a repository."""
    if any(not step or step.lower() in (".", "..", ".git") for step in path.split("/")) or "\0" in path:
        raise PathRefused(f"{path!r} is no path of a file")


def _written(git: pygit2.Repository, base: pygit2.Tree | None, edits: Edits, folder: str) -> pygit2.Oid | None:
    """Return the tree with its edits, or None when nothing is left in it."""
    builder = git.TreeBuilder() if base is None else git.TreeBuilder(base)
    files, folders = _sorted_out(edits)
    for name, below in folders.items():
        path = f"{folder}{name}"
        tree = _written(git, _folder(base, name, path), below, f"{path}/")
        if tree is not None:
            builder.insert(name, tree, _FOLDER)
        elif _at(base, name) is not None:
            builder.remove(name)
    for name, content in files.items():
        mode = _mode(_at(base, name), f"{folder}{name}", removing=content is None)
        if content is None:
            builder.remove(name)
        else:
            builder.insert(name, git.create_blob(content), mode)
    return builder.write() if len(builder) else None


def _sorted_out(edits: Edits) -> tuple[Edits, dict[str, Edits]]:
    """Tell the files of this folder from what lies deeper."""
    files: Edits = {}
    folders: dict[str, Edits] = defaultdict(dict)
    for path, content in edits.items():
        name, slash, rest = path.partition("/")
        if slash:
            folders[name][rest] = content
        else:
            files[name] = content
    return files, folders


def _folder(base: pygit2.Tree | None, name: str, path: str) -> pygit2.Tree | None:
    import pygit2

    found = _at(base, name)
    if found is not None and not isinstance(found, pygit2.Tree):
        raise PathRefused(f"{path} is a file, so there can be nothing below it")
    return found


def _mode(existing: pygit2.Object | None, path: str, *, removing: bool) -> int:
    """Return the mode that a file keeps, or the usual one."""
    if existing is None:
        if removing:
            raise NotThere(f"there is no {path} to remove")
        return _FILE
    if existing.filemode == _FOLDER:
        raise PathRefused(f"{path} is a folder")
    return int(existing.filemode or _FILE)


def _at(base: pygit2.Tree | None, name: str) -> pygit2.Object | None:
    return base[name] if base is not None and name in base else None

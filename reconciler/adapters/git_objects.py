"""Read and write Git objects in a bare repository: trees, blobs, commits; no index, no checkout, no network.

Protects: a commit changes exactly the named files, keeps their modes, and follows from its arguments alone
(invariant 6); no path leads out of the tree, into `.git`, or through a symlink.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import Refusal
from reconciler.model.objects import CommitId
from reconciler.model.proposal import CommitInfo, TreeFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pygit2

_FILE, _EXECUTABLE, _FOLDER, _SYMLINK = 0o100644, 0o100755, 0o040000, 0o120000
_NAMES = {_FOLDER: "a folder", _SYMLINK: "a symlink", 0o160000: "a submodule"}


@dataclass(frozen=True, slots=True)
class Author:
    """Who our commits are by, author and committer alike."""

    name: str
    email: str


def commit_of(mirror: pygit2.Repository, commit: CommitId) -> pygit2.Commit:
    """Return a commit; KeyError when the mirror has no such commit, ValueError when the text names none."""
    import pygit2

    found = mirror[commit]
    if not isinstance(found, pygit2.Commit):
        raise KeyError(commit)
    return found


def walk(tree: pygit2.Tree, folder: str = "") -> Iterator[TreeFile]:
    """Yield everything below a tree that is not a folder itself, in Git's order."""
    for entry in tree:
        path = f"{folder}/{entry.name}" if folder else str(entry.name)
        mode = int(entry.filemode or 0)  # asked once: each time makes an enum
        if mode == _FOLDER:
            yield from walk(entry, path)  # type: ignore[arg-type] # the mode says it is a tree
        else:
            yield TreeFile(path, str(entry.id), mode)


def listed(tree: pygit2.Tree, folder: str = "") -> Iterator[TreeFile]:
    """Yield what is in a folder itself, folders included."""
    for entry in tree:
        yield _tree_file(f"{folder}/{entry.name}" if folder else str(entry.name), entry)


def beside(tree: pygit2.Tree, path: str) -> Iterator[TreeFile]:
    """Yield everything in the folders that lead to a path, folders included."""
    steps, here = _steps(path), ""
    for step in steps:
        yield from listed(tree, here)
        below = tree[step] if step in tree else None  # noqa: SIM401 - a tree has no get
        if below is None or below.filemode != _FOLDER:
            return
        tree, here = below, f"{here}/{step}" if here else step  # type: ignore[assignment] # the mode says it is a tree


def differences(
    old: pygit2.Tree, new: pygit2.Tree, folder: str = ""
) -> Iterator[tuple[TreeFile | None, TreeFile | None]]:
    """Yield what differs below two trees, before and after, looking only at folders that differ; no renames."""
    for delta in old.diff_to_tree(new).deltas:
        yield _side(delta.old_file, folder), _side(delta.new_file, folder)


def _side(file: pygit2.DiffFile, folder: str) -> TreeFile | None:
    if not file.mode:  # it is not there
        return None
    path = os.fsdecode(file.raw_path)
    return TreeFile(path=f"{folder}/{path}" if folder else path, blob=str(file.id), mode=int(file.mode))


def find(tree: pygit2.Tree, path: str) -> TreeFile | None:
    """Return the file, symlink or submodule at a path, or None."""
    found = _lookup(tree, path)
    return None if found is None or found.filemode == _FOLDER else _tree_file(normalized(path), found)


def normalized(folder: str) -> str:
    """Return a folder's path as Git writes it, `` for the root."""
    return "/".join(_steps(folder))


def subtree(tree: pygit2.Tree, folder: str) -> pygit2.Tree | None:
    """Return the folder at a path, the tree itself for `` and `.`, or None."""
    if not _steps(folder):
        return tree
    found = _lookup(tree, folder)
    return found if found is not None and found.filemode == _FOLDER else None  # type: ignore[return-value]


def content(mirror: pygit2.Repository, blob: str) -> bytes:
    """Return a blob's bytes; KeyError when the mirror has no such blob."""
    import pygit2

    found = mirror[blob]
    if not isinstance(found, pygit2.Blob):
        raise KeyError(blob)
    return found.data


def size(mirror: pygit2.Repository, blob: str) -> int:
    """Return how many bytes a blob has, without reading them; KeyError when the mirror has no such blob."""
    return int(mirror.odb.read_header(blob)[1])


def descends(mirror: pygit2.Repository, descendant: CommitId, ancestor: CommitId) -> bool:
    """Tell whether a commit is another or comes after it; KeyError or ValueError when the mirror lacks either."""
    later, earlier = commit_of(mirror, descendant).id, commit_of(mirror, ancestor).id
    return later == earlier or mirror.descendant_of(later, earlier)


def info(commit: pygit2.Commit, us: Author) -> CommitInfo:
    """Return who made a commit and the trailers of its message's last paragraph; `us` made what carries its e-mail."""
    author = commit.author.raw_email.decode(errors="replace") if commit.author.raw_email else ""
    committer = commit.committer.raw_email.decode(errors="replace") if commit.committer.raw_email else ""
    return CommitInfo(
        commit=CommitId(str(commit.id)),
        author_email=author,
        committer_email=committer,
        trailers=dict(commit.message_trailers),
        by_us=author == committer == us.email,
        parents=tuple(CommitId(str(parent)) for parent in commit.parent_ids),
        tree=str(commit.tree_id),
    )


def alike(mirror: pygit2.Repository, one: CommitId, other: CommitId) -> bool:
    """Tell whether two commits do the same on the same base with the same words, whoever made them."""
    first, second = commit_of(mirror, one), commit_of(mirror, other)
    words = (first.message.rstrip(), first.parent_ids) == (second.message.rstrip(), second.parent_ids)
    return words and first.tree_id == second.tree_id


def changed_files(mirror: pygit2.Repository, commit: pygit2.Commit) -> tuple[TreeFile, ...]:
    """Return the files that a commit adds or changes, as they are in it; one that it removes is a LookupError."""
    paths = [delta.new_file.path for delta in mirror.diff(commit.parents[0], commit).deltas]
    return tuple(_tree_file(path, commit.tree[path]) for path in paths)


def write_commit(
    mirror: pygit2.Repository, base: CommitId, files: Mapping[str, bytes], message: str, author: Author
) -> CommitId:
    """Write one commit on top of `base` in which the files hold their new content; no reference moves."""
    import pygit2

    parent = commit_of(mirror, base)
    tree = with_files(mirror, parent.tree, files)
    if tree == parent.tree_id:
        raise Refusal(
            code="git.nothing_changed",
            message=f"{', '.join(sorted(files)) or 'no file'}: exactly that content is there already",
            remedy="nothing to do: the base branch has the change",
        )
    # The base commit's time, never now: the same edit has the same id on every machine, at any time.
    signature = pygit2.Signature(author.name, author.email, parent.commit_time, parent.commit_time_offset)
    return CommitId(str(mirror.create_commit(None, signature, signature, message, tree, [parent.id])))


def with_files(mirror: pygit2.Repository, tree: pygit2.Tree | None, files: Mapping[str, bytes]) -> pygit2.Oid:
    """Write a tree (on top of another, if there is one) in which the files hold their new content; return its id."""
    import pygit2

    for path, content in sorted(files.items()):
        root = _replaced(mirror, tree, _checked(path), mirror.create_blob(content), path)
        tree = mirror[root].peel(pygit2.Tree)
    return mirror.TreeBuilder().write() if tree is None else tree.id


def _replaced(
    mirror: pygit2.Repository, tree: pygit2.Tree | None, steps: Sequence[str], blob: pygit2.Oid, path: str
) -> pygit2.Oid:
    """Write the trees from the changed file up to the root, one builder a level, and return the root's id."""
    name, rest = steps[0], steps[1:]
    existing = tree[name] if tree is not None and name in tree else None
    mode = None if existing is None else int(existing.filemode)
    builder = mirror.TreeBuilder() if tree is None else mirror.TreeBuilder(tree)
    if rest:
        if mode not in (None, _FOLDER):
            raise _refused(path, f"{name} in it is {_NAMES.get(mode or 0, 'a file')}, not a folder")
        builder.insert(name, _replaced(mirror, existing, rest, blob, path), _FOLDER)  # type: ignore[arg-type]
    else:
        if mode in _NAMES:
            raise _refused(path, f"it is {_NAMES[mode or 0]}, not a file")
        builder.insert(name, blob, mode or _FILE)
    return builder.write()


def _checked(path: str) -> list[str]:
    """Split a path for writing; stricter than Git, because it may come from a cluster's object."""
    steps = path.split("/")
    if not path or any(step in ("", ".", "..") for step in steps):
        raise _refused(path, "it must be relative to the repository's root, without empty steps, `.` or `..`")
    if any(step.lower().rstrip(". ") in (".git", "git~1") for step in steps):
        raise _refused(path, "it leads into a .git folder")
    if "\0" in path or "\\" in path or not _is_text(path):
        raise _refused(path, "it holds characters that not every system takes in a file name")
    return steps


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # a name that is not UTF-8, as surrogates
        return False
    return True


def _refused(path: str, why: str) -> Refusal:
    return Refusal(
        code="git.path_refused",
        message=f"{path!r} cannot be edited: {why}",
        remedy="let the Application's source point to a regular file of the repository",
    )


def _steps(path: str) -> list[str]:
    """Split a path for reading, the way Argo CD writes them: `./apps/`, `.` and `` are fine."""
    return [step for step in path.split("/") if step not in ("", ".")]


def _lookup(tree: pygit2.Tree, path: str) -> pygit2.Object | None:
    try:
        return tree[normalized(path)]
    except KeyError:
        return None


def _tree_file(path: str, entry: pygit2.Object) -> TreeFile:
    return TreeFile(path=path, blob=str(entry.id), mode=int(entry.filemode or 0))

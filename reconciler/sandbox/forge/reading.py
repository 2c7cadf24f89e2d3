"""Reads a bare repository: its references and objects, in the forge's own values; nothing here writes."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from reconciler.sandbox.forge import changes, git_pack, merging
from reconciler.sandbox.forge.nouns import CommitView, FileChange, NotThere, Signed, TreeEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pygit2

HEADS = "refs/heads/"
_FULL = 40  # digits of a whole object name
_REMEMBERED = 1024  # answers that never change, so only memory limits them
_KINDS = {0o040000: "tree", 0o160000: "commit"}


class Reading:
    """What can be asked of a bare repository; may be used from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._threads = threading.local()  # libgit2's repositories may not be shared between threads
        self._merges = lru_cache(_REMEMBERED)(self._ask_mergeable)

    @property
    def default_branch(self) -> str:
        """The branch that HEAD names, whether it exists or not."""
        return str(self._git().references["HEAD"].target).removeprefix(HEADS)

    def refs(self, prefix: str = HEADS) -> dict[str, str]:
        """Return the references below a prefix, by their full names, in order."""
        git = self._git()
        found = (str(name) for name in git.references)
        return {name: str(git.references[name].target) for name in sorted(found) if name.startswith(prefix)}

    def head(self, branch: str) -> str | None:
        """Return the commit that a branch is at."""
        return self.ref(HEADS + branch)

    def ref(self, name: str) -> str | None:
        """Return where a reference points, by its full name."""
        import pygit2

        if not pygit2.reference_is_valid_name(name):
            return None
        found = self._git().references.get(name)
        return None if found is None else str(found.target)

    def has(self, sha: str) -> bool:
        """Tell whether an object is there, by its whole name."""
        return _is_name(sha) and sha in self._git()

    def raw(self, sha: str) -> tuple[int, bytes]:
        """Return an object's kind, as packs number them, and its content; raises NotThere."""
        if not self.has(sha):
            raise NotThere(f"there is no object {sha}")
        kind, content = self._git().odb.read(sha)
        return int(kind), content

    def is_commit(self, sha: str) -> bool:
        """Tell whether there is a commit of this whole name."""
        import pygit2

        return self.has(sha) and isinstance(self._git()[sha], pygit2.Commit)

    def annotated_tags(self) -> list[str]:
        """Return the tags that are objects of their own and stand for a commit."""
        tags = self.refs("refs/tags/").items()
        return [sha for name, sha in tags if self.resolve(name) not in (sha, None)]

    def pack(self, wants: Iterable[str], haves: Iterable[str], *, tags: Iterable[str] = ()) -> bytes:
        """Return a pack of what somebody who has some commits lacks of others, with the tags among these."""
        git = self._git()
        return git_pack.packed(git, git_pack.missing(git, wants, haves, tags=tags))

    def resolve(self, ref_or_sha: str) -> str | None:
        """Return the commit that a branch, a full reference, a tag or a whole object name stands for."""
        if ref_or_sha == "HEAD":
            return self.head(self.default_branch)
        for name in (HEADS + ref_or_sha, ref_or_sha, f"refs/{ref_or_sha}", f"refs/tags/{ref_or_sha}"):
            found = self.ref(name)
            if found is not None:
                return self._peeled(found)
        return self._peeled(ref_or_sha) if self.has(ref_or_sha) else None

    def read(self, ref_or_sha: str, path: str) -> bytes | None:
        """Return a file's content at a commit; None where there is no such file."""
        entry = self.entry(ref_or_sha, path)
        return self.blob(entry.sha) if entry is not None and entry.kind == "blob" else None

    def entry(self, ref_or_sha: str, path: str) -> TreeEntry | None:
        """Return what stands at a path at a commit; None where nothing does."""
        commit = self.resolve(ref_or_sha)
        if commit is None or not path.strip("/"):
            return None
        try:
            return _entry(path.strip("/"), self._commit(commit).tree[path.strip("/")])
        except KeyError:
            return None

    def tree(self, sha: str, *, recursive: bool = False) -> list[TreeEntry]:
        """Return what a tree or a commit's tree holds, in Git's order; raises NotThere."""
        import pygit2

        try:
            root = self._object(sha).peel(pygit2.Tree)
        except pygit2.GitError as error:
            raise NotThere(f"{sha} is no tree") from error
        return list(_walk(root, "", recursive=recursive))

    def blob(self, sha: str) -> bytes:
        """Return a blob's content; raises NotThere."""
        import pygit2

        found = self._object(sha)
        if not isinstance(found, pygit2.Blob):
            raise NotThere(f"{sha} is no blob")
        return found.data

    def commit(self, sha: str) -> CommitView:
        """Return a commit; raises NotThere."""
        return _view(self._commit(sha))

    def commits_between(self, base: str, head: str) -> list[CommitView]:
        """Return the commits that head has and base has not, oldest first."""
        return [_view(commit) for commit in merging.between(self._git(), base, head)]

    def history(self, sha: str, limit: int = 100) -> list[CommitView]:
        """Return a commit and those before it, newest first."""
        from pygit2.enums import SortMode

        walker = self._git().walk(self._commit(sha).id, SortMode.TOPOLOGICAL | SortMode.TIME)
        return [_view(commit) for commit in itertools.islice(walker, limit)]

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Tell whether the second commit is the first or comes after it."""
        earlier, later = self._commit(ancestor).id, self._commit(descendant).id
        return earlier == later or self._git().descendant_of(later, earlier)

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the best common ancestor of two commits."""
        found = self._git().merge_base(self._commit(one).id, self._commit(other).id)
        return str(found or "") or None  # the library's types deny that there may be none

    def compare(self, base: str, head: str) -> tuple[int, int, str]:
        """Return how many commits head is ahead and behind, and GitHub's word for it."""
        ahead, behind = self._git().ahead_behind(self._commit(head).id, self._commit(base).id)
        words = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}
        return ahead, behind, words.get((ahead > 0, behind > 0), "diverged")

    def changed_files(self, base_sha: str, head_sha: str, *, three_dots: bool = True) -> list[FileChange]:
        """Return what head changed since it left base; with two dots, all that differs between the two."""
        start = (self.merge_base(base_sha, head_sha) if three_dots else None) or base_sha
        return changes.between(self._git(), self._commit(start).tree, self._commit(head_sha).tree)

    def mergeable(self, base_sha: str, head_sha: str) -> bool:
        """Tell whether head merges into base without a conflict."""
        return self._merges(base_sha, head_sha)

    def _ask_mergeable(self, base_sha: str, head_sha: str) -> bool:
        base, head = self._commit(base_sha), self._commit(head_sha)
        return self.is_ancestor(base_sha, head_sha) or not merging.conflicts(self._git(), base, head)

    def _git(self) -> pygit2.Repository:
        """Return this thread's own handle."""
        import pygit2

        found: pygit2.Repository | None = getattr(self._threads, "git", None)
        if found is None:
            found = self._threads.git = pygit2.Repository(str(self.path))
        return found

    def _object(self, sha: str) -> pygit2.Object:
        if not self.has(sha):
            raise NotThere(f"there is no object {sha}")
        return self._git()[sha]

    def _commit(self, sha: str) -> pygit2.Commit:
        import pygit2

        found = self._object(sha)
        if not isinstance(found, pygit2.Commit):
            raise NotThere(f"{sha} is no commit")
        return found

    def _peeled(self, sha: str) -> str | None:
        import pygit2

        try:
            return str(self._git()[sha].peel(pygit2.Commit).id)
        except (pygit2.GitError, ValueError, KeyError):
            return None


def _is_name(text: str) -> bool:
    """Tell whether a text is a whole object name."""
    return len(text) == _FULL and not set(text) - set("0123456789abcdef")


def _walk(tree: pygit2.Tree, folder: str, *, recursive: bool) -> Iterator[TreeEntry]:
    """Yield what a tree holds, in Git's order."""
    import pygit2

    for found in tree:
        path = f"{folder}{found.name}"
        yield _entry(path, found)
        if recursive and isinstance(found, pygit2.Tree):
            yield from _walk(found, f"{path}/", recursive=True)


def _entry(path: str, found: pygit2.Object) -> TreeEntry:
    """Return something in a tree."""
    import pygit2

    mode = int(found.filemode or 0)
    size = found.size if isinstance(found, pygit2.Blob) else None
    return TreeEntry(path=path, mode=mode, kind=_KINDS.get(mode, "blob"), sha=str(found.id), size=size)


def _view(commit: pygit2.Commit) -> CommitView:
    """Return a commit as it is written."""
    return CommitView(
        sha=str(commit.id),
        tree=str(commit.tree_id),
        parents=tuple(str(parent) for parent in commit.parent_ids),
        message=commit.message,
        author=_signed(commit.author),
        committer=_signed(commit.committer),
    )


def _signed(signature: pygit2.Signature) -> Signed:
    at = datetime.fromtimestamp(signature.time, timezone(timedelta(minutes=signature.offset)))
    name = signature.raw_name.decode(errors="replace")
    return Signed(name, signature.raw_email.decode(errors="replace"), at.astimezone(UTC))

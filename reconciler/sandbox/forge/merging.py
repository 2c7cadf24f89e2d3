"""The three ways in which a forge's button merges: a merge commit, one squashed commit, or the commits replayed.

Nothing here moves a reference, and there is no checkout: trees are merged in the object database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.sandbox.forge.nouns import MergeConflict, NotThere, Person

if TYPE_CHECKING:
    import pygit2


@dataclass(frozen=True, slots=True)
class Words:
    """What a merge writes into its commits."""

    message: str
    author: Person
    committer: Person
    at: datetime


def signature(person: Person, at: datetime) -> pygit2.Signature:
    """Return a person's name in a commit, in UTC."""
    import pygit2

    return pygit2.Signature(person.name, person.email, int(at.timestamp()), 0)


def between(git: pygit2.Repository, base: str, head: str) -> list[pygit2.Commit]:
    """Return the commits that head has and base has not, oldest first; raises NotThere."""
    from pygit2.enums import SortMode

    for sha in (base, head):
        if sha not in git:
            raise NotThere(f"there is no commit {sha}")
    walker = git.walk(head, SortMode.TOPOLOGICAL | SortMode.REVERSE)
    walker.hide(base)
    return list(walker)


def conflicts(git: pygit2.Repository, base: pygit2.Commit, head: pygit2.Commit) -> list[str]:
    """Return the paths that a merge of head into base would leave in conflict."""
    return _paths(git.merge_commits(base.id, head.id))


def merged(git: pygit2.Repository, base: pygit2.Commit, head: pygit2.Commit, method: str, words: Words) -> str:
    """Write what a merge makes and return the new tip; raises MergeConflict."""
    if method == "rebase":
        return _replayed(git, base, head, words)
    if method not in ("merge", "squash"):
        raise ValueError(f"{method} is no way to merge")
    tree = _tree(git, git.merge_commits(base.id, head.id))
    parents = [base.id, head.id] if method == "merge" else [base.id]
    author, committer = signature(words.author, words.at), signature(words.committer, words.at)
    return str(git.create_commit(None, author, committer, words.message, tree, parents))


def _replayed(git: pygit2.Repository, base: pygit2.Commit, head: pygit2.Commit, words: Words) -> str:
    """Copy each commit onto base; one that base has already, by content, is left out, and so are merges."""
    import pygit2

    tip, committer = base, signature(words.committer, words.at)
    for commit in between(git, str(base.id), str(head.id)):
        if len(commit.parent_ids) != 1:
            continue
        tree = _tree(git, git.merge_trees(commit.parents[0].tree, tip.tree, commit.tree))
        if tree == tip.tree_id and commit.tree_id != commit.parents[0].tree_id:
            continue
        made = git[git.create_commit(None, commit.author, committer, commit.message, tree, [tip.id])]
        tip = made.peel(pygit2.Commit)
    return str(tip.id)


def _tree(git: pygit2.Repository, index: pygit2.index.Index) -> pygit2.Oid:
    paths = _paths(index)
    if paths:
        raise MergeConflict(paths)
    return index.write_tree(git)


def _paths(index: pygit2.index.Index) -> list[str]:
    found = index.conflicts or ()
    return sorted({side.path for sides in found for side in sides if side is not None})

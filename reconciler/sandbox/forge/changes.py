"""What differs between two trees, file by file, as GitHub's `files` of a pull request tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge.nouns import FileChange

if TYPE_CHECKING:
    import pygit2

_WORDS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "T": "changed"}


def between(git: pygit2.Repository, before: pygit2.Tree, after: pygit2.Tree) -> list[FileChange]:
    """Return the files that differ, in the order of their paths; renames are found by likeness."""
    diff = git.diff(str(before.id), str(after.id))
    diff.find_similar()
    return [_change(patch) for patch in diff if patch is not None]


def _change(patch: pygit2.Patch) -> FileChange:
    delta = patch.delta
    letter = delta.status_char()
    _, additions, deletions = patch.line_stats
    kept = delta.old_file if letter == "D" else delta.new_file
    mode_alone = letter == "M" and delta.old_file.id == delta.new_file.id
    return FileChange(
        path=kept.path,
        previous=delta.old_file.path if letter == "R" else "",
        status="changed" if mode_alone else _WORDS[letter],
        additions=additions,
        deletions=deletions,
        patch=_hunks(patch),
        blob=str(kept.id),
    )


def _hunks(patch: pygit2.Patch) -> str:
    """Return the patch from its first hunk on; GitHub leaves out the header and the last line's end."""
    text = patch.data.decode(errors="replace")
    start = 0 if text.startswith("@@ ") else text.find("\n@@ ") + 1
    return text[start:].removesuffix("\n") if patch.hunks else ""

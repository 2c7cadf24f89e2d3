"""What the API reads and writes in a repository beyond files and branches: loose trees, dated commits, tags, trials."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.forge import merging
from reconciler.sandbox.forge.nouns import MergeConflict, NotThere, PathRefused, Signed
from reconciler.sandbox.forge.trees import check_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pygit2

    from reconciler.sandbox.forge.nouns import CommitView
    from reconciler.sandbox.forge.repository import BareRepository

_SHORTEST = 4  # digits by which an object may be named
_FOLDER = 0o040000


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to put into a tree; without a sha, it is taken out."""

    path: str
    mode: int
    sha: str | None


@dataclass(frozen=True, slots=True)
class Tag:
    """An annotated tag."""

    name: str
    message: str
    tagger: Signed
    target: str
    kind: str  # of the target


def write_tree(repository: BareRepository, base: str | None, entries: Sequence[Entry]) -> str:
    """Write a tree: the base's, with these entries put in or taken out; raises NotThere and ValueError."""
    import pygit2

    git, index = _open(repository), pygit2.Index()
    if base is not None:
        index.read_tree(_tree(git, base))
    for entry in entries:
        if entry.sha is None:
            _take_out(index, entry.path)
        elif entry.mode == _FOLDER:
            _take_out(index, entry.path)
            for path, mode, sha in _flat(_tree(git, entry.sha), f"{entry.path}/"):
                _put_in(index, path, sha, mode)
        else:
            _take_out(index, f"{entry.path}/")
            _put_in(index, entry.path, pygit2.Oid(hex=entry.sha), entry.mode)
    return str(index.write_tree(git))


def write_commit(
    repository: BareRepository, tree: str, parents: Sequence[str], message: str, author: Signed, committer: Signed
) -> str:
    """Write a commit that no reference names yet."""
    git = _open(repository)
    return str(git.create_commit(None, _signature(author), _signature(committer), message, tree, list(parents)))


def write_signed_commit(repository: BareRepository, sha: str) -> str:
    """Write a commit once more with the forge's signature, as what an App makes without naming authors has it."""
    git = _open(repository)
    payload = git[sha].read_raw().decode()
    return str(git.create_commit_with_signature(payload, _seal(payload), "gpgsig"))


def signature_of(repository: BareRepository, sha: str) -> tuple[str, str] | None:
    """Return a commit's signature and what it signs, if the forge made it; of any other signature it knows nothing."""
    found = _open(repository).get(sha)
    import pygit2

    if not isinstance(found, pygit2.Commit) or found.gpg_signature[0] is None:
        return None
    signature, payload = (part.decode() for part in found.gpg_signature if part is not None)
    return (signature, payload) if signature.rstrip() == _seal(payload).rstrip() else None


def _seal(payload: str) -> str:
    """Stand in for the forge's key: only who knows the seal can make one, and nobody need be kept from knowing it."""
    words = base64.b64encode(hashlib.sha512(f"the forge:{payload}".encode()).digest()).decode()
    body = "\n".join(words[start : start + 64] for start in range(0, len(words), 64))
    return f"-----BEGIN PGP SIGNATURE-----\n\n{body}\n-----END PGP SIGNATURE-----\n"


def write_tag(repository: BareRepository, tag: Tag) -> str:
    """Write an annotated tag that no reference names yet."""
    lines = (
        f"object {tag.target}",
        f"type {tag.kind}",
        f"tag {tag.name}",
        f"tagger {tag.tagger.name} <{tag.tagger.email}> {int(tag.tagger.at.timestamp())} +0000",
    )
    import pygit2

    text = "\n".join(lines) + f"\n\n{tag.message}\n"
    return str(_open(repository).odb.write(pygit2.enums.ObjectType.TAG, text.encode()))


def tag(repository: BareRepository, sha: str) -> Tag | None:
    """Return an annotated tag."""
    import pygit2

    git = _open(repository)
    found = git.get(sha)
    if not isinstance(found, pygit2.Tag):
        return None
    at = merging_time(found.tagger)
    target = git[found.target]
    return Tag(found.name or "", (found.message or "").rstrip("\n"), at, str(target.id), target.type_str)


def merging_time(signature: pygit2.Signature | None) -> Signed:
    """Return a signature as a value; a missing one is of nobody at the epoch."""
    from datetime import UTC, datetime

    if signature is None:
        return Signed("", "", datetime.fromtimestamp(0, UTC))
    return Signed(signature.name, signature.email, datetime.fromtimestamp(signature.time, UTC))


def kind_of(repository: BareRepository, sha: str) -> str | None:
    """Return what an object is: commit, tree, blob or tag; None where there is none."""
    found = _open(repository).get(sha) if len(sha) >= _SHORTEST and not set(sha) - set("0123456789abcdef") else None
    return None if found is None else found.type_str


def full_sha(repository: BareRepository, short: str) -> str | None:
    """Return the whole name of the commit that a shortened one stands for."""
    if kind_of(repository, short) != "commit":
        return None
    return str(_commit(_open(repository), short).id)


def trial_merge(repository: BareRepository, base: str, head: str, words: merging.Words) -> str | None:
    """Write the commit that a merge would make, on no branch; None where there is a conflict."""
    git = _open(repository)
    try:
        return merging.merged(git, _commit(git, base), _commit(git, head), "merge", words)
    except MergeConflict:
        return None


def fetch(source: BareRepository, target: BareRepository, sha: str) -> None:
    """Copy a commit and all that it needs from another repository on this forge."""
    import pygit2

    origin, git = _open(source), _open(target)
    walker = origin.walk(pygit2.Oid(hex=sha))
    for commit in walker:
        if commit.id in git:
            walker.hide(commit.id)
            continue
        _copy_tree(origin, git, commit.tree_id)
        _copy(origin, git, commit.id)


def set_default_branch(repository: BareRepository, branch: str) -> None:
    """Let HEAD name a branch."""
    _open(repository).set_head(f"refs/heads/{branch}")


def touching(commits: Iterable[CommitView], repository: BareRepository, path: str) -> Iterator[CommitView]:
    """Yield the commits that changed what stands at a path."""
    for commit in commits:
        parents = commit.parents or ("",)
        now = _sha_at(repository, commit.sha, path)
        if all(now != (_sha_at(repository, parent, path) if parent else None) for parent in parents):
            yield commit


def _sha_at(repository: BareRepository, commit: str, path: str) -> str | None:
    entry = repository.entry(commit, path)
    return entry.sha if entry else None


def _open(repository: BareRepository) -> pygit2.Repository:
    import pygit2

    return pygit2.Repository(str(repository.path))


def _commit(git: pygit2.Repository, sha: str) -> pygit2.Commit:
    import pygit2

    return _object(git, sha).peel(pygit2.Commit)


def _tree(git: pygit2.Repository, sha: str) -> pygit2.Tree:
    import pygit2

    return _object(git, sha).peel(pygit2.Tree)


def _object(git: pygit2.Repository, sha: str) -> pygit2.Object:
    found = git.get(sha)
    if found is None:
        raise NotThere(f"there is no object {sha}")
    return found


def _flat(tree: pygit2.Tree, folder: str) -> Iterator[tuple[str, pygit2.enums.FileMode, pygit2.Oid]]:
    import pygit2

    for found in tree:
        if isinstance(found, pygit2.Tree):
            yield from _flat(found, f"{folder}{found.name}/")
        else:
            yield f"{folder}{found.name}", found.filemode, found.id


def _put_in(index: pygit2.Index, path: str, oid: pygit2.Oid, mode: int) -> None:
    import pygit2

    check_path(path)
    try:
        index.add(pygit2.IndexEntry(path, oid, pygit2.enums.FileMode(mode)))
    except pygit2.GitError as error:  # Git knows more paths that cannot be
        raise PathRefused(str(error)) from None


def _take_out(index: pygit2.Index, path: str) -> None:
    for entry in [each.path for each in index]:
        if entry == path or entry.startswith(f"{path.rstrip('/')}/"):
            index.remove(entry)


def _copy(origin: pygit2.Repository, target: pygit2.Repository, oid: pygit2.Oid) -> None:
    if oid not in target:
        kind, data = origin.odb.read(oid)[:2]
        target.odb.write(kind, data)


def _copy_tree(origin: pygit2.Repository, target: pygit2.Repository, oid: pygit2.Oid) -> None:
    if oid in target:
        return
    import pygit2

    tree = origin[oid].peel(pygit2.Tree)
    for entry in tree:
        if isinstance(entry, pygit2.Tree):
            _copy_tree(origin, target, entry.id)
        elif isinstance(entry, pygit2.Blob):
            _copy(origin, target, entry.id)
    _copy(origin, target, oid)


def _signature(signed: Signed) -> pygit2.Signature:
    import pygit2

    return pygit2.Signature(signed.name, signed.email, int(signed.at.timestamp()), 0)

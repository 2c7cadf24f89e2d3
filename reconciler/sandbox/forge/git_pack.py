"""Packs: made whole and without deltas, which is quick for the small repositories of a sandbox; read by dulwich."""

from __future__ import annotations

import hashlib
import io
import zlib
from typing import TYPE_CHECKING

from reconciler.sandbox.forge.nouns import NotThere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pygit2
    from dulwich.objects import ShaFile

_FOLDER, _SUBMODULE = 0o040000, 0o160000
_CHECKSUM = 20  # bytes
_LEVEL = 1  # of compression: packs go over loopback


class BrokenPack(ValueError):
    """A pack that cannot be read."""


def missing(git: pygit2.Repository, wants: Iterable[str], haves: Iterable[str], *, tags: Iterable[str]) -> list[str]:
    """Return the objects that somebody with `haves` needs for `wants`, and the tags of the commits among them."""
    import pygit2

    found: dict[str, None] = {}
    walker = git.walk(None)
    for want in wants:
        wanted = _through_tags(git, want, found)
        if isinstance(wanted, pygit2.Commit):
            walker.push(wanted.id)
        else:
            _collect(git, wanted, [], found)
    for have in haves:
        walker.hide(have)
    for commit in walker:
        found[str(commit.id)] = None
        _collect(git, commit.tree, [parent.tree for parent in commit.parents], found)
    for tag in tags:
        if str(git[tag].peel(pygit2.Commit).id) in found:
            _through_tags(git, tag, found)
    return list(found)


def packed(git: pygit2.Repository, objects: Sequence[str]) -> bytes:
    """Return a pack of these objects."""
    parts = [b"PACK", (2).to_bytes(4, "big"), len(objects).to_bytes(4, "big")]
    for sha in objects:
        kind, content = git.odb.read(sha)
        parts += [_header(int(kind), len(content)), zlib.compress(content, _LEVEL)]
    body = b"".join(parts)
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def unpacked(pack: bytes, raw: Callable[[str], tuple[int, bytes]]) -> Iterator[ShaFile]:
    """Yield a pack's objects; deltas may build on those that `raw` reads by their names. Raises BrokenPack."""
    from dulwich.object_format import SHA1
    from dulwich.pack import PackData, PackInflater

    def known(sha: bytes) -> tuple[int, bytes]:
        try:
            return raw(sha.hex())
        except NotThere as error:
            raise KeyError(sha) from error

    if hashlib.sha1(pack[:-_CHECKSUM], usedforsecurity=False).digest() != pack[-_CHECKSUM:]:
        raise BrokenPack("index-pack abnormal exit")
    try:
        with PackData.from_file(io.BytesIO(pack), SHA1, len(pack)) as data:
            yield from PackInflater.for_pack_data(data, known)
    except Exception as error:  # a stranger's bytes: whatever the library finds wrong with them
        raise BrokenPack(f"unpack-objects abnormal exit: {error!r}".replace("\n", " ")) from error


def referred(found: ShaFile) -> Iterator[str]:
    """Yield the objects that one object is nothing without."""
    from dulwich.objects import Commit, Tag, Tree

    if isinstance(found, Commit):
        yield from (parent.decode() for parent in found.parents)
        yield found.tree.decode()
    elif isinstance(found, Tree):
        yield from (entry.sha.decode() for entry in found.iteritems() if entry.mode != _SUBMODULE)
    elif isinstance(found, Tag):
        yield found.object[1].decode()


def _through_tags(git: pygit2.Repository, sha: str, found: dict[str, None]) -> pygit2.Object:
    """Note a tag, and the tags that it stands for, and return what stands at the end."""
    import pygit2

    at = git[sha]
    while isinstance(at, pygit2.Tag):
        found[str(at.id)] = None
        at = git[at.target]
    return at


def _collect(git: pygit2.Repository, at: pygit2.Object, known: list[pygit2.Tree], found: dict[str, None]) -> None:
    """Note an object and all below it, but for what one of the known trees has at the same place."""
    import pygit2

    if str(at.id) in found or any(tree.id == at.id for tree in known):
        return
    found[str(at.id)] = None
    if not isinstance(at, pygit2.Tree):
        return
    for entry in at:
        name = str(entry.name)
        there = [tree[name] for tree in known if name in tree]
        if entry.filemode != _SUBMODULE and all(other.id != entry.id for other in there):
            _collect(git, entry, [other for other in there if isinstance(other, pygit2.Tree)], found)


def _header(kind: int, size: int) -> bytes:
    """Return what stands before an object in a pack: its kind, and its size in sevens of bits."""
    first, size = kind << 4 | size & 15, size >> 4
    header = bytearray([first])
    while size:
        header[-1] |= 128
        header.append(size & 127)
        size >>= 7
    return bytes(header)

"""Pushes: a pack comes in, its objects are kept, and each reference moves by compare-and-set or says why not.

Written on the protocol of the library dulwich rather than with its own handler, which reports a lost compare-and-set
as success. Protects: a reference never points to an object whose history is not all there.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.forge.git_upload import advertisement
from reconciler.sandbox.forge.nouns import NotThere, RefMoved, RefRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dulwich.objects import ShaFile
    from dulwich.protocol import Protocol

    from reconciler.sandbox.forge.repository import BareRepository

MayPush = Callable[[str], str | None]  # the reason against a push to a reference
Pushed = Callable[[str, str | None, str | None], None]  # reference, old and new commit

_FEATURES = "report-status delete-refs side-band-64k quiet ofs-delta object-format=sha1 agent=git/sandbox"
_NOWHERE = "0" * 40
_HIDDEN = "refs/pull/"
_SUBMODULE = 0o160000
_RESULT, _MESSAGE = 1, 2  # the side bands
_TRAILER = 20  # bytes of a pack's checksum


class BrokenPack(ValueError):
    """A pack that cannot be read."""


@dataclass(frozen=True, slots=True)
class Command:
    """One reference that a push wants to move."""

    ref: str
    old: str | None
    new: str | None


def listing(repository: BareRepository) -> bytes:
    """Return the references as a push is told them; those of pull requests are the forge's own."""
    refs = repository.refs("refs/")
    return advertisement([f"{sha} {name}" for name, sha in refs.items() if not name.startswith(_HIDDEN)], _FEATURES)


def receive(repository: BareRepository, body: bytes, *, may_push: MayPush, pushed: Pushed) -> bytes:
    """Take one push and report what became of each reference."""
    from dulwich.errors import GitProtocolError
    from dulwich.protocol import Protocol, pkt_line

    read, said = io.BytesIO(body), io.BytesIO()
    protocol = Protocol(read.read, said.write)
    try:
        commands, features = _commands(protocol)
    except (GitProtocolError, ValueError) as error:
        return pkt_line(f"ERR receive-pack: {error}\n".encode())
    if not commands:
        return b""  # how clients find out whether they are let in
    messages: list[str] = []
    report = list(_carry_out(repository, commands, read.read(), may_push, messages))
    for command, failure in zip(commands, report[1:], strict=True):
        if not failure:
            pushed(command.ref, command.old, command.new)
    _tell(protocol, features, commands, report, messages)
    return said.getvalue()


def _commands(protocol: Protocol) -> tuple[list[Command], set[bytes]]:
    """Read which references shall move, and what the client can do."""
    from dulwich.protocol import extract_capabilities

    commands: list[Command] = []
    features: set[bytes] = set()
    while line := protocol.read_pkt_line():
        text, found = extract_capabilities(line)
        features.update(found)
        if text.startswith(b"shallow "):  # the client's history is cut; ours is not, and holds what it builds on
            continue
        old, new, ref = text.decode().rstrip("\n").split(" ", 2)
        commands.append(Command(ref, None if old == _NOWHERE else old, None if new == _NOWHERE else new))
    return commands, features


def _carry_out(
    repository: BareRepository, commands: Sequence[Command], pack: bytes, may_push: MayPush, messages: list[str]
) -> Iterator[str]:
    """Yield what went wrong, "" for nothing: with the pack first, then with each reference."""
    missing: set[str] = set()
    try:
        if any(command.new for command in commands):
            missing = _keep(repository, pack)
    except BrokenPack as error:
        yield str(error)
        yield from ("unpacker error" for _ in commands)
        return
    yield ""
    for command in commands:
        refusal = _refusal(repository, command, may_push, messages)
        if not refusal and command.new and (missing or not repository.has(command.new)):
            refusal = "missing necessary objects"
        yield refusal or _move(repository, command, messages)


def _refusal(repository: BareRepository, command: Command, may_push: MayPush, messages: list[str]) -> str:
    """Return why the forge's rules are against moving a reference, "" when they are not."""
    ref = command.ref
    if not ref.startswith("refs/"):
        return "funny refname"
    if ref.startswith(_HIDDEN):
        return "deny updating a hidden ref"
    reason = may_push(ref)
    if reason is not None:
        messages += [f"error: GH006: Protected branch update failed for {ref}.", *([f"error: {reason}"] * bool(reason))]
        return "protected branch hook declined"
    if command.new is None and ref == f"refs/heads/{repository.default_branch}":
        messages.append(f"error: refusing to delete the current branch: {ref}")
        return "deletion of the current branch prohibited"
    return ""


def _move(repository: BareRepository, command: Command, messages: list[str]) -> str:
    if command.old is None and command.new is None:
        messages.append(f"warning: deleting a non-existent ref: {command.ref}")
        return ""
    try:
        repository.set_ref(command.ref, command.new, expected=command.old)
    except (RefMoved, RefRefused, NotThere) as error:
        messages.append(f"error: {error}")
        return str(error)
    return ""


def _keep(repository: BareRepository, pack: bytes) -> set[str]:
    """Keep a pack's objects, each for itself, and return what they refer to and neither pack nor repository has.

    Where something is missing nothing is kept: else the next push could build on a history with holes.
    """
    objects = list(_unpacked(repository, pack))
    have = {found.id.decode() for found in objects}
    wanted = {sha for found in objects for sha in _referred(found)}
    missing = {sha for sha in wanted - have if not repository.has(sha)}
    if not missing:
        for found in objects:
            repository.keep(found.type_num, found.as_raw_string())
    return missing


def _unpacked(repository: BareRepository, pack: bytes) -> Iterator[ShaFile]:
    """Yield a pack's objects; deltas may build on objects of the repository. Raises BrokenPack."""
    from dulwich.object_format import SHA1
    from dulwich.pack import PackData, PackInflater

    def known(sha: bytes) -> tuple[int, bytes]:
        try:
            return repository.raw(sha.hex())
        except NotThere as error:
            raise KeyError(sha) from error

    if hashlib.sha1(pack[:-_TRAILER], usedforsecurity=False).digest() != pack[-_TRAILER:]:
        raise BrokenPack("index-pack abnormal exit")
    try:
        with PackData.from_file(io.BytesIO(pack), SHA1, len(pack)) as data:
            yield from PackInflater.for_pack_data(data, known)
    except Exception as error:  # a stranger's bytes: whatever the library finds wrong with them
        raise BrokenPack(f"unpack-objects abnormal exit: {error!r}".replace("\n", " ")) from error


def _referred(found: ShaFile) -> Iterator[str]:
    """Yield the objects that one object is nothing without."""
    from dulwich.objects import Commit, Tag, Tree

    if isinstance(found, Commit):
        yield from (parent.decode() for parent in found.parents)
        yield found.tree.decode()
    elif isinstance(found, Tree):
        yield from (entry.sha.decode() for entry in found.iteritems() if entry.mode != _SUBMODULE)
    elif isinstance(found, Tag):
        yield found.object[1].decode()


def _tell(
    protocol: Protocol, features: set[bytes], commands: Sequence[Command], report: Sequence[str], messages: list[str]
) -> None:
    """Write the report in the way that the client understands."""
    from dulwich.protocol import pkt_line

    lines = [f"unpack {report[0] or 'ok'}\n"]
    lines += [
        f"ng {command.ref} {failure}\n" if failure else f"ok {command.ref}\n"
        for command, failure in zip(commands, report[1:], strict=True)
    ]
    told = b"".join(pkt_line(line.encode()) for line in lines) + pkt_line(None)
    aside = b"side-band-64k" in features
    if aside and messages:
        protocol.write_sideband(_MESSAGE, "".join(f"{message}\n" for message in messages).encode())
    if b"report-status" in features:
        if aside:
            protocol.write_sideband(_RESULT, told)
        else:
            protocol.write(told)
    if aside:
        protocol.write_pkt_line(None)

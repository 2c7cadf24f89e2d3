"""Pushes: a pack comes in, its objects are kept, and each reference moves by compare-and-set or says why not.

Not by the library dulwich's own handler, which reports a lost compare-and-set as success.
Protects: a reference never points to an object whose history is not all there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.forge import git_pack, pkt_lines
from reconciler.sandbox.forge.nouns import NotThere, RefMoved, RefRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.sandbox.forge.repository import BareRepository

# The reason against moving a reference, of its name, old and new commit; the pushed objects can be looked at already.
MayPush = Callable[[str, str | None, str | None], str | None]
Pushed = Callable[[str, str | None, str | None], None]  # reference, old and new commit

_FEATURES = "report-status delete-refs side-band-64k quiet ofs-delta object-format=sha1 agent=git/sandbox"
_NOWHERE = "0" * 40
_HIDDEN = "refs/pull/"
_CUT = "shallow "  # where a client's history ends; ours goes on, and holds what the push builds on
_RESULT, _MESSAGE = 1, 2  # the side bands


@dataclass(frozen=True, slots=True)
class Command:
    """One reference that a push wants to move."""

    ref: str
    old: str | None
    new: str | None


def listing(repository: BareRepository) -> bytes:
    """Return the references as a push is told them; those of pull requests are the forge's own."""
    refs = repository.refs("refs/")
    return pkt_lines.advertisement(
        [f"{sha} {name}" for name, sha in refs.items() if not name.startswith(_HIDDEN)], _FEATURES
    )


def receive(repository: BareRepository, body: bytes, *, may_push: MayPush, pushed: Pushed) -> bytes:
    """Take one push and report what became of each reference."""
    try:
        lines, pack = pkt_lines.texts(body, sections=1)
        commands = [_command(text) for text in lines if text and not text.startswith(_CUT)]
    except ValueError as error:
        return pkt_lines.line(f"ERR receive-pack: {error}\n")
    if not commands:
        return b""  # how clients find out whether they are let in
    messages: list[str] = []
    report = list(_carry_out(repository, commands, pack, may_push, messages))
    for command, failure in zip(commands, report[1:], strict=True):
        if not failure:
            pushed(command.ref, command.old, command.new)
    features = {feature for text in lines for feature in text.partition("\0")[2].split()}
    return _told(features, commands, report, messages)


def _command(text: str) -> Command:
    old, new, ref = text.partition("\0")[0].rstrip("\n").split(" ", 2)
    return Command(ref, None if old == _NOWHERE else old, None if new == _NOWHERE else new)


def _carry_out(
    repository: BareRepository, commands: Sequence[Command], pack: bytes, may_push: MayPush, messages: list[str]
) -> Iterator[str]:
    """Yield what went wrong, "" for nothing: with the pack first, then with each reference."""
    missing: set[str] = set()
    try:
        if any(command.new for command in commands):
            missing = _keep(repository, pack)
    except git_pack.BrokenPack as error:
        yield str(error)
        yield from ("unpacker error" for _ in commands)
        return
    yield ""
    for command in commands:
        if command.new and (missing or not repository.has(command.new)):
            yield "missing necessary objects"
        else:
            yield _refusal(repository, command, may_push, messages) or _move(repository, command, messages)


def _refusal(repository: BareRepository, command: Command, may_push: MayPush, messages: list[str]) -> str:
    """Return why the forge's rules are against moving a reference, "" when they are not."""
    ref = command.ref
    if not ref.startswith("refs/"):
        return "funny refname"
    if ref.startswith(_HIDDEN):
        return "deny updating a hidden ref"
    if command.old and not repository.has(command.old):
        return ""  # it will be found elsewhere; the rules could not compare the two
    reason = may_push(ref, command.old, command.new)
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
    objects = list(git_pack.unpacked(pack, repository.raw))
    have = {found.id.decode() for found in objects}
    wanted = {sha for found in objects for sha in git_pack.referred(found)}
    missing = {sha for sha in wanted - have if not repository.has(sha)}
    if not missing:
        for found in objects:
            repository.keep(found.type_num, found.as_raw_string())
    return missing


def _told(features: set[str], commands: Sequence[Command], report: Sequence[str], messages: Sequence[str]) -> bytes:
    """Return the report in the way that the client understands."""
    lines = [f"unpack {report[0] or 'ok'}"]
    lines += [
        f"ng {command.ref} {failure}" if failure else f"ok {command.ref}"
        for command, failure in zip(commands, report[1:], strict=True)
    ]
    told = b"".join(pkt_lines.line(f"{line}\n") for line in lines) + pkt_lines.END
    if "report-status" not in features:
        told = b""
    if "side-band-64k" not in features:
        return told
    said = "".join(f"{message}\n" for message in messages).encode()
    return pkt_lines.banded(_MESSAGE, said) + pkt_lines.banded(_RESULT, told) + pkt_lines.END

"""Fetches: the listing of references, the search for what both sides have, and a pack of the rest.

The protocol is Git's first, as a server without memory speaks it: each request brings all that was found so far.
Cut histories and filters are not offered, so a client that wants them refuses by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.sandbox.forge import pkt_lines

if TYPE_CHECKING:
    from reconciler.sandbox.forge.repository import BareRepository

_FEATURES = (
    "multi_ack_detailed no-done side-band-64k ofs-delta no-progress include-tag allow-tip-sha1-in-want"
    " allow-reachable-sha1-in-want object-format=sha1 agent=git/sandbox"
)
_DATA = 1  # the side band of the pack


@dataclass(slots=True)
class Talk:
    """One request of a fetch, and what is answered to it."""

    wants: list[str] = field(default_factory=list)
    features: set[str] = field(default_factory=set)
    common: list[str] = field(default_factory=list)  # commits that both sides have, in the order they were named
    lines: list[str] = field(default_factory=list)
    agreed: bool = False  # now the pack follows


def listing(repository: BareRepository) -> bytes:
    """Return all references as a fetch is told them, HEAD first and tags with what they stand for."""
    refs = repository.refs("refs/")
    head = f"refs/heads/{repository.default_branch}"
    lines = [f"{refs[head]} HEAD"] if head in refs else []
    for name, sha in refs.items():
        lines.append(f"{sha} {name}")
        stands_for = repository.resolve(name) if name.startswith("refs/tags/") else sha
        if stands_for not in (sha, None):
            lines.append(f"{stands_for} {name}^{{}}")
    features = f"symref=HEAD:{head} {_FEATURES}" if head in refs else _FEATURES
    return pkt_lines.advertisement(lines, features)


def upload(repository: BareRepository, body: bytes) -> bytes:
    """Answer one request of a fetch; what is wrong with it is told as Git tells it."""
    talk = Talk()
    try:
        _negotiate(repository, body, talk)
    except ValueError as error:
        return pkt_lines.line(f"ERR upload-pack: {error}\n")
    told = b"".join(pkt_lines.line(f"{text}\n") for text in talk.lines)
    return told + _pack(repository, talk) if talk.agreed else told


def _negotiate(repository: BareRepository, body: bytes, talk: Talk) -> None:
    """Go through a request's lines; raises ValueError."""
    round_has = set[bool]()  # of one batch: whether something was common, and whether something was not
    for text in pkt_lines.texts(body)[0]:
        word, _, rest = text.rstrip("\n").partition(" ")
        if word == "want":
            _want(repository, rest, talk)
        elif word == "have":
            round_has.add(_have(repository, rest, talk))
        elif word == "done":
            talk.lines.append(f"ACK {talk.common[-1]}" if talk.common else "NAK")
            talk.agreed = bool(talk.wants)
            return
        elif word:
            raise ValueError(f"unexpected {word!r}")
        elif round_has:
            _end_batch(repository, talk, all_common=round_has == {True})
            round_has.clear()
            if talk.agreed:
                return


def _want(repository: BareRepository, rest: str, talk: Talk) -> None:
    sha, _, features = rest.partition(" ")
    talk.features.update(features.split())
    if not repository.has(sha):
        raise ValueError(f"not our ref {sha}")
    talk.wants.append(sha)


def _have(repository: BareRepository, sha: str, talk: Talk) -> bool:
    """Take up one of the client's commits, and tell whether we have it too."""
    detailed = "multi_ack_detailed" in talk.features
    if repository.is_commit(sha):
        talk.common.append(sha)
        if detailed:
            talk.lines.append(f"ACK {sha} common")
        elif len(talk.common) == 1:
            talk.lines.append(f"ACK {sha}")
        return True
    if detailed and _enough(repository, talk):
        talk.lines.append(f"ACK {sha} ready")
    return False


def _end_batch(repository: BareRepository, talk: Talk, *, all_common: bool) -> None:
    """Say how the search goes on; the pack comes at once where the client allows that."""
    detailed = "multi_ack_detailed" in talk.features
    if detailed and all_common and _enough(repository, talk):
        talk.lines.append(f"ACK {talk.common[-1]} ready")
    if detailed or not talk.common:
        talk.lines.append("NAK")
    if "no-done" in talk.features and any(line.endswith(" ready") for line in talk.lines):
        talk.lines.append(f"ACK {talk.common[-1]}")
        talk.agreed = True


def _enough(repository: BareRepository, talk: Talk) -> bool:
    """Tell whether every wanted commit builds on something that both sides have."""
    commits = [repository.resolve(want) for want in talk.wants]
    return bool(talk.common) and all(
        commit is None or any(repository.is_ancestor(have, commit) for have in talk.common) for commit in commits
    )


def _pack(repository: BareRepository, talk: Talk) -> bytes:
    tags = repository.annotated_tags() if "include-tag" in talk.features else []
    pack = repository.pack(talk.wants, talk.common, tags=tags)
    if "side-band-64k" not in talk.features:
        return pack
    return pkt_lines.banded(_DATA, pack) + pkt_lines.END

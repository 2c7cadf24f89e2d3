"""What one file describes, as a function of its bytes: known once, it is known for every path and commit.

Protects: identities only. No value of a field is kept, of a Secret or of anything else.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.errors import Refusal
from reconciler.manifests.editing.documents import Identity, identities
from reconciler.manifests.editing.parts import decode, split_bom
from reconciler.manifests.files.skim import skim

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WORDS = (b"apiVersion", b"kind", b"metadata")  # without them no mapping describes an object
_HIDING = re.compile(rb"\\[xuU\r\n]")  # or they are written with escapes, in quotes
_ENCODER = json.JSONEncoder(separators=(",", ":"))  # `json.dumps` would make one for each file
_SKIP_MARKER = b"+argocd:skip-file-rendering"  # anywhere in a file, and Argo CD leaves the file out


class Reading(NamedTuple):
    """One way to look at files: which ones by their name and mode, and what is said of them, as a function of bytes."""

    rules: str  # another text with every change of what is said: what older rules said is forgotten
    concerns: Callable[[str, int], bool]
    judged: Callable[[bytes, int], Contents]  # with the most bytes that are judged; never raises


class Described(NamedTuple):
    """One object that a file describes."""

    document: int  # its index in the file
    identity: Identity


class Contents(NamedTuple):
    """What a file describes or names, or that nobody can say.

    Kept as JSON, because a large repository has many and a question is about few: a list of lists of words, or the
    code of the refusal as a text.
    """

    size: int  # of the file, in bytes
    said: bytes

    @property
    def unjudged(self) -> bool:
        """Tell whether the file could not be judged."""
        return self.said.startswith(b'"')

    def described(self) -> tuple[Described, ...]:
        """Return the objects that the file describes."""
        return tuple(Described(document, Identity(*words)) for document, *words in self.words())

    def words(self) -> list[list[Any]]:
        """Return what is said, nothing where that is unjudged."""
        found: list[list[Any]] = [] if self.unjudged else json.loads(self.said)
        return found


def contents_of(size: int, words: Sequence[Sequence[Any]]) -> Contents:
    """Return contents that say this."""
    return Contents(size, _json(words))


def describing(size: int, described: Sequence[Described]) -> Contents:
    """Return the contents of a file that describes these objects."""
    return contents_of(size, [(document, *identity) for document, identity in described])


def unjudged(size: int, code: str) -> Contents:
    """Return the contents of a file that was refused."""
    return Contents(size, _json(code))


def written(name: str) -> bytes:
    """Return how a name stands in what is said of every file that describes an object of this name."""
    return _json(name)


def judged(data: bytes, max_bytes: int) -> Contents:
    """Return what a file describes; never raises."""
    try:
        return describing(len(data), described_in(data, max_bytes))
    except Refusal as refusal:
        return unjudged(len(data), refusal.code)


def described_in(data: bytes, max_bytes: int) -> tuple[Described, ...]:
    """Return the objects that a file describes, none where Argo CD leaves the file out.

    Raises Refusal when it is no YAML of a size that we judge, or hides what it describes.
    """
    if not may_describe(data):
        return ()
    _, text = split_bom(decode(data, max_bytes))
    return tuple(Described(document, identity) for document, identity in identities(skim(text)))


def may_describe(data: bytes) -> bool:
    """Tell, without parsing, whether a file may describe an object; most files of a repository may not."""
    if _SKIP_MARKER in data:
        return False
    return all(word in data for word in _WORDS) or _HIDING.search(data) is not None


def _json(said: object) -> bytes:
    return _ENCODER.encode(said).encode()

"""What one file describes, as a function of its bytes: known once, it is known for every path and commit.

Protects: identities only. No value of a field is kept, of a Secret or of anything else.
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

from reconciler.errors import Refusal
from reconciler.manifests.documents import Identity, identities
from reconciler.manifests.parts import decode, split_bom
from reconciler.manifests.skim import skim

RULES = 1  # raise it with every change of what `judged` answers: what older rules answered is forgotten

TOO_LARGE = "edit.too_large"

_WORDS = (b"apiVersion", b"kind", b"metadata")  # without them no mapping describes an object
_HIDING = re.compile(rb"\\[xuU\r\n]")  # or they are written with escapes, in quotes
_SKIP_MARKER = b"+argocd:skip-file-rendering"  # anywhere in a file, and Argo CD leaves the file out


class Described(NamedTuple):
    """One object that a file describes."""

    document: int  # its index in the file
    identity: Identity


class Contents(NamedTuple):
    """What a file describes; or why that cannot be said, as the code of a refusal."""

    size: int  # of the file, in bytes
    described: tuple[Described, ...] = ()
    unjudged: str = ""


def judged(data: bytes, max_bytes: int) -> Contents:
    """Return what a file describes; never raises."""
    try:
        return Contents(len(data), described=described_in(data, max_bytes))
    except Refusal as refusal:
        return Contents(len(data), unjudged=refusal.code)


def described_in(data: bytes, max_bytes: int) -> tuple[Described, ...]:
    """Return the objects that a file describes, none where Argo CD leaves the file out.

    Raises Refusal when it is no YAML of a size that we judge, or hides what it describes.
    """
    if not may_describe(data):
        return ()
    _, text = split_bom(decode(data, max_bytes))
    return tuple(described(document, *identity) for document, identity in identities(skim(text)))


def may_describe(data: bytes) -> bool:
    """Tell, without parsing, whether a file may describe an object; most files of a repository may not."""
    if _SKIP_MARKER in data:
        return False
    return all(word in data for word in _WORDS) or _HIDING.search(data) is not None


def described(document: int, group: str, kind: str, namespace: str, name: str) -> Described:
    """Return an object of a file; words that many files have are kept once for all of them."""
    return Described(document, Identity(sys.intern(group), sys.intern(kind), sys.intern(namespace), name))

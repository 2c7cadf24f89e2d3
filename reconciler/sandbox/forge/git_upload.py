"""Fetches: the listing of references, and packs, which the library dulwich negotiates and makes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from dulwich.server import BackendRepo

    from reconciler.sandbox.forge.repository import BareRepository

# What dulwich does right; more it does not get to hear of. Clients ask only for what is listed.
_FEATURES = (
    "multi_ack_detailed multi_ack side-band-64k thin-pack ofs-delta no-progress include-tag shallow no-done"
    " object-format=sha1 agent=git/sandbox"
)


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
    return advertisement(lines, features)


def upload(repository: BareRepository, body: bytes) -> bytes:
    """Answer one request of a fetch; what is wrong with it is told as Git tells it."""
    from dulwich.errors import GitProtocolError
    from dulwich.protocol import ReceivableProtocol, pkt_line
    from dulwich.repo import Repo
    from dulwich.server import DictBackend, UploadPackHandler

    said = io.BytesIO()
    opened = Repo(str(repository.path))
    try:
        protocol = ReceivableProtocol(io.BytesIO(body).read, said.write)
        backend = DictBackend({"/": cast("BackendRepo", opened)})
        UploadPackHandler(backend, ["/"], protocol, stateless_rpc=True).handle()
    except GitProtocolError as error:
        return pkt_line(f"ERR upload-pack: {str(error) or 'the request ends too early'}\n".encode())
    finally:
        opened.close()
    return said.getvalue()


def advertisement(lines: list[str], features: str) -> bytes:
    """Return a listing's lines, the first of which carries what the server can do."""
    first, *rest = lines or [f"{'0' * 40} capabilities^{{}}"]
    told = [f"{first}\0{features}", *rest]
    return b"".join(f"{len(line) + 5:04x}{line}\n".encode() for line in told) + b"0000"

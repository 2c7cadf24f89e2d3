"""Objects as bytes: whole, or their metadata alone, as the request's Accept header asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import not_acceptable
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.cluster.history import Stored
    from reconciler.sandbox.cluster.kinds import Kind
    from reconciler.sandbox.cluster.values import Json

JSON = "application/json"
_META = "meta.k8s.io/v1"
_ANY = ("*/*", "application/*", JSON)
_REAL = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")


def packed(value: object) -> bytes:
    """Return a value as compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


class Form:
    """How the objects of one answer are written."""

    def __init__(self, kind: Kind, *, metadata_only: bool = False) -> None:
        self._kind = kind
        self._metadata_only = metadata_only
        name, version = ("PartialObjectMetadata", _META) if metadata_only else (kind.kind, kind.api_version)
        self._typed = b'{"kind":"%b","apiVersion":"%b",' % (name.encode(), version.encode())
        self._list = f"{name}List", version
        self._bare_items = not (metadata_only or kind.custom)

    def one(self, stored: Stored) -> bytes:
        """Write one object on its own."""
        data = packed({"metadata": stored.value["metadata"]}) if self._metadata_only else stored.data
        return self._typed + data[1:]

    def many(self, metadata: Json, items: list[Stored]) -> bytes:
        """Write a list; the items of a built-in kind do not repeat what they are."""
        name, version = self._list
        head = packed({"kind": name, "apiVersion": version, "metadata": metadata})[:-1]
        written = [each.data for each in items] if self._bare_items else [self.one(each) for each in items]
        return b'%b,"items":[%b]}\n' % (head, b",".join(written))

    def bookmark(self, revision: int, **annotations: str) -> bytes:
        """Write the object of a bookmark, which holds nothing but how far a watch has come."""
        metadata: Json = {"resourceVersion": str(revision)}
        if annotations:
            metadata["annotations"] = annotations
        return self._typed + packed({"metadata": metadata})[1:]


def form(kind: Kind, headers: Mapping[str, str]) -> Form:
    """Return the first form that the request accepts and the server has. Raises ApiError (406)."""
    offers = (headers.get("accept") or "*/*").split(",")
    for offer in offers:
        media, *parameters = (part.strip() for part in offer.split(";"))
        if media not in _ANY:
            continue
        shape = dict(each.partition("=")[::2] for each in parameters).get("as", "")
        if shape in ("PartialObjectMetadata", "PartialObjectMetadataList"):
            return Form(kind, metadata_only=True)
        if not shape:
            return Form(kind)
    if any(offer.strip().startswith(_REAL[1:]) or "as=Table" in offer for offer in offers):
        raise NotInSandbox(f"answers as {' or '.join(offers)}")
    raise not_acceptable(_REAL)

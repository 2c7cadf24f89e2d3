"""Lists that cost nothing while they are unchanged: asked with the ETag of the last answer, a 304 brings that back.

In memory, and where there is a file, also beside the mirror for the next process; both are safe to lose. GitHub's
ETags are of one token each, so a file helps only where the token stays the same from run to run.
Protects: what is remembered is an answer of this very address, and a file is of our own hand: it is sealed with a key
made of our token. One that is not, or makes no sense, is as if there were none; an old one of ours costs a full answer.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections import OrderedDict
from contextlib import suppress
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from github.Requester import Requester

Json = dict[str, Any]

_KEPT = 64  # lists; a pass asks for one, and for one more for each pull request that it looks into
_LARGEST = 8 * 1024 * 1024  # bytes of the file


class Lists:
    """Asks for lists; may be used from several threads. What `token` has sealed is taken from a file and put there."""

    def __init__(self, requester: Requester, file: Path | None = None, token: str = "") -> None:
        self._requester = requester
        self._file = file if token else None
        self._key = hashlib.sha256(f"reconciler: lists, sealed: {token}".encode()).digest()
        self._lock = Lock()
        self._known: OrderedDict[str, tuple[str, list[Json]]] = OrderedDict(
            _read(self._file, self._key) if self._file else {}
        )

    def get(self, url: str, parameters: Mapping[str, str | int], keep: Callable[[Json], Json]) -> list[Json]:
        """Return a list's items, each cut down to what `keep` keeps of it.

        Raises what PyGithub raises, and ValueError for what is no list.
        """
        key = f"{url}?{urlencode(parameters)}"
        etag, items = self._remembered(key)
        headers = {"If-None-Match": etag} if etag else {}
        status, answered, text = self._requester.requestJson("GET", url, dict(parameters), headers)
        if status == HTTPStatus.NOT_MODIFIED and etag:
            return items
        if status >= HTTPStatus.BAD_REQUEST:
            raise self._requester.createException(status, answered, _said(text))
        found = json.loads(text) if text.strip() else None
        if status != HTTPStatus.OK or not isinstance(found, list):
            raise ValueError("a list was expected")
        items = [keep(item) for item in found]
        self._remember(key, str(answered.get("etag") or ""), items)
        return items

    def forget(self, url: str, parameters: Mapping[str, str | int]) -> None:
        """Let go of an answer that could not be read, so that the next one is a whole one."""
        with self._lock:
            self._known.pop(f"{url}?{urlencode(parameters)}", None)

    def _remembered(self, key: str) -> tuple[str, list[Json]]:
        with self._lock:
            return self._known.get(key, ("", []))

    def _remember(self, key: str, etag: str, items: list[Json]) -> None:
        if not etag:
            return
        with self._lock:
            self._known[key] = (etag, items)
            self._known.move_to_end(key)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
            if self._file is not None:
                with suppress(OSError):  # it only saves a request
                    _write(self._file, self._known, self._key)


def _said(text: str) -> Json:
    """Return a refusal as PyGithub would read it."""
    try:
        said = json.loads(text)
    except ValueError:
        said = text
    return said if isinstance(said, dict) else {"data": said}


def _seal(text: bytes, key: bytes) -> bytes:
    return hmac.digest(key, text, "sha256").hex().encode()


def _read(file: Path, key: bytes) -> dict[str, tuple[str, list[Json]]]:
    """Return what another process of ours remembered; nothing where somebody else wrote it or it makes no sense."""
    try:
        if file.stat().st_size > _LARGEST:
            return {}
        seal, _, text = file.read_bytes().partition(b"\n")
        if not hmac.compare_digest(seal, _seal(text, key)):
            return {}
        known = cast("dict[str, Any]", json.loads(text))
        return {str(key): (str(each["etag"]), _items(each["items"])) for key, each in known.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def _items(found: object) -> list[Json]:
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise TypeError("items that are none")
    return found


def _write(file: Path, known: Mapping[str, tuple[str, list[Json]]], key: bytes) -> None:
    """Put the new file into the old one's place, readable to us alone: texts of pull requests may be private."""
    text = json.dumps({k: {"etag": e, "items": i} for k, (e, i) in known.items()}).encode()
    if len(text) > _LARGEST:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(_seal(text, key) + b"\n" + text)
    draft.replace(file)

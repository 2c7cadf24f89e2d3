"""Conditional reads: an unchanged answer is 304, has no body, and costs nothing of the rate limit."""

from __future__ import annotations

import hashlib


def etag_of(body: bytes, token: str) -> str:
    """Return the tag of an answer; as on GitHub another token has other tags, even where the bytes are the same."""
    digest = hashlib.sha256(f"{token}:".encode() + body).hexdigest()
    return f'W/"{digest}"'


def matches(wanted: str, etag: str) -> bool:
    """Tell whether an If-None-Match header names this tag; weakness does not matter to it."""
    named = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
    return "*" in named or etag.removeprefix("W/") in named

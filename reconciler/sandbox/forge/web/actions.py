"""What a person does on the page, read from the form that the browser sends.

Protects: a form counts only with the token of the page that it was on, and only on an address of this machine, so no
other site can act in a person's name.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from reconciler.sandbox.forge.web.page import METHODS

ACTIONS = ("approve_and_merge", "approve", "request_changes", "comment", "edit", "rewrite", "close", "reopen")

_LOOPBACK = re.compile(r"(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 5_000
_TEXT_NEEDED = ("request_changes", "comment")


class FormRefused(ValueError):
    """A form that is not acted upon; `status` is the answer's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that a person does; `head` and `blob` are what they saw when they did."""

    name: str
    head: str
    method: str = "merge"
    text: str = ""
    path: str = ""
    blob: str = ""
    values: Mapping[int, str] = field(default_factory=dict)


def is_loopback(host: str) -> bool:
    """Tell whether a Host header names this machine; a foreign name that leads here belongs to an attacker."""
    return _LOOPBACK.fullmatch(host) is not None


def form_token(secret: bytes, path: str, viewer: str) -> str:
    """Return the token of a page's forms."""
    return hmac.new(secret, f"{viewer} {path}".encode(), hashlib.sha256).hexdigest()


def read_action(body: bytes, content_type: str, token: str) -> Action:
    """Read what a form asks for; raises FormRefused."""
    if content_type.partition(";")[0].strip().lower() != _FORM:
        raise FormRefused(415, "This is not a form of this page.")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise FormRefused(400, "The form cannot be read.") from error
    given = {name: values[-1] for name, values in fields.items()}
    if not hmac.compare_digest(given.get("token", "").encode(), token.encode()):
        raise FormRefused(403, "The form is from another page. Reload this one and try again.")
    return _checked(_action(given))


def _action(given: Mapping[str, str]) -> Action:
    values = {name.removeprefix("line-"): value for name, value in given.items() if name.startswith("line-")}
    return Action(
        name=given.get("action", ""),
        head=given.get("head", ""),
        method=given.get("method", "merge"),
        text=given.get("text", ""),
        path=given.get("path", ""),
        blob=given.get("blob", ""),
        values={int(number): value for number, value in values.items() if number.isascii() and number.isdigit()},
    )


def _checked(action: Action) -> Action:
    if action.name not in ACTIONS or action.method not in METHODS:
        raise FormRefused(400, "The page does not know what to do with that.")
    if action.name in _TEXT_NEEDED and not action.text.strip():
        raise FormRefused(422, "Write what you want to say first.")
    return action

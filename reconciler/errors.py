"""Every error a user can see, in one tree.

    ReconcilerError              exit code 1
    ├── ConfigurationError       2  the configuration file or an option is wrong
    ├── SourceError              3  a server did not answer, or answered with a failure
    │   ├── Unauthorized         3  it refused our identity or its permissions
    │   └── Conflict             3  the world moved between our read and our write
    ├── Refusal                  4  we decline to do it, and say why
    ├── LedgerError              5  the ledger cannot be read, written or believed
    │   └── LedgerMoved          5  another process appended first
    ├── Busy                     6  another pass holds this ledger
    └── NotFound                 7  the named operation does not exist

Each error carries a stable `code`, a one-sentence `message` and a `remedy`: what, where, how to mend.
Text that came from a server is cut and scrubbed before it gets in here (`foreign_text`).
"""

from __future__ import annotations

import re

_LIMIT = 256  # characters of foreign text; an error body can be a whole object
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")
_BEARER = re.compile(r"(?i)\b(bearer|token|basic|password|secret)([ =:\"']+)[\w.~+/=-]{6,}")
_TOKENS = re.compile(r"\b(gh[pousr]_\w{10,}|github_pat_\w{10,}|eyJ[\w-]{10,}\.[\w.-]+)")


def foreign_text(text: object, limit: int = _LIMIT) -> str:
    """Return text of another system fit to be shown: one line, no credentials, at most 256 characters or `limit`."""
    line = " ".join(str(text).split())
    line = _CREDENTIALS_IN_URL.sub("", line)
    line = _BEARER.sub(r"\1\2***", line)
    line = _TOKENS.sub("***", line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


class ReconcilerError(Exception):
    """The root: something went wrong that a person can be told in one line."""

    exit_code = 1

    def __init__(self, *, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"


class ConfigurationError(ReconcilerError):
    """The configuration file, the environment or an option is wrong."""

    exit_code = 2


class SourceError(ReconcilerError):
    """A server did not answer in time, or answered with a failure."""

    exit_code = 3


class Unauthorized(SourceError):
    """A server refused our identity or its permissions."""


class Conflict(SourceError):
    """The world moved between our read and our write; read and decide again."""


class Refusal(ReconcilerError):
    """We decline: a rule of safety says no."""

    exit_code = 4


class LedgerError(ReconcilerError):
    """The ledger cannot be read, written or believed."""

    exit_code = 5


class LedgerMoved(LedgerError):
    """Another process appended an event between our read and our append."""


class Busy(ReconcilerError):
    """Another pass holds this ledger."""

    exit_code = 6


class NotFound(ReconcilerError):
    """The named thing does not exist."""

    exit_code = 7

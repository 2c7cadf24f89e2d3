"""Why a request got no answer, in the few words at the bottom of a library's error.

requests wraps urllib3, which wraps http.client, which wraps the socket's error, each with its own pools, addresses and
queries in the text. A person needs `Connection refused`.
"""

from __future__ import annotations

import re
import ssl

from reconciler.errors import foreign_text

_DEPTH = 8  # causes below each other; libraries stop at five
_POOL = re.compile(r"^<?\w*Connection(?:Pool)?\(.*?\)>?: ")


def in_short(error: BaseException) -> str:
    """Return the innermost reason, fit to be shown."""
    for _ in range(_DEPTH):
        inner = _inner(error)
        if inner is None:
            break
        error = inner
    if isinstance(error, ssl.SSLCertVerificationError):
        return foreign_text(f"its certificate is not trusted: {error.verify_message}")
    if isinstance(error, OSError) and error.strerror:
        return foreign_text(error.strerror)
    return foreign_text(_POOL.sub("", str(error)) or type(error).__name__)


def _inner(error: BaseException) -> BaseException | None:
    """Return the error that this one wraps: as its cause, its reason, or one of its arguments."""
    candidates = (error.__cause__, getattr(error, "reason", None), *error.args)
    return next((one for one in candidates if isinstance(one, BaseException) and one is not error), None)

"""What a failure of the Kubernetes API means for us: HTTP status and `Status` object to one error of ours.

Protects: no answer is taken for success or emptiness that is neither, and a lack of permission is told from an
admission rule that says no, because a person mends them differently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.adapters.retries import Transient, is_transient, retry_after
from reconciler.errors import Conflict, Refusal, SourceError, Unauthorized, foreign_text

if TYPE_CHECKING:
    from reconciler.errors import ReconcilerError

_FORBIDDEN = 403
_CONFLICT = 409
_AGAIN = "nothing to do: the next pass reads and decides again"
_LATER = "nothing to do: the next pass asks again; if it stays, look at the API server"


class Missing(SourceError):
    """The API server has no such object, or no such kind."""


class Expired(SourceError):
    """The server forgot the list that we were paging through (410)."""


class ApplyConflict(Conflict):
    """Server-side apply without force met fields of other managers; the causes name them."""

    def __init__(self, *, code: str, message: str, remedy: str, causes: tuple[str, ...]) -> None:
        super().__init__(code=code, message=message, remedy=remedy)
        self.causes = causes


# HTTP status: the error, its code and its remedy
_MEANINGS: dict[int, tuple[type[ReconcilerError], str, str]] = {
    401: (Unauthorized, "kubernetes.unauthenticated", "renew the credentials in the kubeconfig"),
    403: (Unauthorized, "kubernetes.forbidden", "run `reconciler doctor`: it prints the RBAC rule to grant"),
    404: (Missing, "kubernetes.missing", "check that the object and its kind exist"),
    410: (Expired, "kubernetes.expired", "nothing to do: the list is read again"),
}
_REJECTED = frozenset({400, 422})
_ADMISSION = ("denied the request", "exceeded quota")  # said with 403 by webhooks and quotas, not by RBAC


def error_of(method: str, doing: str, status: int, answer: dict[str, Any], wait: str | None) -> ReconcilerError:
    """Return the error that an answer other than success means; `wait` is its Retry-After header."""
    said = foreign_text(answer.get("message") or "no reason given")
    message = f"{doing}: {said} ({status})"
    if is_transient(status):
        return Transient(code="kubernetes.failing", message=message, remedy=_LATER, after=retry_after(wait))
    if status == _CONFLICT or any(cause.get("field") == "metadata.uid" for cause in _causes(answer)):
        return _conflict(message, answer)  # a patch that names the uid of an earlier object is a 422
    denied = status == _FORBIDDEN and any(words in said for words in _ADMISSION)
    if method == "PATCH" and (denied or status in _REJECTED):
        return Refusal(code="kubernetes.rejected", message=message, remedy="change what the cluster's rules reject")
    kind, code, remedy = _MEANINGS.get(status, (SourceError, "kubernetes.unexpected", _LATER))
    return kind(code=code, message=message, remedy=remedy)


def malformed(doing: str) -> SourceError:
    """Say that an answer is not what Kubernetes sends; it must not pass for an empty one (invariant 3)."""
    return SourceError(
        code="kubernetes.malformed",
        message=f"{doing}: the answer is not what a Kubernetes API server sends",
        remedy="check that the address is the API server itself and not something in between",
    )


def too_deep(doing: str) -> SourceError:
    """Say that an answer holds an object that nobody can have meant: to read it would crash the reader."""
    return SourceError(
        code="kubernetes.too_deep",
        message=f"{doing}: an object in the answer nests deeper than is read",
        remedy="find the object with hundreds of mappings inside one another, in free-form values, and flatten it",
    )


def missing_kind(group: str, kind: str) -> Missing:
    """Say that the server does not serve a kind."""
    return Missing(
        code="kubernetes.missing_kind",
        message=f"this API server has no {kind} in {group or 'the core group'}",
        remedy="install its CustomResourceDefinition, or leave such objects out",
    )


def _conflict(message: str, answer: dict[str, Any]) -> Conflict:
    causes = _causes(answer)
    managers = tuple(str(c.get("message")) for c in causes if c.get("reason") == "FieldManagerConflict")
    if managers:
        return ApplyConflict(code="kubernetes.managed", message=message, remedy=_AGAIN, causes=managers)
    return Conflict(code="kubernetes.conflict", message=message, remedy=_AGAIN)


def _causes(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return (answer.get("details") or {}).get("causes") or []

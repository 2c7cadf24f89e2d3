"""GitHub's ways to say no, in its own words: clients tell them apart by status and text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.sandbox.forge.model import Json

DOCUMENTATION = "https://docs.github.com/rest"


class Refused(Exception):
    """An answer that is an error; nothing was changed."""

    def __init__(
        self, status: int, message: str, *, errors: Sequence[Json | str] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        self.status, self.message, self.errors, self.headers = status, message, tuple(errors), dict(headers or {})
        super().__init__(f"{status} {message}")

    @property
    def body(self) -> Json:
        """The answer's body."""
        body: Json = {"message": self.message}
        if self.errors:
            body["errors"] = list(self.errors)
        return body | {"documentation_url": DOCUMENTATION, "status": str(self.status)}


def not_found(what: str = "Not Found") -> Refused:
    """Say that there is no such thing, or none that this user may see."""
    return Refused(404, what)


def invalid(resource: str, field: str, code: str = "invalid", message: str = "") -> Refused:
    """Refuse one field of a request."""
    return invalid_fields((resource, field, code, message))


def invalid_fields(*found: tuple[str, str, str, str]) -> Refused:
    """Refuse several fields of a request: resource, field, code and message of each."""
    return Refused(422, "Validation Failed", errors=[_error(*each) for each in found])


def unprocessable(*sentences: str) -> Refused:
    """Refuse with sentences, as reviews do."""
    return Refused(422, "Unprocessable Entity", errors=sentences)


def malformed(problem: str) -> Refused:
    """Refuse a body that does not fit the description."""
    return Refused(422, f"Invalid request.\n\n{problem}")


def forbidden(message: str) -> Refused:
    """Refuse what this user may not do."""
    return Refused(403, message)


NO_RIGHTS = "Must have admin rights to Repository."
ARCHIVED = "Repository was archived so is read-only."


def _error(resource: str, field: str, code: str, message: str) -> Json:
    error: Json = {"resource": resource, "code": code}
    if field:
        error["field"] = field
    if message:
        error["message"] = message
    return error

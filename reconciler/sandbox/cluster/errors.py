"""How the API server says no: one error, and its Status object exactly as the real server writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.wire import Response, json_response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.sandbox.cluster.values import Json

_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


class ApiError(Exception):
    """A refusal of the API server; `reason` is one of the real ones, such as NotFound."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = dict(details or {})
        self._has_details = details is not None  # the real server writes some empty ones
        self.retry_after = retry_after
        self.metadata: Json = {}  # of the Status; a forgotten list's way on

    def as_status(self) -> Json:
        """Return the Status object that the server answers with."""
        wait = {} if self.retry_after is None else {"retryAfterSeconds": self.retry_after}
        details = self.details | wait
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
            **({"reason": self.reason} if self.reason else {}),
            **({"details": details} if details or self._has_details else {}),
            "code": self.status,
        }

    def as_response(self) -> Response:
        """Return the whole HTTP answer."""
        headers = {} if self.retry_after is None else {"Retry_After": str(self.retry_after)}
        return json_response(self.as_status(), self.status, **headers)


def success(**more: object) -> Json:
    """Return the Status object of a success; `more` may hold details or another code."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"} | more


def cause(reason: str, message: str, field: str) -> Json:
    """Return one cause of an error's details; its reason is one of the real ones, such as FieldValueInvalid."""
    return {"reason": reason, "message": message, **({"field": field} if field else {})}


# `resource` is the plural with its group, such as deployments.apps, or pods of the core group.


def not_found(resource: str, name: str) -> ApiError:
    """Say that an object does not exist."""
    return ApiError(404, "NotFound", f'{resource} "{name}" not found', _details(resource, name))


class PageNotFound(ApiError):
    """There is no such group, version or page: the one answer that is plain text."""

    def __init__(self) -> None:
        super().__init__(404, "NotFound", "404 page not found")

    def as_response(self) -> Response:
        """Return the whole HTTP answer."""
        return Response(404, f"{self.message}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})


def path_not_found() -> ApiError:
    """Say that a version of a group has no such kind, or a kind no such part."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: str, name: str) -> ApiError:
    """Say that an object of that name exists."""
    return ApiError(409, "AlreadyExists", f'{resource} "{name}" already exists', _details(resource, name))


def conflict(resource: str, name: str, why: str = _MODIFIED) -> ApiError:
    """Say that the object is not as the writer supposes: a newer version, or another uid."""
    message = f'Operation cannot be fulfilled on {resource} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(resource, name))


def invalid(kind: str, group: str, name: str, causes: Sequence[Json]) -> ApiError:
    """Say that an object breaks rules; each cause names its field."""
    said = list(dict.fromkeys(f"{each['field']}: {each['message']}" for each in causes))
    what = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    qualified = f"{kind}.{group}" if group else kind  # a review has no kind, but a group
    named = {key: text for key, text in (("name", name), ("group", group), ("kind", kind)) if text}
    details = {**named, "causes": list(causes)}
    return ApiError(422, "Invalid", f'{qualified} "{name}" is invalid: {what}', details)


def forbidden(resource: str, name: str, why: str, causes: Sequence[Json] = ()) -> ApiError:
    """Say that rights, a quota or an admission rule are in the way."""
    what = f'{resource} "{name}"' if name else resource
    return ApiError(403, "Forbidden", f"{what} is forbidden: {why}", _details(resource, name, causes))


def unauthorized() -> ApiError:
    """Say that nobody is known by that token."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def expired(message: str) -> ApiError:
    """Say that the history does not reach back that far."""
    return ApiError(410, "Expired", message)


def bad_request(message: str) -> ApiError:
    """Say that the request itself makes no sense."""
    return ApiError(400, "BadRequest", message)


def method_not_allowed() -> ApiError:
    """Say that the path knows no such verb."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def unsupported_media(allowed: Sequence[str]) -> ApiError:
    """Say that the body's content type is none of those allowed."""
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(allowed)}"
    return ApiError(415, "UnsupportedMediaType", message)


def unsupported_patch() -> ApiError:
    """Say that no kind of patch has that content type."""
    return ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def not_acceptable(allowed: Sequence[str]) -> ApiError:
    """Say that the answer cannot be had in any type that the request accepts."""
    message = f"only the following media types are accepted: {', '.join(allowed)}"
    return ApiError(406, "NotAcceptable", message)


def _details(resource: str, name: str, causes: Sequence[Json] = ()) -> Json:
    plural, _, group = resource.partition(".")
    return {
        **({"name": name} if name else {}),
        **({"group": group} if group else {}),
        "kind": plural,
        **({"causes": list(causes)} if causes else {}),
    }

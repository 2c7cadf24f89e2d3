"""Access reviews: somebody asks what they, or others, may do; asking changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.access import Attributes, User, allowed
from reconciler.sandbox.cluster.errors import bad_request, cause, invalid, method_not_allowed, path_not_found
from reconciler.sandbox.wire import NotInSandbox, json_response

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.routes import Route
    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.cluster.values import Json
    from reconciler.sandbox.wire import Response

_OWN, _OTHERS = "selfsubjectaccessreviews", "subjectaccessreviews"
_KINDS = {_OWN: "SelfSubjectAccessReview", _OTHERS: "SubjectAccessReview"}
_NOT_HERE = ("selfsubjectrulesreviews", "localsubjectaccessreviews")


def review(store: Store, route: Route, asking: User, body: Json) -> Response:
    """Answer a review; `asking` may ask already. Raises ApiError for one that asks nothing."""
    if route.plural in _NOT_HERE:
        raise NotInSandbox(route.plural)
    kind = _KINDS.get(route.plural)
    if kind is None or route.version != "v1":
        raise path_not_found()
    if route.verb != "create":
        raise method_not_allowed()
    if body.get("kind", kind) != kind:
        raise bad_request(f'{body["kind"]} in version "v1" cannot be handled as a {kind}')
    spec = body.get("spec") or {}
    subject = asking if kind == _KINDS[_OWN] else User(spec.get("user", ""), tuple(spec.get("groups") or ()))
    may = allowed(store, subject, _wish(kind, spec))
    answer = {"kind": kind, "apiVersion": "authorization.k8s.io/v1", "metadata": body.get("metadata") or {}}
    return json_response({**answer, "spec": spec, "status": {"allowed": may}}, 201)


def _wish(kind: str, spec: Json) -> Attributes:
    objects, other = spec.get("resourceAttributes") or {}, spec.get("nonResourceAttributes") or {}
    if bool(objects) == bool(other):
        says = "Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise invalid(kind, "authorization.k8s.io", "", [cause("FieldValueInvalid", says, "spec.resourceAttributes")])
    if other:
        return Attributes(verb=other.get("verb", ""), path=other.get("path", ""))
    return Attributes(
        verb=objects.get("verb", ""),
        group=objects.get("group", ""),
        resource=objects.get("resource", ""),
        subresource=objects.get("subresource", ""),
        namespace=objects.get("namespace", ""),
        name=objects.get("name", ""),
    )

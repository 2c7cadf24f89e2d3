"""Access reviews: somebody asks what they, or others, may do; asking changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.access import Attributes, User, grounds
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
    reason = grounds(store, subject, _wish(spec))
    answer = {"kind": kind, "apiVersion": "authorization.k8s.io/v1", "metadata": body.get("metadata") or {}}
    status = {"allowed": reason is not None, **({"reason": reason} if reason else {})}
    return json_response({**answer, "spec": spec, "status": status}, 201)


def _wish(spec: Json) -> Attributes:
    objects, other = spec.get("resourceAttributes") or {}, spec.get("nonResourceAttributes") or {}
    if bool(objects) == bool(other):
        shown = "null" if not objects else "{}"
        says = f"Invalid value: {shown}: exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise invalid("", "authorization.k8s.io", "", [cause("FieldValueInvalid", says, "spec.resourceAttributes")])
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

"""Who may do what: bearer tokens, and the RBAC objects in the store, judged as the real authorizer judges them.

Protects: no rule, no right; a binding to a role that is not there grants nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import ApiError, forbidden, unauthorized

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.sandbox.cluster.routes import Route
    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.cluster.values import Json

AUTHENTICATED = "system:authenticated"
MASTERS = "system:masters"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a token, or nobody in particular."""

    name: str
    groups: tuple[str, ...] = (AUTHENTICATED,)


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What somebody wants to do: to objects, or (with a path) to nothing that is an object."""

    verb: str
    group: str = ""
    resource: str = ""  # the plural
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


def authenticate(headers: Mapping[str, str], users: Mapping[str, User]) -> User:
    """Return whose token a request carries; without one it is anybody's. Raises ApiError (401)."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if not scheme:
        return ANONYMOUS
    user = users.get(token.strip()) if scheme.lower() == "bearer" else None
    if user is None:
        raise unauthorized()
    return user


def wanted(route: Route, selected_name: str = "") -> Attributes:
    """Return what a request to an object or a collection wants; a list of one name counts as that name."""
    namespace = route.namespace
    return Attributes(
        verb=route.verb,
        group=route.group,
        resource=route.plural,
        subresource=route.subresource,
        namespace=namespace,
        name=route.name or selected_name,
    )


def authorize(store: Store, user: User, wish: Attributes) -> None:
    """Raise ApiError (403) in the real words when no rule allows it."""
    if grounds(store, user, wish) is not None:
        return
    if wish.path:
        message = f'forbidden: User "{user.name}" cannot {wish.verb} path "{wish.path}"'
        raise ApiError(403, "Forbidden", message, {})
    what = f"{wish.resource}/{wish.subresource}" if wish.subresource else wish.resource
    where = f'in the namespace "{wish.namespace}"' if wish.namespace else "at the cluster scope"
    why = f'User "{user.name}" cannot {wish.verb} resource "{what}" in API group "{wish.group}" {where}'
    raise forbidden(f"{wish.resource}.{wish.group}" if wish.group else wish.resource, wish.name, why)


def grounds(store: Store, user: User, wish: Attributes) -> str | None:
    """Return why it is allowed, in the authorizer's words, or None when no rule of any role of the user's covers it."""
    if MASTERS in user.groups:
        return ""
    return next((why for rule, why in _rules(store, user, wish.namespace) if _covers(rule, wish)), None)


def _rules(store: Store, user: User, namespace: str) -> Iterator[tuple[Json, str]]:
    bindings = store.list("ClusterRoleBinding")
    if namespace:
        bindings = [*bindings, *store.list("RoleBinding", namespace)]
    for binding in bindings:
        subject = next((each for each in binding.get("subjects") or () if _is(each, user)), None)
        if subject is not None:
            reference, name = binding["roleRef"], binding["metadata"]["name"]
            role = store.get(reference["kind"], namespace if reference["kind"] == "Role" else "", reference["name"])
            why = (
                f'RBAC: allowed by {binding["kind"]} "{name}" of {reference["kind"]} "{reference["name"]}" '
                f'to {subject["kind"]} "{subject["name"]}"'
            )
            for rule in (role or {}).get("rules") or ():
                yield rule, why


def _is(subject: Json, user: User) -> bool:
    match subject["kind"]:
        case "User":
            return bool(subject["name"] == user.name)
        case "Group":
            return subject["name"] in user.groups
        case _:
            return bool(user.name == f"system:serviceaccount:{subject.get('namespace')}:{subject['name']}")


def _covers(rule: Json, wish: Attributes) -> bool:
    if not _has(rule.get("verbs"), wish.verb):
        return False
    if wish.path:
        return any(_fits(pattern, wish.path) for pattern in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames")
    return (
        _has(rule.get("apiGroups"), wish.group)
        and _has_resource(rule.get("resources") or (), wish)
        and (not names or wish.name in names)
    )


def _has(values: list[str] | None, value: str) -> bool:
    return values is not None and ("*" in values or value in values)


def _has_resource(resources: Sequence[str], wish: Attributes) -> bool:
    if not wish.subresource:
        return "*" in resources or wish.resource in resources
    whole = (f"{wish.resource}/{wish.subresource}", f"*/{wish.subresource}", "*")
    return any(each in resources for each in whole)


def _fits(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern

"""Places that may take a value for one Application alone, and how one of them is tried.

Protects: a place is taken only where rendering shows exactly the intended fields, and nobody else is reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.manifests.rendering.own_values import Value
    from reconciler.manifests.rendering.probing import Probe
    from reconciler.model.objects import ObjectRef
    from reconciler.model.proposal import Site


class Own(NamedTuple):
    """Files edited for one Application, and the sites in them."""

    edited: dict[str, bytes]
    sites: tuple[Site, ...]
    parent: ObjectRef | None = None  # the Application that delivers the edited manifest of this one
    becomes: ObjectRef | None = None  # with that manifest, the object whose name follows its content


class Home(NamedTuple):
    """A file that may take values for the Application alone."""

    probe: Probe
    write: Callable[[Sequence[Value]], dict[str, bytes]]
    is_own: Callable[[dict[str, bytes]], bool]
    sites: Callable[[Sequence[Value], Mapping[str, bytes]], tuple[Site, ...]]  # given the files edited
    parent: ObjectRef | None = None


def put(home: Home, values: Sequence[Value]) -> Own | None:
    """Return the home with these values in it, if that is exact and for the Application alone."""
    try:
        edited = home.write(values)
        exact = home.probe.is_exact(edited) and home.is_own(edited)
    except Refusal:
        return None
    return Own(edited, home.sites(values, edited), home.parent, home.probe.becomes(edited)) if exact else None

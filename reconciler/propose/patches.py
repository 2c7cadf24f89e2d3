"""The own patch of an overlay, for a value that must not be changed where it stands.

Others read it there, or an edit there would change more. A patch that the overlay has of the object takes the field,
else a new one comes. Protects: each is accepted only where rendering shows exactly the intended changes, and for this
Application alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Refusal
from reconciler.manifests.editing.documents import find
from reconciler.manifests.editing.edit import edit_fields
from reconciler.manifests.editing.parts import arrange, decode, scan, split_bom
from reconciler.manifests.files.checkout import is_below
from reconciler.model.action import FieldChange
from reconciler.model.proposal import Site
from reconciler.model.rendering import KUSTOMIZE
from reconciler.propose.homes import Own
from reconciler.propose.own import in_overlay
from reconciler.propose.own_manifest import in_manifest_patches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.propose.search import Search

_MAX_TRIED = 20  # files; each takes a rendering


def beside_hindrance(search: Search) -> Own | None:
    """Return a patch for what was found at places that could not be taken; None: there is none, or no such place."""
    if search.job.tool != KUSTOMIZE or not search.probe.is_hindered:
        return None
    return in_own_patch(search) or in_overlay(search) or in_manifest_patches(search)


def in_own_patch(search: Search) -> Own | None:
    """Return a patch of the overlay that is there for the object already, with the fields among its own."""
    job, new = search.job, [FieldChange(path=c.path, before=None, after=c.after) for c in search.action.changes]
    if job.tool != KUSTOMIZE or any(change.after is None for change in new):
        return None
    kind = search.action.target.kind.encode()
    here = [path for path, data in sorted(job.files.items()) if is_below(path, job.folder) and kind in data]
    found = (_with(search, path, new) for path in here[:_MAX_TRIED])
    return next((own for own in found if own is not None), None)


def _with(search: Search, path: str, new: Sequence[FieldChange]) -> Own | None:
    """Return a file with the fields new in its manifest of the target, if that is exact and reaches nobody else."""
    guards, target, data = search.workshop.settings.guards, search.action.target, search.job.files[path]
    limits = {"max_bytes": guards.max_file_bytes, "max_changed_lines": guards.max_changed_lines}
    try:
        edited = {path: edit_fields(data, target, target.namespace, new, **limits)}
        if not search.is_own(edited):
            return None
        roots = arrange(scan(split_bom(decode(data, guards.max_file_bytes))[1]))
    except Refusal:
        return None
    blob, (there,) = search.checkout.files[path].blob, find(roots, target, target.namespace)
    sites = (Site(path=path, blob=blob, document=there.document, field=c.path, before=None, after=c.after) for c in new)
    return Own(edited, tuple(sites))

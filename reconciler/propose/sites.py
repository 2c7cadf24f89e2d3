"""What every way of locating ends with: sites, file edits within limits, the source that tells of delivery."""

from __future__ import annotations

from difflib import ndiff
from typing import TYPE_CHECKING

from reconciler.errors import Refusal
from reconciler.manifests.editing.spots import refuse_broken_json
from reconciler.manifests.files.tree import REGULAR_MODES, refuse_unsafe_entry
from reconciler.manifests.rendering import jobs
from reconciler.model.proposal import FileEdit, Site, TreeFile
from reconciler.plain import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.manifests.files.checkout import Checkout
    from reconciler.manifests.rendering.candidates import Candidate
    from reconciler.model.delivery import Application
    from reconciler.propose.workshop import Workshop
    from reconciler.settings import Settings


def site_of(place: Candidate, blob: str) -> Site:
    """Return a proven place as what is recorded of it."""
    return Site(
        path=place.path,
        blob=blob,
        document=place.document,
        field=place.spot.field,
        before=place.spot.before,
        after=place.spot.after,
    )


def edited_source(application: Application, index: int, workshop: Workshop) -> int:
    """Return the source whose revision tells that the edit is delivered: the one that the files are read through."""
    ours = [i for i, s in enumerate(application.sources) if jobs.is_ours(s, workshop.repository.url)]
    if index in ours or not ours:
        return index
    return ours[0]  # a chart from elsewhere with our value files, through a source with a `ref`


def refuse_unsafe(paths: Iterable[str], checkout: Checkout, settings: Settings) -> None:
    """Refuse files that must not change: symlinks, names that collide, paths that the configuration leaves out."""
    for path in paths:
        there = checkout.files.get(path) or TreeFile(path=path, blob="", mode=REGULAR_MODES[0])
        refuse_unsafe_entry(there, checkout.around(path), settings.guards.allowed_paths)


def edits_of(edited: Mapping[str, bytes], files: Mapping[str, bytes], settings: Settings) -> tuple[FileEdit, ...]:
    """Return the edited files beside what they were.

    Raises Refusal when more lines would change than are allowed, or JSON would be none any more.
    """
    for path, after in edited.items():
        refuse_broken_json(path, after)
    edits = tuple(
        FileEdit(path=path, before=files.get(path, b"").decode(), after=after.decode())
        for path, after in sorted(edited.items())
    )
    rows = [row for e in edits for row in ndiff(e.before.splitlines(), e.after.splitlines())]
    changed = sum(row.startswith("+ ") for row in rows)
    limit = settings.guards.max_changed_lines
    if changed > limit:
        raise Refusal(
            code="edit.too_many_lines",
            message=f"{counted(changed, 'line')} would change, more than {limit}",
            remedy="propose fewer changes",
        )
    return edits

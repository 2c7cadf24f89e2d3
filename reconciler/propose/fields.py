"""Fields that come or go behind a rendered source: there is no present value to look for, so places are tried.

Kustomize: the documents that make the object, those of its overlay first, then a new patch. Helm: the key beside one
that gives a field beside this one, else below a mapping that is left empty, or, for a field that goes, the key that
gives it. Protects: each place is accepted only where rendering shows exactly the intended changes, and for this
Application alone unless others may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Refusal
from reconciler.manifests.editing.edit import edit_document
from reconciler.manifests.editing.values import first_document
from reconciler.manifests.rendering.candidates import candidates
from reconciler.manifests.rendering.charts import defaults
from reconciler.manifests.rendering.jobs import editable
from reconciler.manifests.rendering.members import members, numbered
from reconciler.manifests.rendering.objects import text_of, value_at
from reconciler.manifests.rendering.own_values import Value
from reconciler.model.action import FieldChange, Replacement
from reconciler.model.objects import FieldPath, Item, format_path
from reconciler.model.proposal import Site
from reconciler.model.rendering import KUSTOMIZE
from reconciler.propose.homes import Own, put
from reconciler.propose.own import homes, in_overlay
from reconciler.propose.own_manifest import in_manifest_patches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.propose.search import Search

_MAX_TRIED = 20  # places; each takes a rendering


def of_new_fields(search: Search) -> Own:
    """Return where the fields come and go, in files of this Application alone.

    Raises Refusal where no place does exactly that.
    """
    found = _in_kustomize(search) if search.job.tool == KUSTOMIZE else _in_helm(search)
    if found is None:
        names = ", ".join(format_path(change.path) for change in search.action.changes)
        raise Refusal(
            code="locate.no_place",
            message=f"no place that is {search.application.ref}'s alone sets or unsets exactly {names}",
            remedy="set it in Git, by hand",
        )
    return found


def _in_kustomize(search: Search) -> Own | None:
    for number, (path, document) in enumerate(members(search.job, search.action.target)):
        own = _changed(search, path, document, search.action.changes) if number < _MAX_TRIED else None
        if own is not None:
            return own
    return in_overlay(search) or in_manifest_patches(search)


def _changed(search: Search, path: str, document: int, changes: Sequence[FieldChange]) -> Own | None:
    """Return a file with the changes in one of its documents, if that is exact and reaches nobody else."""
    guards = search.workshop.settings.guards
    limits = {"max_bytes": guards.max_file_bytes, "max_changed_lines": guards.max_changed_lines}
    try:
        edited = {path: edit_document(search.job.files[path], numbered(document), changes, **limits)}
        if not search.is_own(edited):
            return None
    except Refusal:
        return None
    blob = search.checkout.files[path].blob
    return Own(
        edited,
        tuple(
            Site(path=path, blob=blob, document=document, field=c.path, before=c.before, after=c.after) for c in changes
        ),
    )


def _in_helm(search: Search) -> Own | None:
    """Return the value file with the keys that come, or without those that go; one kind of change at a time."""
    changes = search.action.changes
    if all(change.after is None for change in changes):
        return _without_keys(search)
    if any(change.before is not None for change in changes):
        return None
    keys = [list(_beside(search, change)) for change in changes]
    for home in homes(search):
        for choice in zip(*keys, strict=False):
            own = put(home, choice)
            if own is not None:
                return own
    return None


def _without_keys(search: Search) -> Own | None:
    for path in editable(search.job):
        there = {path: search.job.files[path]}
        mine = [_keys_of(search, change.path, str(change.before), there) for change in search.action.changes]
        for choice in zip(*mine, strict=False):
            gone = [FieldChange(path=key, before=said, after=None) for key, said in choice]
            own = _changed(search, path, 0, gone)
            if own is not None:
                return own
    return None


def _beside(search: Search, change: FieldChange) -> Iterator[Value]:
    """Yield keys that may give a new field: as far from the key of a field beside it as the two fields are apart."""
    seen: dict[Value, None] = {}
    told = list(_told(search))
    for length in range(len(change.path) - 1, 0, -1):
        above, rest = change.path[:length], change.path[length:]
        if any(isinstance(step, Item) for step in rest):
            break
        for way, value in _leaves(value_at(search.probe.rendered, above), ()):
            found = [(*keys, *key) for keys, files in told for key, _ in _keys_of(search, (*above, *way), value, files)]
            for key in found:
                if key[len(key) - len(way) :] == way and len(seen) < _MAX_TRIED:
                    seen[Value((*key[: len(key) - len(way)], *rest), str(change.after))] = None
        if seen:
            break
    yield from seen or _below_empty(search, told, change)


def _below_empty(
    search: Search, told: Sequence[tuple[FieldPath, Mapping[str, bytes]]], change: FieldChange
) -> list[Value]:
    """Return keys below an empty mapping of the name of a step to the field, as most charts have `resources: {}`."""
    limit, found = search.workshop.settings.guards.max_file_bytes, dict[FieldPath, None]()
    for above, files in told:
        for data in files.values():
            try:
                found |= dict.fromkeys(_empty(first_document(data, limit), above))
            except Refusal:
                continue
    ways = [way for way in found if way and way[-1] in change.path[:-1]]
    keys = [(*way, *change.path[change.path.index(way[-1]) + 1 :]) for way in ways[:_MAX_TRIED]]
    return [Value(key, str(change.after)) for key in keys if not any(isinstance(step, Item) for step in key)]


def _empty(value: object, way: FieldPath) -> Iterator[FieldPath]:
    if value == {}:
        yield way
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from _empty(below, (*way, str(key)))


def _told(search: Search) -> Iterator[tuple[FieldPath, Mapping[str, bytes]]]:
    """Yield what says values, each below the keys that come first: files, the Application, a chart left as it is."""
    job = search.job
    yield (), {path: job.files[path] for path in editable(job)}
    if job.helm.values:
        yield (), {"values.json": job.helm.values.encode()}
    if job.helm.files_fixed:
        limit = search.workshop.settings.rendering.max_bytes
        for keys, data in defaults(job, search.workshop.renderer.archive, max_bytes=limit):
            yield keys, {"values.yaml": data}


def _leaves(value: object, way: FieldPath) -> Iterator[tuple[FieldPath, str]]:
    """Yield the single values below a field; lists are left out."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, (*way, str(key)))
    elif (text := text_of(value)) is not None and way:
        yield way, text


def _keys_of(search: Search, path: FieldPath, value: str, files: Mapping[str, bytes]) -> list[tuple[FieldPath, str]]:
    """Return the keys that say what a field says, and how they say it."""
    alike = Replacement(path=path, before=value, after=value)
    limit = search.workshop.settings.guards.max_file_bytes
    found = candidates(alike, search.action.target, files, tuple(files), max_bytes=limit)
    return [(c.spot.field, c.spot.before) for c in found if c.spot.inner is None]

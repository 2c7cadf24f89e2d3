"""An Application's own manifest as the place of a value: where it sets the value already, and where it may take one.

The manifest may be a file, or what kustomizations make of several: then a document that makes it takes the value,
those of its overlay first, else a new patch. Protects: as everywhere, rendering proves each place, for this
Application alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from reconciler.errors import Refusal
from reconciler.manifests.editing.documents import find, only
from reconciler.manifests.editing.edit import edit_document
from reconciler.manifests.editing.parts import MappingNode, Node, refuse
from reconciler.manifests.editing.scalars import ScalarType, plain_type
from reconciler.manifests.rendering.kustomize import kustomization_in
from reconciler.manifests.rendering.members import members, numbered
from reconciler.manifests.rendering.objects import text_of, value_at
from reconciler.manifests.rendering.overlay import in_one_line, overlaid, patches_for
from reconciler.manifests.rendering.own_values import Value
from reconciler.model.action import FieldChange
from reconciler.model.flux_source import HELM_RELEASE, KUSTOMIZATION
from reconciler.model.objects import FieldPath, Item
from reconciler.model.proposal import Site
from reconciler.model.rendering import KUSTOMIZE
from reconciler.propose.homes import Home, Own, put
from reconciler.propose.kept import kept_in_git
from reconciler.propose.parents import manifest_probe, reached
from reconciler.propose.sharing import refuse_shared
from reconciler.propose.sites import site_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.manifests.declared.applications import Manifest
    from reconciler.manifests.rendering.candidates import Candidate
    from reconciler.manifests.rendering.probing import Probe
    from reconciler.model.objects import ObjectRef
    from reconciler.propose.kept import Kept
    from reconciler.propose.search import Search

Entered: TypeAlias = "Callable[[Value], list[FieldChange]]"  # the fields of the manifest that give a value

_MAX_DOCUMENTS = 10  # that may take a value; each takes two renderings
_IN_PARAMETERS = set(".,=[]{}\\")  # have a meaning in the name of a parameter


def of_manifest(search: Search, name: str) -> tuple[Own, tuple[ObjectRef, ...]]:
    """Return where the Application's own manifest sets the fields, and who else changes with them.

    `name` is that of the option. Raises Refusal where no parent delivers the manifest from Git, no one place sets the
    fields, or others read it and may not be changed.
    """
    kept, probe = _required(search, name)
    try:
        proven = probe.prove(kept.editable, kept.may_hold)
    except Refusal as refusal:
        if refusal.code == "locate.not_found":
            _refuse_parameter(search, name, refusal.message)
        raise
    kept.require_narrow(proven.edited, len(proven.places))
    shared = reached(search, kept, proven.edited)
    if shared and not search.workshop.settings.locate.allow_shared:
        own = _beside_shared(search, kept, probe, proven.places)
        if own is not None:
            return own, ()
    refuse_shared(shared, tuple(proven.edited), search.application, search.index, search.workshop.settings)
    files = kept.checkout.files
    sites = tuple(site_of(place, files[place.path].blob) for place in proven.places)
    return Own(proven.edited, sites, kept.parent.ref, proven.becomes), shared


def manifest_homes(search: Search) -> Iterator[Home]:
    """Yield the ways in which the Application's own manifest may take values for Helm, if Git keeps it."""
    try:
        kept = kept_in_git(search.application, search.snapshot.applications, search.workshop)
        if kept is None:
            return
        probe, ways = manifest_probe(search, kept), list(_ways(kept.manifest, search))
    except Refusal:
        return
    for way in ways:
        yield from _homes(search, kept, probe, way)


def in_manifest_patches(search: Search) -> Own | None:
    """Return a patch among the options of the Application's own manifest, for a folder that others read as well.

    None where Git does not keep the manifest, or the patch would not do exactly that.
    """
    options, job = search.job.kustomize, search.job
    try:
        kept = kept_in_git(search.application, search.snapshot.applications, search.workshop)
        if kept is None or job.tool != KUSTOMIZE:
            return None
        path = _patches(kept.manifest, search)
        probe = manifest_probe(search, kept)
        seen, ways = patches_for(
            search.checkout,
            job.folder,
            search.target,
            search.probe.rendered,
            search.action.changes,
            prefix=options.name_prefix,
            suffix=options.name_suffix,
            max_bytes=search.workshop.settings.guards.max_file_bytes,
        )
    except Refusal:
        return None
    values = [Value(path, in_one_line(text)) for text in ways]
    homes = _homes(search, kept, probe, lambda value: _patch(value, seen))
    found = (put(home, [value]) for home in homes for value in values)
    own = next((own for own in found if own is not None), None)
    return own and own._replace(sites=tuple(_of_list(site, path) for site in own.sites))


def _patches(manifest: Manifest, search: Search) -> FieldPath:
    """Return where a manifest lists patches."""
    if search.application.ref.kind == KUSTOMIZATION:
        return ("spec", "patches")
    return (*_source(manifest.get("spec") or {}, search)[0], "kustomize", "patches")


def _patch(value: Value, seen: ObjectRef) -> list[FieldChange]:
    item = (*value.path, Item("patch", value.after))
    target = (("kind", seen.kind), ("name", seen.name))
    return [_new((*item, "patch"), value.after), *(_new((*item, "target", key), said) for key, said in target)]


def _of_list(site: Site, path: FieldPath) -> Site:
    """Return the site of an entry of a list as that of the list, for the whole patch is what tells the entry."""
    return replace(site, field=path) if site.field[: len(path)] == path else site


def _required(search: Search, name: str) -> tuple[Kept, Probe]:
    try:
        kept = kept_in_git(search.application, search.snapshot.applications, search.workshop)
    except Refusal as refusal:
        _refuse_parameter(search, name, f"its manifest cannot be followed: {refusal.message}")
    if kept is None:
        _refuse_parameter(search, name, "exactly one Application must deliver its manifest from this repository")
    return kept, manifest_probe(search, kept)


def _refuse_parameter(search: Search, name: str, why: str) -> NoReturn:
    raise Refusal(
        code="locate.application_parameter",
        message=f"{search.application.ref} itself sets the field, in its {name}, and {why}",
        remedy="edit the Application where it is kept, or move the value into a file of the source",
    )


def _beside_shared(search: Search, kept: Kept, probe: Probe, places: Sequence[Candidate]) -> Own | None:
    """Return the overlay's own place for fields of the manifest that stand in a base which others read."""
    if kept.job is None or any(place.spot.inner is not None for place in places):
        return None
    values = [Value(place.spot.field, place.spot.after) for place in places]
    found = _homes(search, kept, probe, lambda value: [_new(value.path, value.after)])
    return next((own for home in found if (own := put(home, values))), None)


def _homes(search: Search, kept: Kept, probe: Probe, entered: Entered) -> Iterator[Home]:
    """Yield the documents that may take fields of the manifest, then a new patch."""
    if kept.job is None:
        (path,) = kept.editable
        namespace = kept.parent.destination_namespace

        def pick(roots: Sequence[Node]) -> MappingNode:
            return only(find(roots, kept.ref, namespace), kept.ref)

        yield _in_document(search, kept, probe, entered, path, kept.document or 0, pick)
    elif kept.job.tool == KUSTOMIZE:
        for number, (path, document) in enumerate(members(kept.job, kept.ref)):
            if number < _MAX_DOCUMENTS:
                yield _in_document(search, kept, probe, entered, path, document, numbered(document))
        yield from (_in_overlay(search, kept, probe, entered, way) for way in range(2))


def _in_document(
    search: Search,
    kept: Kept,
    probe: Probe,
    entered: Entered,
    path: str,
    document: int,
    pick: Callable[[Sequence[Node]], MappingNode],
) -> Home:
    guards, data, blob = search.workshop.settings.guards, kept.checkout.contents[path], kept.checkout.files[path].blob

    def write(values: Sequence[Value]) -> dict[str, bytes]:
        changes = [change for value in values for change in entered(value)]
        limits = {"max_bytes": guards.max_file_bytes, "max_changed_lines": guards.max_changed_lines}
        return {path: edit_document(data, pick, changes, **limits)}

    def sites(values: Sequence[Value], _: Mapping[str, bytes]) -> tuple[Site, ...]:
        fields = [(entered(value)[-1].path, value.after) for value in values]
        return tuple(
            Site(path=path, blob=blob, document=document, field=field, before=None, after=after)
            for field, after in fields
        )

    return Home(probe, write, lambda edited: _is_own(search, kept, edited), sites, kept.parent.ref)


def _in_overlay(search: Search, kept: Kept, probe: Probe, entered: Entered, way: int) -> Home:
    """Return the parent's overlay with a new patch of the manifest, in one of the ways to write it."""
    job, checkout, now = kept.job, kept.checkout, kept.manifest
    if job is None:
        refuse("no_overlay", "the manifest stands in a plain directory", "edit it by hand")
    path = kustomization_in(checkout, job.folder) or ""
    prefix, suffix = job.kustomize.name_prefix, job.kustomize.name_suffix
    limit = search.workshop.settings.guards.max_file_bytes

    def write(values: Sequence[Value]) -> dict[str, bytes]:
        changes = [
            FieldChange(path=change.path, before=text_of(value_at(now, change.path)), after=change.after)
            for value in values
            for change in entered(value)
        ]
        made = overlaid(checkout, job.folder, kept.ref, now, changes, prefix=prefix, suffix=suffix, max_bytes=limit)
        if way >= len(made):
            refuse("no_overlay", "there is no other way to write the patch", "edit it by hand")
        return made[way].edited

    def sites(values: Sequence[Value], edited: Mapping[str, bytes]) -> tuple[Site, ...]:
        (patch,) = edited.keys() - {path}
        fields = [(entered(value)[-1].path, value.after) for value in values]
        made = [
            Site(path=patch, blob="", document=0, field=field, before=text_of(value_at(now, field)), after=after)
            for field, after in fields
        ]
        blob = checkout.files[path].blob
        return (*made, Site(path=path, blob=blob, document=0, field=("patches",), before="", after=patch))

    return Home(probe, write, lambda edited: _is_own(search, kept, edited), sites, kept.parent.ref)


def _is_own(search: Search, kept: Kept, edited: dict[str, bytes]) -> bool:
    kept.require_narrow(edited, len(search.action.changes))
    return not reached(search, kept, edited)


def _ways(manifest: Manifest, search: Search) -> Iterator[Entered]:
    """Yield how the manifest takes a value for Helm: `spec.values`; `valuesObject`, else `parameters`."""
    kind = search.application.ref.kind
    if kind == HELM_RELEASE:
        yield lambda value: [_new(("spec", "values", *value.path), value.after)]
    if kind in (HELM_RELEASE, KUSTOMIZATION):
        return
    holder, source = _source(manifest.get("spec") or {}, search)
    if "values" not in (source.get("helm") or {}):
        yield lambda value: [_new((*holder, "helm", "valuesObject", *value.path), value.after)]
    yield lambda value: _parameter((*holder, "helm", "parameters"), value)


def _source(spec: Manifest, search: Search) -> tuple[FieldPath, Manifest]:
    """Return where the source stands, and what it says; one of several is named by its path or chart."""
    several = spec.get("sources")
    if not several:
        return ("spec", "source"), spec.get("source") or {}
    said = several[search.index]
    key = "path" if said.get("path") else "chart"
    return ("spec", "sources", Item(key, str(said.get(key)))), said


def _parameter(path: FieldPath, value: Value) -> list[FieldChange]:
    texts = [*map(str, value.path), value.after]
    if any(_IN_PARAMETERS & set(text) for text in texts) or plain_type(value.after) is not ScalarType.STRING:
        refuse("parameter", "the key or the value means something else in a parameter", "edit it by hand")
    name = ".".join(str(step) for step in value.path)
    item = (*path, Item("name", name))
    return [_new((*item, "name"), name), _new((*item, "value"), value.after)]


def _new(path: FieldPath, after: str) -> FieldChange:
    return FieldChange(path=path, before=None, after=after)

"""An Application's own place for a value that stands where others read it, or in a chart's defaults, which stay.

In order: a patch of its overlay; its own value files, the last first; its own manifest, where another
Application delivers that. Protects: each is accepted only where rendering shows exactly the intended fields, and for
this Application alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.errors import Refusal
from reconciler.manifests.candidates import candidates
from reconciler.manifests.charts import defaults
from reconciler.manifests.documents import find, only
from reconciler.manifests.edit import edit_document
from reconciler.manifests.jobs import editable
from reconciler.manifests.overlay import overlaid
from reconciler.manifests.own_values import Value, with_values
from reconciler.manifests.parts import MappingNode, Node, arrange, decode, refuse, scan, split_bom
from reconciler.manifests.scalars import ScalarType, plain_type
from reconciler.manifests.values import plain
from reconciler.model.action import FieldChange
from reconciler.model.objects import FieldPath, Item
from reconciler.model.proposal import Site
from reconciler.model.rendering import KUSTOMIZE
from reconciler.propose.parents import kept_in_git, manifest_probe, replaced
from reconciler.propose.sharing import sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.manifests.candidates import Candidate
    from reconciler.manifests.probing import Probe
    from reconciler.model.objects import ObjectRef
    from reconciler.propose.parents import Kept
    from reconciler.propose.search import Search

_MAX_DEFAULTS = 20  # keys of one field that are tried; each takes a rendering
_IN_PARAMETERS = set(".,=[]{}\\")  # have a meaning in the name of a parameter


class Own(NamedTuple):
    """Files edited for one Application, and the sites in them."""

    edited: dict[str, bytes]
    sites: tuple[Site, ...]
    parent: ObjectRef | None = None  # the Application that delivers the edited manifest of this one


class Home(NamedTuple):
    """A file that may take values for the Application alone."""

    probe: Probe
    write: Callable[[Sequence[Value]], dict[str, bytes]]
    is_own: Callable[[dict[str, bytes]], bool]
    site: Callable[[Value], Site]
    parent: ObjectRef | None = None


def beside_others(search: Search, places: Sequence[Candidate]) -> Own | None:
    """Return the Application's own place for values that stand at places which others read; None: there is none."""
    if search.job.tool == KUSTOMIZE:
        return in_overlay(search)
    if any(place.spot.inner is not None for place in places):
        return None
    return _first_home(homes(search), places)


def beside_defaults(search: Search, places: Sequence[Candidate]) -> Own | None:
    """Return the own value file for values that are the chart's defaults; None: they are not, or there is no such file.

    A default is for whoever comes next, too, even where nobody else renders the chart today.
    """
    elsewhere = any(place.path in search.job.value_files or place.spot.inner is not None for place in places)
    return None if search.job.tool == KUSTOMIZE or elsewhere else _first_home(value_files(search), places)


def _first_home(found: Iterable[Home], places: Sequence[Candidate]) -> Own | None:
    values = [Value(place.spot.field, place.spot.after) for place in places]
    return next((own for home in found if (own := put(home, values))), None)


def of_another_kind(search: Search) -> Own | None:
    """Return the Application's own place for defaults of a chart that is not edited, which no YAML of ours says."""
    return None if search.job.tool == KUSTOMIZE else _of_a_default(search)


def _of_a_default(search: Search) -> Own | None:
    """Return the Application's own place for values that only the defaults of a chart hold which is not edited."""
    try:
        options = _defaults(search)
    except Refusal:
        return None
    for home in homes(search) if all(options) else ():
        values = [_decisive(home, number, found) for number, found in enumerate(options)]
        own = put(home, list(dict.fromkeys(v for v in values if v))) if all(values) else None
        if own is not None:
            return own
    return None


def in_overlay(search: Search) -> Own | None:
    """Return the Application's own overlay with a patch for the fields."""
    target, job, checkout = search.action.target, search.job, search.checkout
    limit = search.workshop.settings.guards.max_file_bytes
    try:
        ways = overlaid(
            checkout,
            job.folder,
            target,
            search.probe.rendered,
            search.action.changes,
            prefix=job.kustomize.name_prefix,
            suffix=job.kustomize.name_suffix,
            max_bytes=limit,
        )
        made = next((way for way in ways if search.probe.is_exact(way.edited)), None)
        if made is None or search.shared_with(made.edited):
            return None
    except Refusal:
        return None
    sites = [
        Site(path=made.patch, blob="", document=0, field=change.path, before=change.before, after=change.after)
        for change in search.action.changes
    ]
    blob = checkout.files[made.kustomization].blob
    entry = Site(path=made.kustomization, blob=blob, document=0, field=("patches",), before="", after=made.patch)
    return Own(made.edited, (*sites, entry))


def put(home: Home, values: Sequence[Value]) -> Own | None:
    """Return the home with these values in it, if that is exact and for the Application alone."""
    try:
        edited = home.write(values)
        exact = home.probe.is_exact(edited) and home.is_own(edited)
    except Refusal:
        return None
    return Own(edited, tuple(home.site(value) for value in values), home.parent) if exact else None


def _defaults(search: Search) -> list[list[Value]]:
    """Return, for each change, the keys whose default says what the field says."""
    found: list[list[Value]] = []
    limit, settings = search.workshop.settings.guards.max_file_bytes, search.workshop.settings.rendering
    found_in = defaults(search.job, search.workshop.renderer.archive, max_bytes=settings.max_bytes)
    for change in replaced(search.action):
        mine = [
            Value((*keys, *candidate.spot.field), candidate.spot.after)
            for keys, data in found_in
            for candidate in candidates(
                change, search.action.target, {"values.yaml": data}, ["values.yaml"], max_bytes=limit
            )
            if candidate.spot.inner is None
        ]
        found.append(mine[:_MAX_DEFAULTS])
    return found


def _decisive(home: Home, number: int, values: Sequence[Value]) -> Value | None:
    """Return the one key that makes the change and nothing that is not intended; None for none, or several."""
    found = []
    for value in values:
        try:
            effect = home.probe.effect(home.write([value]))
        except Refusal:
            continue
        if number in effect.changes and not effect.others:
            found.append(value)
    return found[0] if len(found) == 1 else None


def homes(search: Search) -> Iterator[Home]:
    """Yield the files that may be the Application's own, the one that wins first."""
    yield from value_files(search)
    kept = kept_in_git(search.application, search.snapshot.applications, search.workshop)
    if kept is not None:
        yield from _in_manifest(search, kept)


def value_files(search: Search) -> Iterator[Home]:
    """Yield the value files, the last first."""
    usable = editable(search.job)
    for path in reversed(search.job.value_files):
        if path in usable and not path.endswith(".json"):
            yield _value_file(search, path)


def _value_file(search: Search, path: str) -> Home:
    guards, data, blob = search.workshop.settings.guards, search.job.files[path], search.checkout.files[path].blob

    def write(values: Sequence[Value]) -> dict[str, bytes]:
        limits = {"max_bytes": guards.max_file_bytes, "max_changed_lines": guards.max_changed_lines}
        return {path: with_values(data, values, **limits)}

    def site(value: Value) -> Site:
        return Site(path=path, blob=blob, document=0, field=value.path, before=None, after=value.after)

    return Home(search.probe, write, lambda edited: not search.shared_with(edited), site)


def _in_manifest(search: Search, kept: Kept) -> Iterator[Home]:
    """Yield the ways in which the Application's own manifest may take values: `valuesObject`, else `parameters`."""
    workshop, ref, file = search.workshop, search.application.ref, kept.owning.file
    guards, data = workshop.settings.guards, workshop.repository.read(file.blob)
    namespace = kept.parent.destination_namespace
    try:
        probe = manifest_probe(search.action, search.application, search.index, kept, workshop)
    except Refusal:
        return

    def pick(roots: Sequence[Node]) -> MappingNode:
        return only(find(roots, ref, namespace), ref)

    def home(changes_of: Callable[[Value], list[FieldChange]]) -> Home:
        def write(values: Sequence[Value]) -> dict[str, bytes]:
            changes = [change for value in values for change in changes_of(value)]
            limits = {"max_bytes": guards.max_file_bytes, "max_changed_lines": guards.max_changed_lines}
            return {file.path: edit_document(data, pick, changes, **limits)}

        def is_own(edited: dict[str, bytes]) -> bool:
            return not sharing(
                search.application, search.snapshot.applications, edited, workshop, besides=kept.parent.ref
            )

        def site(value: Value) -> Site:
            last = changes_of(value)[-1]
            number = kept.owning.document
            return Site(
                path=file.path, blob=file.blob, document=number, field=last.path, before=None, after=value.after
            )

        return Home(probe, write, is_own, site, kept.parent.ref)

    _, text = split_bom(decode(data, guards.max_file_bytes))
    spec = plain(pick(arrange(scan(text)))).get("spec") or {}
    holder, source = _source(spec, search)
    helm = source.get("helm") or {}
    if "values" not in helm:
        yield home(lambda value: [_new((*holder, "helm", "valuesObject", *value.path), value.after)])
    yield home(lambda value: _parameter((*holder, "helm", "parameters"), value))


def _source(spec: dict[str, Any], search: Search) -> tuple[FieldPath, dict[str, Any]]:
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

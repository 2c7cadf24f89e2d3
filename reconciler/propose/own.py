"""An Application's own place for a value that stands where others read it, or in a chart's defaults, which stay.

In order: a patch of its overlay; its own value files, the last first; its own manifest, where another
Application delivers that. Protects: each is accepted only where rendering shows exactly the intended fields, and for
this Application alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Refusal
from reconciler.manifests.files.checkout import joined
from reconciler.manifests.rendering.candidates import candidates
from reconciler.manifests.rendering.charts import defaults
from reconciler.manifests.rendering.jobs import editable
from reconciler.manifests.rendering.overlay import overlaid
from reconciler.manifests.rendering.own_values import Value, with_values
from reconciler.model.proposal import Site
from reconciler.model.rendering import KUSTOMIZE
from reconciler.propose.homes import Home, Own, put
from reconciler.propose.own_manifest import in_manifest_patches, manifest_homes
from reconciler.propose.parents import replaced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.manifests.rendering.candidates import Candidate
    from reconciler.model.action import Replacement
    from reconciler.propose.search import Search

_GLOBAL = "global"  # values that a chart and all its subcharts read
_MAX_DEFAULTS = 20  # keys of one field that are tried; each takes a rendering


def beside_others(search: Search, places: Sequence[Candidate]) -> Own | None:
    """Return the Application's own place for values that stand at places which others read; None: there is none."""
    if search.job.tool == KUSTOMIZE:
        return in_overlay(search) or in_manifest_patches(search)
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
        mine += _instead_of_globals(search, change, tuple(keys for keys, _ in found_in if keys))
        found.append(list(dict.fromkeys(mine))[:_MAX_DEFAULTS])
    return found


def _instead_of_globals(search: Search, change: Replacement, subcharts: Sequence[tuple[str, ...]]) -> Iterator[Value]:
    """Yield each subchart's own key of a global that says the value, which charts as a rule prefer to the global."""
    limit, files = search.workshop.settings.guards.max_file_bytes, search.job.files
    for candidate in candidates(change, search.action.target, files, editable(search.job), max_bytes=limit):
        field = candidate.spot.field
        if field[0] == _GLOBAL and candidate.spot.inner is None:
            yield from (Value((*keys, *field[1:]), candidate.spot.after) for keys in subcharts)


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
    """Yield the files that may be the Application's own, the one that wins first, then those of its chart."""
    yield from value_files(search)
    yield from manifest_homes(search)
    path = joined(search.job.folder, "values.yaml")
    if path in editable(search.job) and path not in search.job.value_files:
        yield _value_file(search, path)


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

    def sites(values: Sequence[Value], _: Mapping[str, bytes]) -> tuple[Site, ...]:
        return tuple(Site(path=path, blob=blob, document=0, field=v.path, before=None, after=v.after) for v in values)

    return Home(search.probe, write, lambda edited: not search.shared_with(edited), sites)

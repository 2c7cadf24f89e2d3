"""ConfigMaps that Kustomize generates from files that are no YAML, and keys inside the texts that they hold.

The files are lines of an environment, and a key's own file; a text may also stand in the object's own manifest.
Protects: a file is accepted only where rendering with its edit shows exactly the intended fields, as anywhere else.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, product
from typing import TYPE_CHECKING

from reconciler.errors import Refusal
from reconciler.manifests.editing.edit import edit_fields
from reconciler.manifests.editing.env_files import with_line
from reconciler.manifests.editing.texts import as_whole, taken_apart
from reconciler.manifests.rendering.hashed import find_now, stem_of
from reconciler.manifests.rendering.objects import value_at
from reconciler.manifests.rendering.overlay import merged
from reconciler.model.action import replacements
from reconciler.model.objects import Inner, Item
from reconciler.model.proposal import Site
from reconciler.model.rendering import KUSTOMIZE
from reconciler.propose.homes import Own
from reconciler.propose.own import in_overlay
from reconciler.propose.parents import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.action import Action, FieldChange, Replacement
    from reconciler.model.objects import FieldPath
    from reconciler.model.rendering import Rendered
    from reconciler.propose.search import Search

_MAX_TRIED = 20  # ways to change files; each takes a rendering


def is_inside(action: Action) -> bool:
    """Tell whether the action changes a key inside a text."""
    return any(isinstance(step, Inner) for change in action.changes for step in change.path)


def whole_changes(action: Action, objects: Sequence[Rendered], namespace: str) -> tuple[FieldChange, ...]:
    """Return the changes inside texts as changes of the whole texts that are rendered.

    Raises Refusal when one cannot be made without doubt, Conflict when a text says another value by now.
    """
    found = find_now(objects, action.target, namespace)

    def text_at(path: FieldPath) -> str | None:
        text = value_at(found[0], path) if len(found) == 1 else None
        return text if isinstance(text, str) else None

    return as_whole(action.changes, text_at)


def of_files(search: Search) -> Own | None:
    """Return files that generate a ConfigMap, with its changes in them, whoever else reads them; None: none do."""
    if search.job.tool != KUSTOMIZE or search.target.kind != "ConfigMap":
        return None
    ways = (*_with_lines(search), *_as_own_files(search))
    return next((own for own in ways[:_MAX_TRIED] if search.probe.is_exact(own.edited)), None)


def of_text(search: Search) -> Own:
    """Return the files with the changes inside texts in them: a key's own file, or the text in the object's manifest.

    Raises Refusal where neither holds the text.
    """
    ways = (*_as_own_files(search), *_in_manifests(search))
    found = next((own for own in ways[:_MAX_TRIED] if search.probe.is_exact(own.edited)), None)
    if found is None:
        raise Refusal(
            code="locate.inner_text",
            message=f"{search.action.summary} is inside a text, and no file here is that text or holds it line by line",
            remedy="keep the text in a file of its own (`files` of a configMapGenerator), or edit it by hand",
        )
    return found


def beside_hashed(search: Search) -> Own | None:
    """Return the Application's own overlay with values of a ConfigMap whose name follows its content.

    They are merged into what the base generates, or patched. None where the name stays, or there is no such place.
    """
    stem, changes = stem_of(search.probe.rendered), replacements(search.action.changes)
    if stem is None or changes is None or any("\n" in change.after for change in changes):
        return None  # a copy of a whole text would not follow the one that others share
    before = replace(search.action, target=replace(search.target, name=stem))
    return _merging(search, stem, changes) or in_overlay(replace(search, action=before))


def _merging(search: Search, stem: str, changes: Sequence[Replacement]) -> Own | None:
    options, limit = search.job.kustomize, search.workshop.settings.guards.max_file_bytes
    if not all(map(_is_of_data, changes)):
        return None
    try:
        path, content = merged(
            search.checkout,
            search.job.folder,
            replace(search.target, name=stem),
            changes,
            prefix=options.name_prefix,
            suffix=options.name_suffix,
            max_bytes=limit,
        )
        if not search.is_own({path: content}):
            return None
    except Refusal:
        return None
    place = ("configMapGenerator", Item("name", stem))
    sites = (replace(_site(search, path, c), field=(*place, c.path[-1]), before=None) for c in changes)
    return Own({path: content}, tuple(sites))


def _with_lines(search: Search) -> Iterator[Own]:
    """Yield each file that says all the values as lines of an environment, with the new ones."""
    changes, limit = replaced(search.action), search.workshop.settings.guards.max_file_bytes
    for path in sorted(search.job.files) if all(map(_is_of_data, changes)) else ():
        edited = search.job.files[path]
        try:
            for change in changes:
                edited = with_line(edited, str(change.path[-1]), change.before, change.after, max_bytes=limit)
        except Refusal:
            continue
        yield Own({path: edited}, tuple(_site(search, path, change) for change in changes))


def _as_own_files(search: Search) -> Iterator[Own]:
    """Yield the ways in which each changed value may be the whole content of a file."""
    changes = replacements(search.probe.changes) or ()
    fit = all(_is_of_data(change) and _is_text(change.after) for change in changes)
    alike = [_files_of(search, change.before) for change in changes] if fit else []
    for paths in islice(product(*alike), _MAX_TRIED) if alike else ():
        edited = {path: change.after.encode() for path, change in zip(paths, changes, strict=True)}
        home = {change.path: path for path, change in zip(paths, changes, strict=True)}
        yield Own(edited, tuple(_site(search, home[_holder(change)], change) for change in search.action.changes))


def _in_manifests(search: Search) -> Iterator[Own]:
    """Yield each file with the changes in the object's manifest, where that has the name that it is rendered with."""
    guards, namespace = search.workshop.settings.guards, search.application.destination_namespace
    limits = {"max_bytes": guards.max_file_bytes, "max_changed_lines": guards.max_changed_lines}
    for path in sorted(search.job.files):
        if not path.endswith((".yaml", ".yml")):
            continue
        try:
            edited = edit_fields(search.job.files[path], search.target, namespace, search.action.changes, **limits)
        except Refusal:
            continue
        sites = (replace(_site(search, path, change), field=change.path) for change in search.action.changes)
        yield Own({path: edited}, tuple(sites))


def _files_of(search: Search, text: str) -> Sequence[str]:
    return [path for path in sorted(search.job.files) if search.job.files[path] == text.encode()]


def _is_text(value: str) -> bool:
    """Tell whether every line shows what it is; a tab and another system's line end may stand in a file's text."""
    return all(line.removesuffix("\r").replace("\t", " ").isprintable() for line in value.split("\n"))


def _is_of_data(change: FieldChange) -> bool:
    return len(change.path) == len(("data", "key")) and change.path[0] == "data"


def _holder(change: FieldChange) -> FieldPath:
    return taken_apart(change.path)[0]


def _site(search: Search, path: str, change: FieldChange) -> Site:
    blob = search.checkout.files[path].blob
    return Site(path=path, blob=blob, document=0, field=change.path[1:], before=change.before, after=change.after)

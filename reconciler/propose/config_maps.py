"""ConfigMaps that Kustomize generates from files that are no YAML, and keys inside the texts that they hold.

The files are lines of an environment, and a key's own file; a text may also stand in the object's own manifest.
Protects: a file is accepted only where rendering with its edit shows exactly the intended fields, as anywhere else.
"""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING

from reconciler.errors import Refusal
from reconciler.manifests.env_files import with_line
from reconciler.manifests.hashed import find_now
from reconciler.manifests.objects import value_at
from reconciler.manifests.texts import as_whole, taken_apart
from reconciler.model.action import replacements
from reconciler.model.objects import Inner
from reconciler.model.proposal import Site
from reconciler.model.rendering import KUSTOMIZE
from reconciler.propose.fields import documents_of, in_document
from reconciler.propose.own import Own
from reconciler.propose.parents import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.action import Action, FieldChange
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
    documents = (in_document(search, path, number, search.action.changes) for path, number in documents_of(search))
    ways = (*_as_own_files(search), *(own for own in documents if own is not None))
    found = next((own for own in ways[:_MAX_TRIED] if search.probe.is_exact(own.edited)), None)
    if found is None:
        raise Refusal(
            code="locate.inner_text",
            message=f"{search.action.summary} is inside a text, and no file here is that text or holds it line by line",
            remedy="keep the text in a file of its own (`files` of a configMapGenerator), or edit it by hand",
        )
    return found


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

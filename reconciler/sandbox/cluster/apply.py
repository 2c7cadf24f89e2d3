"""Server-side apply: whoever applies owns what the manifest says, and nothing of others without force.

What a manager's last apply said and this one leaves out is removed, unless somebody else owns it, too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import ApiError, bad_request, cause
from reconciler.sandbox.cluster.fieldsets import (
    compared,
    difference,
    fields_of,
    intersection,
    paths,
    text_of,
    union,
    with_fields_above,
)
from reconciler.sandbox.cluster.kinds import Kind
from reconciler.sandbox.cluster.managed import (
    APPLY,
    NOBODYS,
    UPDATE,
    blank,
    changes,
    credited,
    entry_of,
    identity,
    in_order,
)
from reconciler.sandbox.cluster.merging import UnclearItem, merged, tidy, without
from reconciler.sandbox.cluster.shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.sandbox.cluster.fieldsets import Json, Tree
    from reconciler.sandbox.cluster.shapes import Shape

_BEFORE = "before-first-apply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applier:
    """Who applies, to what, and whether by force."""

    kind: Kind
    manager: str
    time: str
    force: bool = False
    subresource: str = ""

    @property
    def marks(self) -> Shape:
        """How the kind is merged."""
        return shape_of(self.kind)

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """The applier as an entry of `managedFields` is told apart."""
        return self.manager, APPLY, self.subresource, ""


def applied(current: Json | None, manifest: Json, by: Applier) -> Json:
    """Return the object as the apply makes it, `managedFields` included; the very `current` if nothing changes.

    `current` is the stored object, None when the apply creates it: then the caller adds what a creation adds, and
    keeps the entries. Raises ApiError: 409 with the conflicts, 400 for a manifest that brings its own entries.
    """
    _refuse_entries(manifest, by.kind)
    live = _without_entries(current or {})
    entries = _entries_before(current, live, by)
    try:
        wanted = merged(live, manifest, by.marks)
    except UnclearItem as unclear:
        meta = manifest.get("metadata") or {}
        what = f"{meta.get('namespace', '')}/{meta.get('name', '')}; {by.kind.api_version}, Kind={by.kind.kind}"
        raise ApiError(500, "", f"failed to create typed patch object ({what}): {unclear}") from unclear
    owned = _counting(fields_of(manifest, by.marks), by)
    made = _pruned(wanted, owned, entries, by)
    changed, removed = compared((current and live) or blank(by.kind), made, by.marks)
    others = _others(entries, _counting(changed, by), _counting(removed, by), by)
    made = tidy(made, live)
    noop = current is not None and made == live
    mine = difference(owned, NOBODYS)
    last = next((e for e in entries if identity(e) == by.identity), None)
    time = (last.get("time") if last else None) if noop else by.time
    own = [entry_of(by.identity, by.kind.api_version, time, mine)] if mine else []
    return _with_entries(current, made, in_order([*others, *own]))


def _refuse_entries(manifest: Json, kind: Kind) -> None:
    if manifest.get("apiVersion") != kind.api_version:
        raise bad_request(
            "Incorrect version specified in apply patch. "
            f"Specified patch version: {manifest.get('apiVersion', '')}, expected: {kind.api_version}"
        )
    if (manifest.get("metadata") or {}).get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")


def _entries_before(current: Json | None, live: Json, by: Applier) -> list[Json]:
    """Return the object's entries; of one that nobody tracked, everything was there before the first apply."""
    if current is None:
        return []
    entries: list[Json] = current["metadata"].get("managedFields") or []
    if entries:
        return entries
    found = changes(blank(by.kind), live, kind=by.kind, subresource=by.subresource)
    return credited(
        [], *found, manager=_BEFORE, api_version=by.kind.api_version, time=by.time, subresource=by.subresource
    )


def _counting(fields: Tree, by: Applier) -> Tree:
    """Return the fields that may be set at the path of the API; a status is set by its own."""
    if by.kind.has_status and by.subresource != "status":
        return {key: node for key, node in fields.items() if key != "f:status"}
    return fields


def _pruned(wanted: Json, owned: Tree, entries: Sequence[Json], by: Applier) -> Json:
    """Return the merged object without what the last apply owned alone and this one leaves out."""
    last = next((entry["fieldsV1"] for entry in entries if identity(entry) == by.identity), None)
    if not last:
        return wanted
    shape = by.marks
    claimed = owned
    for entry in entries:
        if identity(entry) != by.identity:
            claimed = union(claimed, entry["fieldsV1"])
    last = with_fields_above(last)
    every = with_fields_above(fields_of(wanted, shape))
    rest = with_fields_above(fields_of(without(wanted, last, shape), shape))
    kept = union(rest, with_fields_above(claimed))
    rest = with_fields_above(fields_of(without(wanted, difference(every, kept), shape), shape))
    return without(wanted, intersection(difference(every, rest), last), shape)


def _others(entries: Iterable[Json], changed: Tree, removed: Tree, by: Applier) -> list[Json]:
    """Return the entries of everybody else after the change. Raises ApiError if that takes something without force."""
    others = [entry for entry in entries if identity(entry) != by.identity]
    if not by.force:
        found = [(entry, path) for entry in others for path in paths(intersection(entry["fieldsV1"], changed))]
        if found:
            raise _conflict(found)
    gone = union(changed, removed)
    left = []
    for entry in others:
        fields = difference(entry["fieldsV1"], gone)
        if fields:
            left.append(entry if fields is entry["fieldsV1"] else {**entry, "fieldsV1": fields})
    return left


def _conflict(found: Sequence[tuple[Json, tuple[str, ...]]]) -> ApiError:
    causes = [cause("FieldManagerConflict", f"conflict with {_who(e)}", text_of(path)) for e, path in found]
    if len(found) == 1:
        said = f"1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        by_manager: dict[str, list[str]] = {}
        for each in sorted(causes, key=lambda c: str(c["message"])):
            by_manager.setdefault(each["message"].replace("conflict", "conflicts", 1), []).append(each["field"])
        lines = [line for who, fields in by_manager.items() for line in (f"{who}:", *(f"- {f}" for f in fields))]
        said = f"{len(found)} conflicts: " + "\n".join(lines)
    return ApiError(409, "Conflict", f"Apply failed with {said}", {"causes": causes})


def _who(entry: Json) -> str:
    name = json.dumps(entry.get("manager", ""))
    if entry.get("subresource"):
        name += f" with subresource {json.dumps(entry['subresource'])}"
    return f"{name} using {entry['apiVersion']}" if entry["operation"] == UPDATE else name


def _without_entries(value: Json) -> Json:
    metadata = {key: below for key, below in (value.get("metadata") or {}).items() if key != "managedFields"}
    return {**value, "metadata": metadata} if "metadata" in value else value


def _with_entries(current: Json | None, made: Json, entries: list[Json]) -> Json:
    found = {**made, "metadata": {**(made.get("metadata") or {}), "managedFields": entries}}
    return current if current is not None and current == found else found

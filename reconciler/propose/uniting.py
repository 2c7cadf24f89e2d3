"""Several objects of one Application in one proposal: each is placed where the ones before it are edited already.

After each object a commit that nobody sees holds what is edited so far, and the next one is located, edited and proven
there: so edits of one file, of one value file or of one overlay add up, and none can undo another. In the end the whole
is rendered once more: base and result may differ in exactly the intended fields of all objects.

Protects invariant 5 for what is put together. What does not fit together is refused as `propose.not_together`, and
then each object is tried alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from reconciler.errors import Refusal
from reconciler.manifests.rendering.intended import changed_exactly
from reconciler.model.facts import known
from reconciler.propose.placing import owner_of, placed
from reconciler.propose.sites import edits_of
from reconciler.propose.values import declared_at, parent_of, rendered_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.model.action import Action
    from reconciler.model.delivery import Application
    from reconciler.model.proposal import FileEdit, Located, Site
    from reconciler.model.rendering import Rendered
    from reconciler.model.snapshot import Snapshot
    from reconciler.propose.workshop import Workshop


def all_placed(
    actions: Sequence[Action], snapshot: Snapshot, workshop: Workshop
) -> tuple[Located, tuple[FileEdit, ...]]:
    """Return where the fields of all the actions stand, and the files with all of them edited.

    Raises Refusal when one of them cannot be made, or not together with the others, Conflict while delivery is behind.
    """
    application = owner_of(actions[0], snapshot)
    if len(actions) == 1:
        located, edits = placed(actions[0], application, snapshot, workshop)
        return _about(actions[0], located), edits
    found: list[Located] = []
    edited: dict[str, FileEdit] = {}
    declared, draft = application, workshop
    for action in actions:
        owner = owner_of(action, snapshot).ref
        if owner != application.ref:
            _refuse(f"{action.target} is delivered by {owner}, the others by {application.ref}")
        located, edits = placed(action, declared, snapshot, draft)
        found.append(_about(action, located))
        _require_alike(found[0], located, action)
        edited |= {edit.path: _further(edited.get(edit.path), edit) for edit in edits}
        draft = _with(edited, workshop)
        declared = declared_at(application, located, draft, parent=_parent(located, snapshot)) or application
    together = _together(found, workshop)
    if together.rendered_by is not None:
        parent = _parent(together, snapshot)
        sides = [(declared_at(application, together, side, parent=parent), side) for side in (workshop, draft)]
        base, result = (rendered_at(declared, together, side) for declared, side in sides if declared is not None)
        _require_exact(actions, application, base, result)
    before, after = ({p: getattr(e, side).encode() for p, e in edited.items()} for side in ("before", "after"))
    return together, edits_of(after, before, workshop.settings)


def _about(action: Action, located: Located) -> Located:
    return replace(located, sites=tuple(replace(site, target=action.target) for site in located.sites))


def _further(earlier: FileEdit | None, edit: FileEdit) -> FileEdit:
    return edit if earlier is None else replace(earlier, after=edit.after)


def _with(edited: Mapping[str, FileEdit], workshop: Workshop) -> Workshop:
    """Return the workshop at a commit of the mirror that holds the edits so far; it is never pushed."""
    files = {path: edit.after.encode() for path, edit in edited.items()}
    return replace(workshop, commit=workshop.repository.commit(workshop.commit, files, "draft"))


def _require_alike(first: Located, located: Located, action: Action) -> None:
    """One merge must bring all of them, by one revision of one source, or nobody could tell when they are live."""
    for what in ("source_index", "rendered_by", "parent", "generator"):
        if getattr(first, what) != getattr(located, what):
            _refuse(f"{action.target} comes another way into {located.application} than {first.sites[0].target}")


def _together(found: Sequence[Located], workshop: Workshop) -> Located:
    """Return all places as base has their files: that one of them moved must show against base, not our draft."""
    blobs = {path: workshop.repository.entry(workshop.commit, path) for one in found for path in one.paths}

    def as_in_base(site: Site) -> Site:
        entry = blobs[site.path]
        return replace(site, blob=entry.blob if entry else "")

    renamed = [one.becomes for one in found if one.becomes is not None]
    if len(renamed) > 1:
        _refuse(f"{' and '.join(str(other) for other in renamed)} are new names, which are followed one at a time")
    return replace(
        found[0],
        becomes=next(iter(renamed), None),
        sites=tuple(as_in_base(site) for one in found for site in one.sites),
        shared_with=tuple(sorted({ref for one in found for ref in one.shared_with})),
    )


def _parent(located: Located, snapshot: Snapshot) -> Application | None:
    return known(parent_of(located, snapshot.applications), default=None)  # it was found through it just now


def _require_exact(
    actions: Sequence[Action], application: Application, before: Sequence[Rendered], after: Sequence[Rendered]
) -> None:
    """What base and draft render may differ in exactly the intended fields of all objects."""
    changes = [(action.target, action.changes) for action in actions]
    others = changed_exactly(before, after, changes, application.destination_namespace)
    if others:
        _refuse(f"together they would also change {', '.join(others[:4])}")


def _refuse(message: str) -> NoReturn:
    remedy = "nothing to do: each of them is proposed alone, as the budgets let it"
    raise Refusal(code="propose.not_together", message=message, remedy=remedy)

"""Where our repository keeps an Application's own manifest, and what that says with an edit.

It stands in a plain directory of exactly one parent, or is what exactly one parent renders: of a file, with patches, of
a chart. Protects: with an edit the parent delivers everything else as before, and of the manifest nothing changes but
what the Application tells its tool.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from reconciler.errors import Refusal
from reconciler.manifests.declared.applications import Manifest, beside_options, is_option, manifest_in, with_manifest
from reconciler.manifests.files.checkout import Checkout
from reconciler.manifests.files.locate import require_current
from reconciler.manifests.rendering.jobs import RENDERED_KINDS, editable
from reconciler.manifests.rendering.objects import differences, find_rendered, same
from reconciler.model.delivery import Application, owning_applications
from reconciler.model.facts import Fact, Unknown
from reconciler.model.objects import ObjectRef
from reconciler.model.rendering import Rendered, RenderJob
from reconciler.propose.unknown import refuse_unknown
from reconciler.propose.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.manifests.rendering.candidates import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The manifest of an Application in Git, and the Application that delivers it."""

    ref: ObjectRef  # of the Application
    parent: Application
    workshop: Workshop
    checkout: Checkout  # every file that decides the manifest
    editable: tuple[str, ...]  # those in which a value may be changed
    document: int | None = None  # in the one file of a plain directory
    job: RenderJob | None = None  # what the parent renders it with; None: a plain directory

    def declared(self, application: Application, edited: Mapping[str, bytes]) -> Application:
        """Return the Application as its manifest declares it with these files edited.

        Raises Refusal where the edit changes more than what it tells its tool.
        """
        return with_manifest(application, self._edited(edited))

    def may_hold(self, place: Candidate) -> bool:
        """Tell whether a place may be what the Application tells its tool; of what is rendered, rendering tells."""
        if self.job is not None:
            return True
        return place.document == self.document and is_option(place.spot.field, self.ref.kind)

    def require_narrow(self, edited: Mapping[str, bytes], places: int) -> None:
        """Require that an edit changes no more fields of what is rendered than it has places."""
        if self.job is not None:
            old, new = self._changed(self.job, edited)
            found = tuple(differences([old], [new]))
            if len(found) > places:
                _refuse_reach(f"{', '.join(edited)} would also change {', '.join(found)}")

    @property
    def manifest(self) -> Manifest:
        """The manifest as it is now."""
        return self._edited({})

    def _edited(self, edited: Mapping[str, bytes]) -> Manifest:
        if self.job is not None:
            made = dict(self._changed(self.job, edited)[1])
            refuse_unknown(made, f"the manifest of {self.ref}", self.parent)
            return made
        (path,) = self.editable
        data = edited.get(path, self.checkout.contents[path])
        return manifest_in(data, self.ref, max_bytes=self.workshop.settings.guards.max_file_bytes)

    def _changed(self, job: RenderJob, edited: Mapping[str, bytes]) -> tuple[Rendered, Rendered]:
        render = self.workshop.renderer.render
        before, after = render(job), render(job.edited(edited))
        old, new = self._mine(before), self._mine(after)
        rest = [o for o in before if o is not old], [o for o in after if o is not new]
        kind = self.ref.kind
        if not same(*rest) or not same(beside_options(dict(old), kind), beside_options(dict(new), kind)):
            _refuse_reach(f"{self.parent.ref} would deliver more otherwise than what {self.ref} tells its tool")
        return old, new

    def _mine(self, objects: Sequence[Rendered]) -> Rendered:
        found = find_rendered(objects, self.ref, self.parent.destination_namespace)
        if len(found) != 1:
            _refuse_reach(f"{self.parent.ref} would not deliver {self.ref} once")
        return found[0]


def _refuse_reach(message: str) -> NoReturn:
    raise Refusal(code="locate.reach", message=message, remedy="edit it by hand")


def kept_in_git(
    application: Application, applications: Fact[tuple[Application, ...]], workshop: Workshop
) -> Kept | None:
    """Return where our repository keeps the Application's manifest, if exactly one parent delivers it from there.

    Raises Refusal where what the parent renders cannot be told.
    """
    if isinstance(applications, Unknown):
        return None
    parents = owning_applications(application.ref, None, applications)
    return kept_by(parents[0], application.ref, workshop) if len(parents) == 1 else None


def kept_by(parent: Application, ref: ObjectRef, workshop: Workshop) -> Kept | None:
    """Return where a parent's own source keeps the manifest of an Application, if exactly one does.

    Raises Refusal as `kept_in_git` does.
    """
    found = list(_kept(parent, ref, workshop))
    return found[0] if len(found) == 1 else None


def _kept(parent: Application, ref: ObjectRef, workshop: Workshop) -> Iterator[Kept]:
    plainly, plain = workshop.directories(parent)
    settled = workshop.settled(parent)
    for index, source in enumerate(parent.sources):
        kept = _in_directory(plainly, index, ref, workshop) if index in plain else None
        if kept is None and workshop.follows(source) and settled.sources[index].kind in RENDERED_KINDS:
            kept = _in_rendering(settled, index, ref, workshop)
        if kept is not None:
            yield kept


def _in_directory(parent: Application, index: int, ref: ObjectRef, workshop: Workshop) -> Kept | None:
    checkout = workshop.checkout()
    try:
        owning = workshop.owning_file(ref, parent, index)
        checkout.take(owning.file.path)
    except Refusal:
        return None
    return Kept(
        ref=ref,
        parent=parent,
        workshop=workshop,
        checkout=checkout,
        editable=(owning.file.path,),
        document=owning.document,
    )


def _in_rendering(parent: Application, index: int, ref: ObjectRef, workshop: Workshop) -> Kept | None:
    require_current(parent)
    job, checkout = workshop.job(parent, index)
    if len(find_rendered(workshop.renderer.render(job), ref, parent.destination_namespace)) != 1:
        return None
    return Kept(ref=ref, parent=parent, workshop=workshop, checkout=checkout, editable=editable(job), job=job)

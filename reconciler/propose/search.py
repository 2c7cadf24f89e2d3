"""One action whose place in Git is looked for: its Application, and what its target is rendered from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.manifests.declared.templates import refuse
from reconciler.manifests.files.checkout import Checkout
from reconciler.manifests.rendering.probing import Probe
from reconciler.model.action import Action
from reconciler.model.delivery import Application
from reconciler.model.rendering import RenderJob
from reconciler.model.snapshot import Snapshot
from reconciler.propose.generated import also_generated
from reconciler.propose.sharing import sharing
from reconciler.propose.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.objects import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What every way of looking needs."""

    action: Action
    application: Application
    index: int  # of the source that renders the target
    snapshot: Snapshot
    workshop: Workshop
    job: RenderJob
    checkout: Checkout  # everything that the job reads
    probe: Probe

    @property
    def target(self) -> ObjectRef:
        """The object as this commit renders it: the hash in its name may be another one than the cluster's by now."""
        return self.probe.target

    def shared_with(self, edited: Mapping[str, bytes]) -> tuple[ObjectRef, ...]:
        """Return who else changes with the files, through an ApplicationSet that reads them too.

        Raises Refusal where the Application itself would be generated anew: that was not part of the proof.
        """
        read = sharing(self.application, self.snapshot.applications, edited, self.workshop)
        generated = also_generated(edited, self.snapshot.applications, self.workshop)
        if self.application.ref in generated:
            refuse("reach", f"{', '.join(edited)} is also what {self.application.ref} is generated from")
        return tuple(sorted({*read, *generated}))

    def is_own(self, edited: Mapping[str, bytes]) -> bool:
        """Tell whether an edit makes exactly the intended changes, and reaches nobody else."""
        return self.probe.is_exact(edited) and not self.shared_with(edited)

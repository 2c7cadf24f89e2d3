"""Several delivery systems in one cluster, as one Delivery.

Protects invariant 3: where one of them does not answer, nobody knows what it owns, so nothing is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.facts import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.model.delivery import Application
    from reconciler.model.facts import Fact
    from reconciler.model.objects import ObjectRef
    from reconciler.ports import Delivery, Diagnosis


class Deliveries:
    """The systems, each by the API groups of its objects."""

    def __init__(self, systems: Mapping[tuple[str, ...], Delivery]) -> None:
        self._systems = systems

    def applications(self) -> Fact[tuple[Application, ...]]:
        """Return what all of them have; unknown when one of them is."""
        found: list[Application] = []
        for system in self._systems.values():
            answer = system.applications()
            if isinstance(answer, Unknown):
                return answer
            found += answer
        return tuple(found)

    def refresh(self, application: ObjectRef) -> None:
        """Ask the system that the object belongs to."""
        for groups, system in self._systems.items():
            if application.group in groups:
                system.refresh(application)

    def examine(self) -> Sequence[Diagnosis]:
        """Say of each what it says of itself."""
        return [diagnosis for system in self._systems.values() for diagnosis in system.examine()]

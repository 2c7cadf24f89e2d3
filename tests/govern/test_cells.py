"""Every cell of action × environment × ownership × flags, as the specification has it, not as the rules do."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from reconciler.model.action import ActionName
from reconciler.model.cluster import Namespace
from reconciler.model.facts import Unknown
from reconciler.model.objects import ObjectRef
from reconciler.model.verdict import Answer, Ownership, Route
from tests.govern.cases import REPLICAS, action, verdict
from tests.worlds import WEBAPP, application, snapshot, workload

if TYPE_CHECKING:
    from reconciler.adapters.rego_embedded import EmbeddedRego
    from reconciler.model.snapshot import Snapshot

#                     development  staging  production  qa       unlabelled   (go: at once, ask: a person)
IMPERATIVE = """
restart-deployment    go           go       go          go       go
restart-pod           go           go       go          go       go
delete-pod            go           go       go          go       go
cordon-node           go           go       go          go       go
uncordon-node         go           go       go          go       go
drain-node            go           go       ask         ask      ask
backup-database       go           go       ask         ask      ask
restore-database      go           go       ask         ask      ask
"""
ENVIRONMENTS = ("development", "staging", "production", "qa", None)
WORDS = {"go": Answer.GO, "ask": Answer.AWAIT_APPROVAL}
TABLE = {
    (row.split()[0], environment): WORDS[word]
    for row in IMPERATIVE.strip().splitlines()
    for environment, word in zip(ENVIRONMENTS, row.split()[1:], strict=True)
}
DECLARATIVE = (ActionName.SET_MEMORY, ActionName.REVERT_CHANGE)

# What an owner means for a declarative action, the same in every environment.
BY_OWNER = {
    Ownership.OWNED: (Answer.GO, Route.PULL_REQUEST),
    Ownership.NOT_OWNED: (Answer.AWAIT_APPROVAL, Route.APPLY),
    Ownership.AUTOSCALER: (Answer.REFUSE, Route.PULL_REQUEST),
    Ownership.UNKNOWN: (Answer.WAIT, Route.PULL_REQUEST),
    Ownership.CONFLICT: (Answer.REFUSE, Route.PULL_REQUEST),
}
FLAGS: tuple[frozenset[str], ...] = (
    frozenset(),
    frozenset({"paused"}),
    frozenset({"escalate"}),
    frozenset({"paused", "escalate"}),
)
CELLS = [
    cell
    for cell in product(ActionName, ENVIRONMENTS, Ownership, FLAGS)
    if not (cell[2] is Ownership.AUTOSCALER and cell[0] not in DECLARATIVE)  # replicas are a field
]


def world(environment: str | None, ownership: Ownership, flags: frozenset[str]) -> Snapshot:
    """Return webapp in such an environment, owned like that, its namespace flagged."""
    namespaces = {"production": Namespace(name="production", environment=environment, flags=flags)}
    made = snapshot(namespaces=namespaces)
    other = ObjectRef(cluster="default", group="argoproj.io", kind="Application", namespace="argocd", name="other")
    match ownership:
        case Ownership.OWNED:
            return made
        case Ownership.NOT_OWNED:
            bare = {WEBAPP: workload(tracking_id=None)}
            return snapshot(namespaces=namespaces, applications=(), workloads=bare)
        case Ownership.AUTOSCALER:
            return snapshot(namespaces=namespaces, autoscaled=frozenset({WEBAPP}))
        case Ownership.UNKNOWN:
            return snapshot(namespaces=namespaces, applications=Unknown("argocd", "timeout"))
        case Ownership.CONFLICT:
            return snapshot(namespaces=namespaces, applications=(application(), application(ref=other)))


def expected(
    name: ActionName, environment: str | None, ownership: Ownership, flags: frozenset[str]
) -> tuple[Answer, Route]:
    """Return what the specification says of one cell."""
    declarative = name in DECLARATIVE
    answer, route = BY_OWNER[ownership]
    if not declarative:
        route = Route.RUN
        if ownership in (Ownership.OWNED, Ownership.NOT_OWNED):
            answer = TABLE[name.value, environment]
    if "escalate" in flags:
        return Answer.AWAIT_APPROVAL, route
    if "paused" in flags and answer in (Answer.GO, Answer.AWAIT_APPROVAL):
        return Answer.WAIT, route
    return answer, route


@pytest.mark.parametrize("name", list(ActionName))
@pytest.mark.parametrize("ownership", list(Ownership))
def test_every_cell_is_as_specified(name: ActionName, ownership: Ownership, rules: EmbeddedRego) -> None:
    """Invariant 4: what Git owns only ever becomes a pull request, and every other cell is as written down."""
    paths = (REPLICAS,) if ownership is Ownership.AUTOSCALER else ()
    cells = [cell for cell in CELLS if cell[0] is name and cell[2] is ownership]

    wrong = []
    for cell in cells:
        given = verdict(rules, action(name, *paths), world=world(*cell[1:]))
        if (given.answer, given.route) != expected(*cell) or given.ownership is not ownership:
            wrong.append((cell, given))

    assert wrong == []
    assert cells or ownership is Ownership.AUTOSCALER


def test_the_table_holds_every_action() -> None:
    """An action that nobody put into the table would not be tested."""
    named = {row.split()[0] for row in IMPERATIVE.strip().splitlines()}

    assert named | {name.value for name in DECLARATIVE} == {name.value for name in ActionName}

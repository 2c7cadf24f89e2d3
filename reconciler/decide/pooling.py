"""When pull requests are scarce, what one Application delivers shares one.

The rule: as long as the budgets leave a pull request for each new remedy, each gets its own, for that is the easiest to
review. Over the budgets, what can joins an operation that is planned and has no pull request yet; then the
Application with most remedies has them put together, then the next one, until what is left suffices. Nobody's open pull
request is touched: people may have read it already.

Pure, and the same for the same input: remedies keep their order, Applications are taken by number and then by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.decide.together import together
from reconciler.govern.ownership import claim_on
from reconciler.model.action import Remedy
from reconciler.model.verdict import Ownership

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reconciler.model.objects import ObjectRef
    from reconciler.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """What becomes of new remedies: operations of their own, and planned ones that take some in."""

    opened: tuple[Remedy, ...]
    revised: Mapping[str, Remedy]  # by the planned operation's id: its remedy with what joins it


def pooled(
    remedies: Sequence[Remedy],
    planned: Mapping[str, Remedy],
    snapshot: Snapshot,
    *,
    left: int,
    most: int,
    may_share: Callable[[Remedy], bool],
) -> Pooled:
    """Put remedies of one owner together where there are more than the pull requests that are left.

    `planned` are remedies that may take others in, by operation; `most` is the number of objects in one pull request;
    `may_share` tells of a remedy whether nothing but the budgets is against it.
    """
    owned = [(owner, remedy) for remedy in remedies if (owner := owner_of(remedy, snapshot)) is not None]
    if most == 1 or len(owned) <= left:
        return Pooled(opened=tuple(remedies), revised={})
    by_owner: dict[ObjectRef, list[Remedy]] = {}
    for owner, remedy in owned:
        if may_share(remedy):
            by_owner.setdefault(owner, []).append(remedy)
    revised: dict[str, Remedy] = {}
    for operation, remedy in planned.items():
        owning = owner_of(remedy, snapshot)
        waiting = by_owner.get(owning, []) if owning else []
        taken = _first(waiting, most - len(remedy.targets))
        if taken:
            revised[operation] = together([remedy, *taken], parent=remedy.parent)
            del waiting[: len(taken)]
    groups = _grouped(by_owner.values(), short=sum(map(len, by_owner.values())) - left, most=most)
    return Pooled(opened=_in_order(remedies, groups, revised), revised=revised)


def owner_of(remedy: Remedy, snapshot: Snapshot) -> ObjectRef | None:
    """Return the one Application by which Git owns all that a remedy changes through Git; None: there is none."""
    claims = [claim_on(action, snapshot) for action in remedy.declaratives.values()]
    owners = {claim.application if claim.ownership is Ownership.OWNED else None for claim in claims}
    return owners.pop() if len(owners) == 1 else None


def _first(remedies: Sequence[Remedy], room: int) -> list[Remedy]:
    """Return as many as there is room for objects, from the first one on."""
    taken: list[Remedy] = []
    for remedy in remedies:
        room -= len(remedy.targets)
        if room < 0:
            break
        taken.append(remedy)
    return taken


def _grouped(owners: Iterable[list[Remedy]], *, short: int, most: int) -> list[list[Remedy]]:
    """Return groups of remedies, the largest owners' first, until as many are saved as pull requests are short."""
    groups: list[list[Remedy]] = []
    for remedies in sorted(owners, key=lambda mine: (-len(mine), mine[0].targets if mine else ())):
        rest = remedies
        while short > 0 and len(taken := _first(rest, most)) > 1:
            groups.append(taken)
            rest, short = rest[len(taken) :], short - len(taken) + 1
    return groups


def _in_order(
    remedies: Sequence[Remedy], groups: Sequence[Sequence[Remedy]], revised: Mapping[str, Remedy]
) -> tuple[Remedy, ...]:
    """Return what is to be opened in the order of the remedies, a group where its first one stood."""
    joined = {fingerprint for remedy in revised.values() for fingerprint in remedy.fingerprints}
    firsts = {group[0].fingerprints: group for group in groups}
    others = {remedy.fingerprints for group in groups for remedy in group[1:]}
    return tuple(
        together(firsts.get(remedy.fingerprints, [remedy]))
        for remedy in remedies
        if remedy.fingerprints not in others and remedy.fingerprints.isdisjoint(joined)
    )

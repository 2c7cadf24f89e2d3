"""When pull requests are scarce, what one Application delivers shares one.

The rule: as long as the budgets leave a pull request for each remedy, each gets its own, for that is the easiest to
review. Over the budgets, the Application with most of them has them put together, then the next one, until what is left
suffices. What is planned already, and has no pull request yet, counts among them and takes the others in. Nobody's open
pull request is touched: people may have read it already.

Pure, and the same for the same input: remedies keep their order, Applications are taken by number and then by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

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
    """What becomes of new remedies, and of planned operations."""

    opened: tuple[Remedy, ...]  # operations of their own
    revised: Mapping[str, Remedy]  # by the planned operation that takes others in: what it stands for then
    absorbed: Mapping[str, str]  # by the planned operation that is taken in: the one that takes it in


class _Wish(NamedTuple):
    """One pull request that is wanted."""

    operation: str | None  # None: new
    remedy: Remedy


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

    `planned` are remedies that may be put together with others, by operation; what is planned is not in `left`, which
    is less than nothing where some of it has to wait. `most` is the number of objects in one pull request; `may_share`
    tells of a remedy whether nothing but the budgets is against it.
    """
    owned = [(owner, remedy) for remedy in remedies if (owner := owner_of(remedy, snapshot)) is not None]
    if most == 1 or len(owned) <= left:
        return Pooled(opened=tuple(remedies), revised={}, absorbed={})
    by_owner: dict[ObjectRef, list[_Wish]] = {}
    for operation, remedy in planned.items():
        if (owning := owner_of(remedy, snapshot)) is not None:
            by_owner.setdefault(owning, []).append(_Wish(operation, remedy))
    unable = 0
    for owner, remedy in owned:
        if may_share(remedy):
            by_owner.setdefault(owner, []).append(_Wish(None, remedy))
        else:
            unable += 1
    groups = _grouped(by_owner.values(), short=len(owned) - unable - left, most=most)
    hosts = {group[0].operation: group for group in groups if group[0].operation is not None}
    revised = {
        host: together([wish.remedy for wish in group], parent=group[0].remedy.parent) for host, group in hosts.items()
    }
    absorbed = {w.operation: host for host, group in hosts.items() for w in group[1:] if w.operation is not None}
    new = [[wish.remedy for wish in group] for group in groups if group[0].operation is None]
    return Pooled(opened=_in_order(remedies, new, revised), revised=revised, absorbed=absorbed)


def owner_of(remedy: Remedy, snapshot: Snapshot) -> ObjectRef | None:
    """Return the one Application by which Git owns all that a remedy changes through Git; None: there is none."""
    claims = [claim_on(action, snapshot) for action in remedy.declaratives.values()]
    owners = {claim.application if claim.ownership is Ownership.OWNED else None for claim in claims}
    return owners.pop() if len(owners) == 1 else None


def _first(wishes: Sequence[_Wish], room: int) -> list[_Wish]:
    """Return as many as there is room for objects, from the first one on; that one in any case, no object twice.

    Remedies of one object that could go together have been put together before.
    """
    taken, objects = [wishes[0]], set(wishes[0].remedy.targets)
    for wish in wishes[1:]:
        if not objects.isdisjoint(wish.remedy.targets) or len(objects) + len(wish.remedy.targets) > room:
            break
        taken.append(wish)
        objects.update(wish.remedy.targets)
    return taken


def _grouped(owners: Iterable[list[_Wish]], *, short: int, most: int) -> list[list[_Wish]]:
    """Return groups of wishes, the largest owners' first, until as many are saved as pull requests are short."""
    groups: list[list[_Wish]] = []
    for wishes in sorted(owners, key=lambda mine: (-len(mine), mine[0].remedy.targets)):
        rest: Sequence[_Wish] = wishes
        while short > 0 and rest:
            taken = _first(rest, most)
            rest, short = rest[len(taken) :], short - len(taken) + 1
            groups += [taken] if len(taken) > 1 else []
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

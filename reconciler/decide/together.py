"""Several findings of one object are one remedy: one restart, one commit with all fields, one pull request.

Two pull requests for neighbouring lines of one file would conflict with each other, and two restarts would disturb the
same pods twice. What the remedy was put together from stays known (`Remedy.parts`): a person's no, a failure and the
end of the trouble are about each finding. Several objects may be one remedy too, where pull requests are scarce
(`pooling.py`): their actions stand one object after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.govern.ownership import claim_on
from reconciler.model.action import Action, Remedy
from reconciler.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.model.objects import ObjectRef
    from reconciler.model.snapshot import Snapshot

_GRAVITY = tuple(Severity)  # least first


def grouped(remedies: Iterable[Remedy], snapshot: Snapshot) -> list[Remedy]:
    """Put the remedies of one object together, in their order, where the same actions go the same way."""
    groups: list[list[Remedy]] = []
    for remedy in remedies:
        group = next((g for g in groups if fits(g[0], remedy, snapshot)), None)
        if group is None:
            groups.append([remedy])
        else:
            group.append(remedy)
    return [together(group) for group in groups]


def fits(one: Remedy, other: Remedy, snapshot: Snapshot) -> bool:
    """Tell whether one remedy does the same kind of thing to the other's object, whose fields have the same owner."""
    own = [action for action in one.actions if action.target in other.targets]
    if len(own) != len(other.actions):
        return False
    pairs = zip(own, other.actions, strict=True)
    return all(
        (a.name, a.target, a.uid) == (b.name, b.target, b.uid)
        and claim_on(a, snapshot).ownership is claim_on(b, snapshot).ownership
        for a, b in pairs
    )


def together(remedies: Sequence[Remedy], *, parent: str | None = None) -> Remedy:
    """Return one remedy for all of them; what answers one finding stays known as a part. One alone is its own remedy.

    Objects keep the order in which they first come, so that what joins later moves no action to another index.
    """
    if len(remedies) == 1:
        return remedies[0]
    parts = [part for remedy in remedies for part in remedy.answers]
    objects: dict[tuple[ObjectRef, ...], list[Remedy]] = {}
    for part in parts:
        objects.setdefault(part.targets, []).append(part)
    actions = [_action(same) for mine in objects.values() for same in zip(*(p.actions for p in mine), strict=True)]
    return Remedy(
        finding=_finding([part.finding for part in parts]),
        actions=tuple(actions),
        rationale=" ".join(dict.fromkeys(_reason(part, several=len(objects) > 1) for part in parts)),
        parent=parent,
        parts=tuple(parts),
    )


def _reason(part: Remedy, *, several: bool) -> str:
    return f"{part.finding.target.name}: {part.rationale}" if several else part.rationale


def _finding(findings: Sequence[Finding]) -> Finding:
    """Return what people read: all that is wrong on the objects, with all the evidence."""
    first = findings[0]
    objects = dict.fromkeys(f.target for f in findings)
    said = [_joined(target.name, [f.summary for f in findings if f.target == target]) for target in objects]
    return Finding(
        kind=first.kind,
        target=first.target,
        container=None,
        severity=max((f.severity for f in findings), key=_GRAVITY.index),
        summary="; ".join(said),
        evidence=tuple(sorted((e for f in findings for e in f.evidence), key=lambda e: (e.at, e.source, e.text))),
    )


def _action(same: Sequence[Action]) -> Action:
    """Return one action with the changes of all; what it disturbs is the same object, once."""
    first = same[0]
    return Action(
        name=first.name,
        target=first.target,
        uid=first.uid,
        risk=first.risk,
        summary=_joined(first.target.name, [a.summary for a in same]),
        changes=tuple(change for a in same for change in a.changes),
        destructive=any(a.destructive for a in same),
        reversible=all(a.reversible for a in same),
        blast_radius=first.blast_radius,
    )


def _joined(name: str, texts: Iterable[str]) -> str:
    """Join sentences about one object, which is named once; equal ones are said once."""
    prefix = f"{name}: "
    first, *more = dict.fromkeys(texts)
    return "; ".join([first, *(text.removeprefix(prefix) for text in more)])

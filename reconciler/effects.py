"""How an effect's life is folded from its events: intended, then completed or failed, and then perhaps anew.

Protects invariant 1: an effect is known by its intent, whether or not a result followed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.operation import Effect, EffectStatus, EventKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.operation import Event


def with_event(effects: Mapping[str, Effect], event: Event) -> Mapping[str, Effect]:
    """Return the effects after one event about one of them."""
    before = effects.get(event.data["key"])
    match event.kind:
        case EventKind.EFFECT_INTENDED:
            effect = _intended(before, event)
        case EventKind.EFFECT_COMPLETED:
            effect = _completed(effects[event.data["key"]], event)
        case EventKind.EFFECT_FAILED:
            effect = _failed(before, event)
        case _:
            msg = f"{event.kind} is not about an effect"
            raise ValueError(msg)
    return {**effects, effect.key: effect}


def _intended(before: Effect | None, event: Event) -> Effect:
    earlier = before
    if before is not None and before.status is EffectStatus.COMPLETED:
        before = None  # done before, and to be done anew: another update, another refresh
    return Effect(
        key=event.data["key"],
        status=EffectStatus.INTENDED,
        # The first intent's time stays: it is the value that a restart writes, so that a repeat is a no-op.
        intended_at=before.intended_at if before else event.at,
        attempts=(before.attempts if before else 0) + 1,
        data=event.data.get("data", {}),
        result=earlier.result if earlier else {},
    )


def _completed(before: Effect, event: Event) -> Effect:
    return replace(
        before,
        status=EffectStatus.COMPLETED,
        finished_at=event.at,
        result=event.data.get("result", {}),
        error=None,
    )


def _failed(before: Effect | None, event: Event) -> Effect:
    earlier = before
    if before is not None and before.status is EffectStatus.COMPLETED:
        before = None
    return Effect(
        key=event.data["key"],
        status=EffectStatus.FAILED,
        intended_at=before.intended_at if before else event.at,
        # A failure before any intent (a file that cannot be located) is an attempt too.
        attempts=before.attempts if before and before.status is EffectStatus.INTENDED else _next_attempt(before),
        data=before.data if before else {},
        result=earlier.result if earlier else {},
        finished_at=event.at,
        error=event.data["error"],
        permanent=event.data.get("permanent", False),
    )


def _next_attempt(before: Effect | None) -> int:
    return (before.attempts if before else 0) + 1

"""Facts for the rules, without the host that makes them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

RESTART: dict[str, Any] = {
    "action": {"name": "restart-deployment", "kind": "imperative", "destructive": False},
    "environment": "development",
    "ownership": {"git": "owned"},
    "flags": {"paused": False, "escalate": False},
    "guards": {"pause": True, "cooldown": True, "rate": True, "circuit_breaker": True, "attempts": True},
    "approved": False,
    "unknown_facts": [],
    "history": {"attempts_24h": 1},
    "settings": {"after_failure": "revert", "attempts_per_day": 3, "approvers": ["team:platform"]},
}

# What the rules look at before they allow an action; `approved` and `settings` only ever add a person.
NEEDED = (
    "action",
    "action.name",
    "action.kind",
    "action.destructive",
    "environment",
    "ownership",
    "ownership.git",
    "flags",
    "flags.paused",
    "flags.escalate",
    "guards",
    "guards.pause",
    "guards.cooldown",
    "guards.rate",
    "guards.circuit_breaker",
    "guards.attempts",
    "unknown_facts",
)


def without(path: str, facts: dict[str, Any] = RESTART) -> dict[str, Any]:
    """Return the facts with one of them missing."""
    copied = deepcopy(facts)
    *parents, last = path.split(".")
    place = copied
    for parent in parents:
        place = place[parent]
    del place[last]
    return copied


def changed(path: str, value: object, facts: dict[str, Any] = RESTART) -> dict[str, Any]:
    """Return the facts with one of them changed."""
    copied = deepcopy(facts)
    *parents, last = path.split(".")
    place = copied
    for parent in parents:
        place = place[parent]
    place[last] = value
    return copied

"""How long one decision of the embedded policy takes, against the bare engine on the same compiled rules.

The floor is regopy alone: the same rules built once, the same input set and asked. What we add is looking whether the
rules changed, writing the facts as JSON and reading the answer.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from regopy import Interpreter, LogLevel

from reconciler.adapters.rego_embedded import EmbeddedRego
from reconciler.adapters.rego_source import sources_of
from reconciler.govern.facts import facts_for
from reconciler.resources import shipped
from tests.bench.figure import Figure
from tests.worlds import NOW, Story, settings, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_ROUNDS = 25
_DECISIONS = 200  # a round
_REACH_MS = 1.0


def measure() -> list[Figure]:
    """Return the 99th percentile and the median of the quietest of several rounds, taken in turns."""
    facts = _facts()
    ours = EmbeddedRego([shipped("policies")])
    if ours.decide(facts).degraded:
        raise RuntimeError(ours.decide(facts).message)
    bare = _bare(facts)
    rounds = [(_round(lambda: ours.decide(facts)), _round(bare)) for _ in range(_ROUNDS)]
    return [
        _figure("policy decision, p99", rounds, round(_DECISIONS * 0.99), f"< {_REACH_MS:.0f} ms"),
        _figure("policy decision, median", rounds, _DECISIONS // 2, f"< {_REACH_MS:.0f} ms"),
    ]


def _facts() -> dict[str, Any]:
    """Return the facts of the memory change that a person meets first, as the pass makes them."""
    operation = Story().operation
    action = operation.remedy.actions[1]
    return facts_for(action, 1, operation, snapshot(), (operation,), settings(), NOW)


def _bare(facts: dict[str, Any]) -> Callable[[], object]:
    interpreter = Interpreter()
    interpreter.log_level = LogLevel.NONE
    interpreter.strict_built_in_errors = True
    for name, text in sources_of(shipped("policies")).items():
        interpreter.add_module(name, text)
    bundle = interpreter.build("data.reconciler.policy.decision")
    term = json.dumps(facts, separators=(",", ":"))

    def ask() -> object:
        interpreter.set_input_term(term)
        return interpreter.query_bundle(bundle)

    return ask


def _round(ask: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(_DECISIONS):
        started = time.perf_counter()
        ask()
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times)


def _figure(name: str, rounds: list[tuple[list[float], list[float]]], rank: int, reach: str) -> Figure:
    ours = min(times[rank] for times, _ in rounds)
    floor = min(times[rank] for _, times in rounds)
    return Figure(name=name, ours=ours, floor=floor, unit="ms", reach=reach, ok=ours < _REACH_MS)

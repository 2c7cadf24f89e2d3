"""The brakes outside policy, on histories told in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.govern.guards import Asked, asked_of, guards_for
from reconciler.model.action import Action, ActionName
from reconciler.model.operation import EffectStatus, EventKind, Operation, Outcome
from reconciler.model.verdict import GuardAnswer, Route
from tests.govern.cases import action, closed, operation, with_effect
from tests.worlds import NOW, WEBAPP, Story, oom_finding, settings, snapshot, workload

if TYPE_CHECKING:
    from collections.abc import Sequence

RESTART = action()
SET_MEMORY = action(ActionName.SET_MEMORY)
REVERT = action(ActionName.REVERT_CHANGE)
FAILED = EffectStatus.FAILED


def guard(
    name: str,
    *history: Operation,
    asked: Action = RESTART,
    of: Operation | None = None,
    route: Route = Route.RUN,
    flags: Sequence[str] = (),
    **limits: object,
) -> GuardAnswer:
    """Ask all guards and return one of them."""
    index = of.remedy.actions.index(asked) if of else 0
    case = Asked(action=asked, index=index, operation=of, route=route)
    known = (*history, of) if of else history
    results = guards_for(case, known, settings(guards=dict(limits)).guards, frozenset(flags), NOW)
    return next(result for result in results if result.name == name)


def other(name: str = "op-2", *actions: Action) -> Operation:
    """Return another operation on webapp."""
    return operation(*actions, name=name)


def elsewhere(name: str = "op-2") -> Operation:
    """Return an operation on another Deployment."""
    target = replace(WEBAPP, name="billing")
    made = operation(action(target=target), name=name)
    return replace(made, remedy=replace(made.remedy, finding=replace(oom_finding(), target=target)))


def test_nothing_brakes_a_first_action() -> None:
    """An empty history and no flags let everything pass, and each guard says so."""
    results = guards_for(
        Asked(action=RESTART, index=0, operation=None, route=Route.RUN), (), settings().guards, frozenset(), NOW
    )

    assert [(r.name, r.passed, r.until) for r in results] == [
        ("pause", True, None),
        ("cooldown", True, None),
        ("rate", True, None),
        ("open_pull_requests", True, None),
        ("circuit_breaker", True, None),
        ("attempts", True, None),
    ]
    assert all(r.message for r in results)


def test_the_configuration_pauses_everything() -> None:
    """Invariant 7: a person's pause holds, with no end that we know of."""
    result = guard("pause", paused=True)

    assert (result.passed, result.until) == (False, None)


def test_an_annotation_pauses_its_target() -> None:
    """Invariant 7: so does the annotation on a workload or a namespace."""
    assert not guard("pause", flags=("paused",)).passed
    assert guard("pause", flags=("escalate",)).passed


def test_a_target_rests_after_an_action() -> None:
    """Another operation restarted it a minute ago; five minutes are asked for."""
    result = guard("cooldown", with_effect(other()), cooldown="5m")

    assert result == GuardAnswer(
        name="cooldown",
        passed=False,
        message="Deployment production/webapp was acted on 1m ago",
        until=NOW + timedelta(minutes=4),
    )


def test_the_rest_ends() -> None:
    """At the very end of the cooldown the next action may go."""
    assert guard("cooldown", with_effect(other(), ago=timedelta(minutes=5)), cooldown="5m").passed


def test_an_announced_action_counts_before_its_result() -> None:
    """Invariant 1: after a crash the intent stands for the effect."""
    assert not guard("cooldown", with_effect(other(), status=EffectStatus.INTENDED)).passed


def test_a_direct_apply_disturbs_like_an_action() -> None:
    """A write to the template restarts pods."""
    assert not guard("cooldown", with_effect(other(), "apply")).passed


def test_pull_requests_neither_start_nor_mind_a_cooldown() -> None:
    """Opening a pull request disturbs nothing."""
    assert guard("cooldown", with_effect(other("op-2", SET_MEMORY), "propose")).passed
    assert guard("cooldown", with_effect(other()), asked=SET_MEMORY, route=Route.PULL_REQUEST).passed


def test_another_target_does_not_matter() -> None:
    """Cooldown and circuit breaker are of one target."""
    restless = [closed(with_effect(elsewhere(f"op-{n}"), status=FAILED), Outcome.FAILED) for n in range(5)]

    assert guard("cooldown", *restless).passed
    assert guard("circuit_breaker", *restless).passed


@pytest.mark.parametrize("status", list(EffectStatus))
def test_an_action_does_not_brake_itself_after_a_crash(status: EffectStatus) -> None:
    """Invariant 1: its own announced effect is taken up again, not waited for."""
    mine = with_effect(operation(RESTART), status=status)

    for name in ("cooldown", "rate", "circuit_breaker", "attempts"):
        assert guard(name, of=mine, actions_per_hour=1, circuit_failures=1, attempts_per_day=1).passed


def test_the_halves_of_a_hybrid_remedy_do_not_wait_for_each_other() -> None:
    """Restart and change go at the same time, the change as a direct apply here."""
    hybrid = with_effect(operation(RESTART, SET_MEMORY))

    assert guard("cooldown", of=hybrid, asked=SET_MEMORY, route=Route.APPLY).passed


def test_two_actions_of_one_remedy_on_one_target_rest_between() -> None:
    """Another effect of the same operation is another action."""
    two = with_effect(operation(RESTART, action(ActionName.DELETE_POD)))

    assert not guard("cooldown", of=two, asked=two.remedy.actions[1]).passed


def test_actions_of_all_targets_share_the_hours_limit() -> None:
    """Invariant 10: the rate is of everything, and frees when the oldest is an hour old."""
    busy = [with_effect(elsewhere(f"op-{n}"), ago=timedelta(minutes=10 * n)) for n in range(1, 4)]

    result = guard("rate", *busy, actions_per_hour=3)

    assert (result.passed, result.until) == (False, NOW + timedelta(minutes=30))
    assert result.message == "3 of 3 actions in the last hour"
    assert guard("rate", *busy, actions_per_hour=4).passed


def test_a_lowered_limit_frees_when_enough_are_old() -> None:
    """Three in the hour and one allowed: all but none must age."""
    busy = [with_effect(elsewhere(f"op-{n}"), ago=timedelta(minutes=10 * n)) for n in range(1, 4)]

    assert guard("rate", *busy, actions_per_hour=1).until == NOW + timedelta(minutes=50)


def test_an_hour_later_the_rate_is_free_again() -> None:
    """An action of exactly an hour ago no longer counts."""
    assert guard("rate", with_effect(elsewhere(), ago=timedelta(hours=1)), actions_per_hour=1).passed


def test_a_limit_of_none_allows_none() -> None:
    """Zero is a limit like any other."""
    result = guard("rate", actions_per_hour=0)

    assert (result.passed, result.until) == (False, NOW + timedelta(hours=1))


def test_pull_requests_have_a_limit_of_their_own() -> None:
    """Invariant 10: pull requests count pull requests, actions count actions."""
    opened = with_effect(elsewhere(), "propose")

    result = guard("rate", opened, asked=SET_MEMORY, route=Route.PULL_REQUEST, pull_requests_per_hour=1)

    assert (result.passed, result.message) == (False, "1 of 1 pull requests in the last hour")
    assert guard("rate", opened, actions_per_hour=1).passed


def test_failures_in_a_row_stop_a_target() -> None:
    """Invariant 10: failed writes and failed outcomes alike, until the newest has rested."""
    failures = [
        closed(other("op-2"), Outcome.FAILED, ago=timedelta(minutes=50)),
        with_effect(other("op-3"), status=FAILED, ago=timedelta(minutes=40)),
        closed(other("op-4"), Outcome.FAILED, ago=timedelta(minutes=20)),
    ]

    result = guard("circuit_breaker", *failures, circuit_failures=3, circuit_rest="1h")

    assert (result.passed, result.until) == (False, NOW + timedelta(minutes=40))
    assert guard("circuit_breaker", *failures, circuit_failures=4).passed
    assert guard("circuit_breaker", *failures, circuit_failures=3, circuit_rest="20m").passed


def test_a_success_closes_the_circuit() -> None:
    """Only failures after the last verified outcome are in a row."""
    story = [
        closed(other("op-2"), Outcome.FAILED, ago=timedelta(minutes=30)),
        closed(other("op-3"), Outcome.VERIFIED, ago=timedelta(minutes=20)),
        closed(other("op-4"), Outcome.FAILED, ago=timedelta(minutes=10)),
    ]

    assert guard("circuit_breaker", *story, circuit_failures=2).passed


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.REFUSED, Outcome.SUPERSEDED, Outcome.RESOLVED])
def test_other_endings_neither_open_nor_close_the_circuit(outcome: Outcome) -> None:
    """A person's no is not a failure, and not a success either."""
    story = [closed(other("op-2"), Outcome.FAILED, ago=timedelta(minutes=30)), closed(other("op-3"), outcome)]

    assert guard("circuit_breaker", *story, circuit_failures=2).passed
    assert not guard("circuit_breaker", *story, circuit_failures=1).passed


def test_a_finding_has_so_many_attempts_a_day() -> None:
    """Invariant 10: the fourth operation that would write waits until the first is a day old."""
    tried = [replace(with_effect(other(f"op-{n}")), opened_at=NOW - timedelta(hours=n)) for n in (9, 6, 3)]

    result = guard("attempts", *tried, of=operation(RESTART), attempts_per_day=3)

    assert (result.passed, result.until) == (False, NOW + timedelta(hours=15))
    assert guard("attempts", *tried, of=operation(RESTART), attempts_per_day=4).passed


def test_what_wrote_nothing_and_reverts_are_no_attempts() -> None:
    """A refused operation tried nothing, and a revert belongs to the attempt before it."""
    untried = closed(other("op-2"), Outcome.REFUSED)
    taken_back = with_effect(other("op-3", REVERT), "propose")
    old = replace(with_effect(other("op-4")), opened_at=NOW - timedelta(days=1))

    assert guard("attempts", untried, taken_back, old, of=operation(RESTART), attempts_per_day=1).passed


def test_a_revert_is_not_stopped_by_the_attempts_before_it() -> None:
    """Taking the last attempt back must stay possible."""
    tried = with_effect(other())

    assert guard("attempts", tried, asked=REVERT, of=operation(REVERT), attempts_per_day=1).passed


def restarted(text: str | None, *, of: Operation | None = None) -> bool:
    """Tell whether the cooldown lets a restart pass, when the live workload says that it was restarted then."""
    live = replace(workload(), restarted_at=text)
    asked = asked_of(RESTART, 0, of, Route.RUN, snapshot(workloads={WEBAPP: live}))
    results = guards_for(asked, (of,) if of else (), settings().guards, frozenset(), NOW)
    return next(result.passed for result in results if result.name == "cooldown")


def test_restart_that_the_ledger_does_not_know_starts_the_cooldown() -> None:
    """Invariant 10: a person, another machine or a lost ledger may have restarted it a moment ago."""
    assert not restarted((NOW - timedelta(minutes=1)).isoformat())
    assert restarted((NOW - timedelta(minutes=6)).isoformat())


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-03-01T11:59:00", "2999-01-01T00:00:00Z"])
def test_restart_time_that_says_nothing_brakes_nothing(text: str | None) -> None:
    """The annotation is anybody's to write: no time, no zone, or a time to come."""
    assert restarted(text)


def test_own_restart_does_not_brake_its_own_repeat() -> None:
    """Invariant 1: after a crash the intent is taken up again, whether or not its effect had happened."""
    of = with_effect(operation(RESTART), status=EffectStatus.INTENDED)
    (effect,) = of.effects.values()

    assert restarted(effect.intended_at.replace(microsecond=0).isoformat(), of=of)


def test_open_pull_requests_have_a_limit() -> None:
    """Invariant 10: what is open, or was announced and may be, counts; what ended does not; actions are no matter."""
    mine = Story().operation
    opened = replace(Story().pull_request_opened().operation, id="op-2")
    announced = replace(
        Story().add(EventKind.EFFECT_INTENDED, key="op-1:1:propose", verb="propose", data={"branch": "b"}).operation,
        id="op-3",
    )
    merged = replace(Story().merged().operation, id="op-4")
    rejected = (
        Story()
        .pull_request_opened()
        .add(EventKind.PULL_REQUEST_CLOSED, by="ana")
        .add(EventKind.OPERATION_CLOSED, outcome="rejected")
        .operation
    )
    history = (mine, opened, announced, merged, replace(rejected, id="op-5"))

    def asked(limit: int, route: Route = Route.PULL_REQUEST) -> GuardAnswer:
        case = Asked(action=mine.remedy.actions[1], index=1, operation=mine, route=route)
        results = guards_for(case, history, settings(guards={"max_open_pull_requests": limit}).guards, frozenset(), NOW)
        return next(r for r in results if r.name == "open_pull_requests")

    assert (asked(3).passed, asked(3).message) == (True, "2 of 3 pull requests are open")
    assert not asked(2).passed
    assert not asked(0).passed
    assert asked(0, Route.RUN).passed

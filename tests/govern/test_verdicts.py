"""The verdict: who has the last word, and in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.rego_embedded import EmbeddedRego
from reconciler.model.action import ActionName
from reconciler.model.cluster import Namespace
from reconciler.model.facts import Unknown
from reconciler.model.operation import Approval, EffectStatus
from reconciler.model.verdict import Answer, Ownership, Route
from tests.govern.cases import REPLICAS, action, operation, verdict, with_effect
from tests.worlds import NOW, WEBAPP, application, settings, snapshot, workload

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.action import Action
    from reconciler.model.operation import Operation
    from reconciler.model.snapshot import Snapshot

RESTART = action()
DRAIN = action(ActionName.DRAIN_NODE)
SET_MEMORY = action(ActionName.SET_MEMORY)
TIMEOUT = Unknown("kubernetes", "timeout")
UNOWNED = snapshot(applications=(), workloads={WEBAPP: workload(tracking_id=None)})


def flagged(*flags: str) -> Snapshot:
    """Return webapp in a flagged namespace."""
    return snapshot(
        namespaces={"production": Namespace(name="production", environment="production", flags=frozenset(flags))}
    )


def approved(asked: Action, *people: str) -> Operation:
    """Return an operation of one action that some people said yes to."""
    return replace(operation(asked), approvals=tuple(Approval(action=0, by=name, at=NOW) for name in people))


def saying(folder: Path, verdict_word: str, *, minimum: int = 1) -> EmbeddedRego:
    """Return a policy of a user's own that gives every action the same answer."""
    folder.mkdir(exist_ok=True)
    (folder / "mine.rego").write_text(
        f"""package reconciler.policy
decision := {{"verdict": "{verdict_word}", "code": "mine", "message": "Mine.", "remedy": "Ask me.",
"approvers": ["group"], "min_approvers": {minimum}}}
after_failure := {{"follow_up": "escalate", "code": "mine", "message": "Mine."}}
"""
    )
    return EmbeddedRego([folder])


def test_a_low_risk_action_goes(rules: EmbeddedRego) -> None:
    """A restart in production needs nobody, and the verdict says why and by which rules."""
    given = verdict(rules, RESTART)

    assert (given.answer, given.route, given.code) == (Answer.GO, Route.RUN, "low_risk")
    assert (given.environment, given.ownership) == ("production", Ownership.OWNED)
    assert len(given.policy_hash) == 64
    assert [guard.passed for guard in given.guards] == [True] * 6


def test_what_git_owns_goes_by_pull_request(rules: EmbeddedRego) -> None:
    """Invariant 4, by the shipped rules: review is the approval."""
    given = verdict(rules, SET_MEMORY)

    assert (given.answer, given.route, given.code) == (Answer.GO, Route.PULL_REQUEST, "git_owned")


@pytest.mark.parametrize("word", ["auto", "pull_request", "manual"])
def test_no_policy_can_write_to_what_git_owns(tmp_path: Path, word: str) -> None:
    """Invariant 4 in code: whatever the rules say, the route stays the pull request."""
    given = verdict(saying(tmp_path, word), SET_MEMORY, of=approved(SET_MEMORY, "ana"))

    assert (given.answer, given.route) == (Answer.GO, Route.PULL_REQUEST)


@pytest.mark.parametrize("world", [snapshot(applications=TIMEOUT), snapshot(workloads=TIMEOUT), flagged("paused")])
def test_no_policy_can_act_on_unknown_facts_or_a_pause(tmp_path: Path, world: Snapshot) -> None:
    """Invariants 3 and 7 in code: even rules that allow everything wait."""
    for asked in (RESTART, SET_MEMORY):
        assert verdict(saying(tmp_path, "auto"), asked, world=world).answer is Answer.WAIT


def test_no_policy_can_write_where_owners_differ(tmp_path: Path) -> None:
    """Invariant 4 in code: two owners, or an autoscaler, mean no."""
    other = replace(application().ref, name="other")
    torn = snapshot(applications=(application(), application(ref=other)))
    scaled = snapshot(autoscaled=frozenset({WEBAPP}))
    scale = action(ActionName.SET_MEMORY, REPLICAS)

    assert verdict(saying(tmp_path, "auto"), RESTART, world=torn).code == "ownership.conflict"
    given = verdict(saying(tmp_path, "auto"), scale, world=scaled)
    assert (given.answer, given.code) == (Answer.REFUSE, "ownership.autoscaler")


@pytest.mark.parametrize("asked", [RESTART, SET_MEMORY])
def test_a_pull_request_is_no_way_to_do_what_git_does_not_own(tmp_path: Path, asked: Action) -> None:
    """A policy's mistake is refused, not read as a yes."""
    given = verdict(saying(tmp_path, "pull_request"), asked, world=UNOWNED)

    assert (given.answer, given.code) == (Answer.REFUSE, "policy.no_such_route")


@pytest.mark.parametrize("source", ["namespaces", "workloads", "applications"])
def test_nothing_is_done_on_unknown_facts(rules: EmbeddedRego, source: str) -> None:
    """Invariant 3: it waits, says what did not answer, and goes on when it does."""
    given = verdict(rules, RESTART, world=snapshot(**{source: Unknown(source, "timeout")}))

    assert (given.answer, given.code) == (Answer.WAIT, "fact.unknown")
    assert f"{source}: timeout" in given.message
    assert given.remedy


def test_another_object_of_the_same_name_is_refused(rules: EmbeddedRego) -> None:
    """The object that was looked at is gone; this one was never judged."""
    anew = snapshot(workloads={WEBAPP: workload(uid="uid-new")})

    for world in (anew, snapshot(workloads={})):
        given = verdict(rules, RESTART, world=world)
        assert (given.answer, given.code) == (Answer.REFUSE, "target.changed")


def test_escalation_beats_everything_else(rules: EmbeddedRego) -> None:
    """Invariant 7: a person decides, even while paused, and even what would be refused."""
    for world in (flagged("escalate"), flagged("escalate", "paused")):
        for asked in (RESTART, SET_MEMORY, replace(RESTART, destructive=True)):
            given = verdict(rules, asked, world=world)
            assert (given.answer, given.code) == (Answer.AWAIT_APPROVAL, "operator_escalation")
            assert given.min_approvers == 1
            assert given.approvers == ("system:kubernaut:production-approvers",)


def test_an_answered_escalation_leaves_the_other_rules_in_force(rules: EmbeddedRego) -> None:
    """A yes lets the rules speak again: it allows nothing that they refuse."""
    yes = verdict(rules, RESTART, of=approved(RESTART, "ana"), world=flagged("escalate"))
    paused = verdict(rules, RESTART, of=approved(RESTART, "ana"), world=flagged("escalate", "paused"))
    harm = replace(RESTART, destructive=True)
    no = verdict(rules, harm, of=approved(harm, "ana"), world=flagged("escalate"))

    assert (yes.answer, paused.answer, no.answer) == (Answer.GO, Answer.WAIT, Answer.REFUSE)
    assert no.code == "destructive"


def test_an_approval_lets_a_manual_action_go(rules: EmbeddedRego) -> None:
    """A drain in production asks; a named person's yes is enough, a yes to another action is not."""
    asked = verdict(rules, DRAIN, of=operation(DRAIN))
    yes = verdict(rules, DRAIN, of=approved(DRAIN, "ana"))
    both = replace(operation(RESTART, DRAIN), approvals=(Approval(action=0, by="ana", at=NOW),))

    assert (asked.answer, asked.code, asked.min_approvers) == (Answer.AWAIT_APPROVAL, "medium_risk_production", 1)
    assert asked.approvers == ("system:kubernaut:production-approvers",)
    assert (yes.answer, yes.route) == (Answer.GO, Route.RUN)
    assert verdict(rules, DRAIN, of=both).answer is Answer.AWAIT_APPROVAL


def test_a_direct_apply_asks_first(rules: EmbeddedRego) -> None:
    """What Git does not own is applied only after a person's yes."""
    asked = verdict(rules, SET_MEMORY, world=UNOWNED)
    yes = verdict(rules, SET_MEMORY, of=approved(SET_MEMORY, "ana"), world=UNOWNED)

    assert (asked.answer, asked.route, asked.code) == (Answer.AWAIT_APPROVAL, Route.APPLY, "direct_apply")
    assert (yes.answer, yes.route) == (Answer.GO, Route.APPLY)


def test_two_approvers_are_two_people(tmp_path: Path) -> None:
    """The same person twice is one person."""
    policy = saying(tmp_path, "manual", minimum=2)

    assert verdict(policy, RESTART, of=approved(RESTART, "ana", "ana")).answer is Answer.AWAIT_APPROVAL
    assert verdict(policy, RESTART, of=approved(RESTART, "ana", "ben")).answer is Answer.GO


def test_a_guard_brakes_until_a_time(rules: EmbeddedRego) -> None:
    """Invariant 10: a brake is a wait with an end, and the verdict names it."""
    given = verdict(rules, RESTART, history=(with_effect(operation(name="op-2")),))

    assert (given.answer, given.code) == (Answer.WAIT, "guard.cooldown")
    assert given.until == NOW + timedelta(minutes=4)


def test_the_longest_brake_is_named(rules: EmbeddedRego) -> None:
    """Two brakes hold as long as the longer one."""
    tight = settings(guards={"actions_per_hour": 1})

    given = verdict(rules, RESTART, history=(with_effect(operation(name="op-2")),), configured=tight)

    assert (given.code, given.until) == ("guard.rate", NOW + timedelta(minutes=59))


def test_a_pause_has_its_own_code(rules: EmbeddedRego) -> None:
    """Invariant 7: paused waits without an end, and is not a refusal."""
    given = verdict(rules, RESTART, configured=settings(guards={"paused": True}))

    assert (given.answer, given.code, given.until) == (Answer.WAIT, "guard.paused", None)


def test_an_approval_does_not_lift_a_brake(rules: EmbeddedRego) -> None:
    """Guards are outside policy: a yes to the action is no yes to haste."""
    given = verdict(rules, DRAIN, of=approved(DRAIN, "ana"), history=(with_effect(operation(name="op-2")),))

    assert given.code == "guard.cooldown"


def test_a_resumed_effect_goes_on(rules: EmbeddedRego) -> None:
    """Invariant 1: after a crash the announced restart is not braked by its own announcement."""
    given = verdict(rules, RESTART, of=with_effect(operation(RESTART), status=EffectStatus.INTENDED))

    assert given.answer is Answer.GO


def test_the_policys_no_is_a_refusal_with_its_words(tmp_path: Path) -> None:
    """Invariant 8: every refusal says code, message and remedy; a brake does not hide it."""
    given = verdict(saying(tmp_path, "deny"), RESTART, history=(with_effect(operation(name="op-2")),))

    assert (given.answer, given.code, given.message, given.remedy) == (Answer.REFUSE, "mine", "Mine.", "Ask me.")


def test_a_broken_policy_holds_everything_up(tmp_path: Path) -> None:
    """Invariant 8: without an answer nothing is done; it is asked again, since no answer is no lasting no."""
    (tmp_path / "broken.rego").write_text("package reconciler.policy\ndecision := {")

    for asked in (RESTART, SET_MEMORY):
        given = verdict(EmbeddedRego([tmp_path]), asked, of=approved(asked, "ana"))
        assert (given.answer, given.code, given.degraded) == (Answer.WAIT, "policy_error", True)
        assert given.remedy

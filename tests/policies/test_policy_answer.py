"""Reading a raw value: exactly an answer, or our no."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.adapters.policy_answer import PolicyFault, Ruling, failed, read_decision, read_follow_up
from reconciler.model.verdict import PolicyAnswer, PolicyWord

GOOD: dict[str, Any] = {
    "verdict": "manual",
    "code": "drain",
    "message": "Ask.",
    "remedy": "Approve it.",
    "approvers": ["team:platform"],
    "min_approvers": 2,
}


def test_a_whole_answer_is_read() -> None:
    """Every part of it, with the rules' hash."""
    assert read_decision(Ruling(policy_hash="abc", value=GOOD)) == PolicyAnswer(
        word=PolicyWord.MANUAL,
        code="drain",
        message="Ask.",
        remedy="Approve it.",
        policy_hash="abc",
        approvers=("team:platform",),
        min_approvers=2,
    )


NEVER: tuple[object, ...] = (None, True, -1, 1.5, {}, {"a": 1}, ["x", 1])
WRONG: list[tuple[str, object]] = [(key, value) for key in GOOD for value in NEVER]
WRONG += [("verdict", word) for word in ("", "AUTO", "allow", "auto ", "true")]
WRONG += [("code", code) for code in ("", "Low Risk", "low-risk", "x" * 65, "low\n")]
WRONG += [("approvers", "ana"), ("min_approvers", "1")]


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_any_part_of_the_wrong_shape_is_a_no(key: str, value: object) -> None:
    """Invariant 8: an unknown word or another shape is not an answer, whatever else it says."""
    answer = read_decision(Ruling(policy_hash="abc", value={**GOOD, key: value}))

    assert (answer.word, answer.code, answer.degraded) == (PolicyWord.DENY, "policy_error", True)
    assert answer.policy_hash == "abc"


@pytest.mark.parametrize("key", list(GOOD))
def test_any_missing_part_is_a_no(key: str) -> None:
    """A missing approval field does not mean that none is needed."""
    value = {name: part for name, part in GOOD.items() if name != key}

    assert read_decision(Ruling(policy_hash="abc", value=value)).degraded


@pytest.mark.parametrize("value", [None, True, "auto", 1, [], [GOOD]])
def test_anything_but_an_object_is_a_no(value: object) -> None:
    """Two results are no result."""
    assert read_decision(Ruling(policy_hash="abc", value=value)).degraded
    assert read_follow_up(Ruling(policy_hash="abc", value=value)).code == "escalate"


def test_an_approval_by_nobody_is_a_no() -> None:
    """Manual with no approvers asked for would be automatic by another name."""
    assert read_decision(Ruling(policy_hash="abc", value={**GOOD, "min_approvers": 0})).degraded


def test_a_failure_is_a_no_in_one_clean_line() -> None:
    """Invariant 11: what an engine or a server said is scrubbed and cut."""
    error = RuntimeError("no\nroute to http://ana:secret@opa:8181 with Bearer abcdefghijk " + "x" * 500)

    answer = read_decision(failed(error, "abc"))

    assert answer.degraded
    assert "\n" not in answer.message
    assert "secret" not in answer.message
    assert "abcdefghijk" not in answer.message
    assert len(answer.message) < 300


@pytest.mark.parametrize("follow_up", ["revert", "next_remedy", "escalate"])
def test_a_follow_up_is_the_code(follow_up: str) -> None:
    """The caller looks at `code`; the rule's own code stands in the message."""
    value = {"follow_up": follow_up, "code": "why", "message": "Because."}

    answer = read_follow_up(Ruling(policy_hash="abc", value=value))

    assert (answer.code, answer.message, answer.degraded) == (follow_up, "Because. [why]", False)


@pytest.mark.parametrize(
    "value",
    [
        {"follow_up": "again", "code": "why", "message": "Because."},
        {"follow_up": True, "code": "why", "message": "Because."},
        {"follow_up": "revert", "message": "Because."},
        {"follow_up": "revert", "code": "why"},
        {},
    ],
)
def test_any_other_follow_up_is_a_persons(value: object) -> None:
    """Invariant 8: nothing is reverted on an answer that is none."""
    answer = read_follow_up(Ruling(policy_hash="abc", value=value))

    assert (answer.word, answer.code, answer.degraded) == (PolicyWord.DENY, "escalate", True)


def test_our_own_faults_say_their_words() -> None:
    """A reason that we wrote is not prefixed with a class name."""
    assert failed(PolicyFault("no rules"), "abc").failure == "no rules"

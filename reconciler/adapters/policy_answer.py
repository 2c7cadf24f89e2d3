"""From a policy engine's raw value to an answer, the same for every engine.

Protects invariant 8 (fail closed): whatever is not exactly an answer (undefined, another shape, an unknown word, an
engine that failed) is our no, with the code `policy_error` and marked as degraded.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.errors import foreign_text
from reconciler.model.verdict import PolicyAnswer, PolicyWord

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE = "reconciler.policy"
DECISION = "decision"
AFTER_FAILURE = "after_failure"
MERGE = "merge"
FOLLOW_UPS = {"revert": PolicyWord.AUTO, "next_remedy": PolicyWord.AUTO, "escalate": PolicyWord.MANUAL}
MERGES = {"merge": PolicyWord.AUTO, "wait": PolicyWord.MANUAL}

_CODE = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_REMEDY = "run `reconciler doctor`; until the policy answers, nothing that it must judge is done"


class PolicyFault(Exception):
    """The policy did not give an answer; the text says why, in words that may be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What an engine gave for one rule: a raw value, or the reason why there is none."""

    policy_hash: str
    value: object = None
    failure: str | None = None


def failed(error: Exception, policy_hash: str) -> Ruling:
    """Return the ruling of an engine that raised."""
    words = str(error) if isinstance(error, PolicyFault) else f"{type(error).__name__}: {error}"
    return Ruling(policy_hash=policy_hash, failure=foreign_text(words))


def checked_json(facts: Mapping[str, Any]) -> str:
    """Write the facts as the engines get them.

    Raises PolicyFault when they hold what an engine would read as something else (NUL, NaN), or what is not JSON.
    """
    try:
        text = _ENCODER.encode(facts)
    except (TypeError, ValueError) as error:
        raise PolicyFault(f"the facts are not JSON: {error}") from error
    if "\\u0000" in text:
        raise PolicyFault("the facts hold a NUL character")
    return text


def read_decision(ruling: Ruling) -> PolicyAnswer:
    """Return the answer that the rule `decision` gave, or our no."""
    try:
        return _decision(ruling)
    except (PolicyFault, ValueError) as error:
        return _refusal("policy_error", error, ruling.policy_hash)


def read_follow_up(ruling: Ruling) -> PolicyAnswer:
    """Return what the rule `after_failure` gave (its `code` is the follow-up), or an escalation."""
    try:
        return _follow_up(ruling, FOLLOW_UPS)
    except PolicyFault as error:
        return _refusal("escalate", error, ruling.policy_hash)


def read_merge(ruling: Ruling) -> PolicyAnswer:
    """Return what the rule `merge` gave (its `code` is merge or wait), or a wait; rules without it never merge."""
    try:
        return _follow_up(ruling, MERGES)
    except PolicyFault as error:
        return _refusal("wait", error, ruling.policy_hash)


def _decision(ruling: Ruling) -> PolicyAnswer:
    value = _object(ruling)
    word = PolicyWord(_text(value, "verdict"))
    minimum = _whole_number(value, "min_approvers")
    if word is PolicyWord.MANUAL and minimum < 1:
        raise PolicyFault("it asks for an approval by nobody")
    return PolicyAnswer(
        word=word,
        code=_code(value),
        message=foreign_text(_text(value, "message")),
        remedy=foreign_text(_text(value, "remedy")),
        policy_hash=ruling.policy_hash,
        approvers=_texts(value, "approvers"),
        min_approvers=minimum,
    )


def _follow_up(ruling: Ruling, words: Mapping[str, PolicyWord]) -> PolicyAnswer:
    value = _object(ruling)
    follow_up = _text(value, "follow_up")
    if follow_up not in words:
        raise PolicyFault(f"it answers with an unknown follow-up {follow_up!r}")
    return PolicyAnswer(
        word=words[follow_up],
        code=follow_up,
        message=f"{foreign_text(_text(value, 'message'))} [{_code(value)}]",
        remedy="",
        policy_hash=ruling.policy_hash,
    )


def _refusal(code: str, error: Exception, policy_hash: str) -> PolicyAnswer:
    return PolicyAnswer(
        word=PolicyWord.DENY,
        code=code,
        message=f"The policy gave no answer: {foreign_text(error)}",
        remedy=_REMEDY,
        policy_hash=policy_hash,
        degraded=True,
    )


def _object(ruling: Ruling) -> Mapping[str, object]:
    if ruling.failure is not None:
        raise PolicyFault(ruling.failure)
    if not isinstance(ruling.value, dict):
        raise PolicyFault("it answers with something that is not an object")
    return ruling.value


def _text(value: Mapping[str, object], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str):
        raise PolicyFault(f"its answer has no text {key!r}")
    return found


def _texts(value: Mapping[str, object], key: str) -> tuple[str, ...]:
    found = value.get(key)
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise PolicyFault(f"its answer has no list of texts {key!r}")
    return tuple(found)


def _whole_number(value: Mapping[str, object], key: str) -> int:
    found = value.get(key)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise PolicyFault(f"its answer has no whole number {key!r}")
    return found


def _code(value: Mapping[str, object]) -> str:
    code = _text(value, "code")
    if not _CODE.fullmatch(code):
        raise PolicyFault("its answer's code is not one word in lower case")
    return code

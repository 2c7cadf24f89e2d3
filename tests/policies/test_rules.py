"""The rules under facts that are missing, wrong or unheard of, and the operator's own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.rego_embedded import EmbeddedRego
from reconciler.model.verdict import PolicyWord
from reconciler.resources import shipped
from tests.policies.samples import NEEDED, RESTART, changed, without

if TYPE_CHECKING:
    from pathlib import Path

WRONG: tuple[object, ...] = ("true", "false", None, 0, 1, [], {}, [None], "", "go", {"a": 1}, 1e300)


def test_the_sample_is_allowed(rules: EmbeddedRego) -> None:
    """Only then do the refusals below mean something."""
    answer = rules.decide(RESTART)

    assert (answer.word, answer.code, answer.degraded) == (PolicyWord.AUTO, "low_risk", False)


@pytest.mark.parametrize("path", NEEDED)
def test_nothing_is_allowed_while_a_fact_is_missing(rules: EmbeddedRego, path: str) -> None:
    """Invariant 8: missing inputs mean not allowed, and the answer is still an answer of the rules."""
    answer = rules.decide(without(path))

    assert answer.word in (PolicyWord.MANUAL, PolicyWord.DENY)
    assert not answer.degraded


@pytest.mark.parametrize("path", NEEDED)
def test_nothing_is_allowed_while_a_fact_is_of_the_wrong_type(rules: EmbeddedRego, path: str) -> None:
    """Invariant 8: "true" is not true, and null is not false."""
    fact, _, inner = path.partition(".")
    good = RESTART[fact][inner] if inner else RESTART[fact]
    texts = ("action.name", "environment")  # another text is no wrong type for these
    wrong = [w for w in WRONG if type(w) is not type(good) or (w != good and path not in texts)]

    answers = {str(value): rules.decide(changed(path, value)).word for value in wrong}

    assert {word for word in answers.values() if word not in (PolicyWord.MANUAL, PolicyWord.DENY)} == set(), answers


@pytest.mark.parametrize(
    "name", ["scale-deployment", "", "Restart-Deployment", "restart-deployment ", "delete-namespace"]
)
def test_an_action_that_nobody_listed_asks(rules: EmbeddedRego, name: str) -> None:
    """Allowed is what is named, not what merely is not forbidden."""
    answer = rules.decide(changed("action.name", name))

    assert (answer.word, answer.code) == (PolicyWord.MANUAL, "no_rule_matched")


@pytest.mark.parametrize("name", ["restart-deployment", "drain-node"])
def test_an_imperative_action_cannot_pass_as_declarative(rules: EmbeddedRego, name: str) -> None:
    """The class follows from the name; facts that say otherwise are not believed."""
    facts = changed("action.kind", "declarative", changed("action.name", name))

    assert rules.decide(facts).code == "facts_malformed"


def test_every_answer_that_is_not_a_yes_says_how_to_go_on(rules: EmbeddedRego) -> None:
    """Invariant 8: code, message and remedy."""
    for path in NEEDED:
        answer = rules.decide(without(path))
        assert all((answer.code, answer.message, answer.remedy)), answer


@pytest.mark.parametrize("value", ["1", None, -1, True, [], {}])
@pytest.mark.parametrize("path", ["history.attempts_24h", "settings.attempts_per_day"])
def test_a_failure_on_wrong_numbers_is_a_persons(rules: EmbeddedRego, path: str, value: object) -> None:
    """Rego compares texts with numbers without complaint; the rules do not."""
    answer = rules.after_failure(changed(path, value))

    assert answer.code == "escalate"


@pytest.mark.parametrize("path", ["action", "flags", "history", "settings", "unknown_facts", "settings.after_failure"])
def test_a_failure_with_missing_facts_is_a_persons(rules: EmbeddedRego, path: str) -> None:
    """Nothing is reverted by default."""
    assert rules.after_failure(without(path)).code == "escalate"


def test_a_failure_is_followed_as_configured(rules: EmbeddedRego) -> None:
    """The code is the follow-up, the message says why."""
    answer = rules.after_failure(RESTART)

    assert (answer.word, answer.code) == (PolicyWord.AUTO, "revert")
    assert answer.message.endswith("[as_configured]")


def operators(folder: Path, *statements: str, name: str = "operator.rego", package: str = "operator") -> EmbeddedRego:
    """Return the shipped rules with an operator's file beside them."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(("# mine", "", f"package {package}", *statements)))
    return EmbeddedRego([shipped("policies"), folder])


def test_an_operators_file_replaces_the_empty_one(tmp_path: Path) -> None:
    """Copied, edited, asked first; what it does not speak of is judged as before."""
    engine = operators(
        tmp_path, "default escalate := false", "default deny := false", 'deny if input.environment == "development"'
    )

    assert engine.decide(RESTART).code == "operator_denied"
    assert engine.decide(changed("environment", "staging")).code == "low_risk"


def test_an_operators_file_is_added_to_the_empty_one(tmp_path: Path) -> None:
    """A file of another name needs no defaults."""
    engine = operators(tmp_path, 'escalate if input.environment == "development"', name="teams.rego")

    assert (engine.decide(RESTART).word, engine.decide(RESTART).code) == (PolicyWord.MANUAL, "operator_escalation")
    assert engine.after_failure(RESTART).code == "escalate"


@pytest.mark.parametrize("slip", ['"false"', "0", "null", "{}", "[]"])
def test_an_operators_slip_tightens(tmp_path: Path, slip: str) -> None:
    """Anything but `false` counts as true."""
    assert operators(tmp_path, f"deny := {slip}").decide(RESTART).code == "operator_denied"


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("more.rego", "reconciler.policy"),
        ("more.rego", "other"),
        ("reconciler.rego", "operator"),
        ("a.rego", "operators"),
    ],
)
def test_operators_rules_can_only_tighten(tmp_path: Path, name: str, package: str) -> None:
    """Invariant 8: a file that reaches into the core's package, or takes its place, closes everything."""
    answer = operators(tmp_path, "low := true", name=name, package=package).decide(RESTART)

    assert (answer.word, answer.degraded) == (PolicyWord.DENY, True)
    assert name in answer.message


def test_a_raw_string_does_not_pass_for_a_package(tmp_path: Path) -> None:
    """The package is the file's first statement, wherever else the words stand."""
    (tmp_path / "sly.rego").write_text(" package reconciler.policy\nlow := `\npackage operator\n`\n")

    assert EmbeddedRego([shipped("policies"), tmp_path]).decide(RESTART).degraded

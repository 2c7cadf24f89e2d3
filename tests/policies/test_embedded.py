"""The embedded engine's habits, each of which once turned a no into a yes, or could."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.rego_embedded import EmbeddedRego, embedded_rego
from reconciler.adapters.rego_source import hash_of, sources_of
from reconciler.model.verdict import PolicyWord
from reconciler.resources import shipped
from tests.policies.samples import RESTART, changed

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.verdict import PolicyAnswer
    from tests.policies.conftest import Writes

YES = '{"verdict": "auto", "code": "mine", "message": "Mine.", "remedy": "", "approvers": [], "min_approvers": 0}'
NO = YES.replace('"auto"', '"deny"')


def refused(answer: PolicyAnswer, *words: str) -> bool:
    """Tell whether this is our no, for the reason given in these words."""
    assert all(word in answer.message for word in words), answer.message
    return (answer.word, answer.code, answer.degraded) == (PolicyWord.DENY, "policy_error", True)


def test_a_rule_of_ones_own_answers(write: Writes) -> None:
    """The baseline for the refusals below."""
    answer = write(f"decision := {YES}").decide(RESTART)

    assert (answer.word, answer.code, answer.degraded) == (PolicyWord.AUTO, "mine", False)


def test_a_builtin_that_the_engine_lacks_is_refused_when_loading(write: Writes) -> None:
    """It would be undefined, and the default would answer instead."""
    engine = write(f"default decision := {YES}", f'decision := {NO} if net.cidr_contains("10.0.0.0/8", "10.1.1.1")')

    assert refused(engine.decide(RESTART), "net.cidr_contains", "lacks")


def test_a_builtin_that_fails_is_an_error(write: Writes) -> None:
    """Not undefined: the default must not speak in its place."""
    engine = write(f"default decision := {YES}", f"decision := {NO} if to_number(input.environment) > 1")

    assert refused(engine.decide(RESTART), "failed")


@pytest.mark.parametrize(
    "call",
    [
        "opa.runtime()",
        'opa["runtime"]()',
        "opa[`runtime`]()",
        'opa [ "runtime" ] ()',
        "time.now_ns()",
        'rand.intn("x", 2)',
        'uuid.rfc4122("")',
    ],
)
def test_builtins_that_look_outside_are_refused(write: Writes, call: str) -> None:
    """Invariant 11: the whole environment, secrets included, is one call away, however it is written."""
    engine = write(f"decision := {YES}", f"unused := {call}")

    assert refused(engine.decide(RESTART), "forbidden")


def test_fetching_is_refused(write: Writes) -> None:
    """The host enriches, the rules never fetch."""
    assert refused(write(f"decision := {YES}", "unused := http.send({})").decide(RESTART), "http.send")


def test_rules_that_contradict_each_other_are_an_error(write: Writes) -> None:
    """The engine does not raise; it answers with an output that is not ok."""
    engine = write(f"decision := {YES} if input.approved == false", f"decision := {NO} if input.environment")

    assert refused(engine.decide(RESTART), "contradict")


def test_undefined_is_a_no(write: Writes) -> None:
    """The engine calls it ok."""
    assert refused(write(f"decision := {YES} if input.approved").decide(RESTART), "decision is undefined")


def test_a_missing_rule_is_a_no(write: Writes) -> None:
    """Rules that hold only half of what is asked."""
    engine = write(f"decision := {YES}")

    answer = engine.after_failure(RESTART)

    assert (answer.word, answer.code, answer.degraded) == (PolicyWord.DENY, "escalate", True)


def test_the_old_syntax_for_sets_is_a_no(write: Writes) -> None:
    """`x[y] { ... }` silently becomes an object."""
    assert refused(write('decision[word] { word := "auto" }').decide(RESTART), "verdict")


def test_an_unsafe_variable_is_a_no(write: Writes) -> None:
    """The engine checks nothing when compiling; it is undefined when asked."""
    assert refused(write("decision := unheard_of").decide(RESTART))


def test_recursion_is_a_no(write: Writes) -> None:
    """It surfaces as a stray exception of the JSON reader."""
    assert refused(write("decision := other", "other := decision").decide(RESTART))


def test_a_parse_error_is_a_no_and_is_not_printed(write: Writes, capfd: pytest.CaptureFixture[str]) -> None:
    """The engine prints syntax trees unless told not to; the message names the file."""
    assert refused(write("decision := {").decide(RESTART), "mine.rego")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("statement", ["t := x if { x := decision with input as {} }", "t if y with data.z as 1"])
def test_with_is_refused_before_the_engine_sees_it(write: Writes, statement: str) -> None:
    """The library ends the whole process over it."""
    assert refused(write(f"decision := {YES}", statement).decide(RESTART), "with")


def test_an_alias_does_not_hide_a_forbidden_call(write: Writes) -> None:
    """Whatever is imported under that name, the call is refused."""
    engine = write("import data.other as opa", f"decision := {YES}", "unused := opa.runtime()")

    assert refused(engine.decide(RESTART), "opa.runtime")


def test_functions_of_ones_own_may_be_called(write: Writes, tmp_path: Path) -> None:
    """By name, by import and in full; only builtins are looked up in the engine."""
    (tmp_path / "lib.rego").write_text("package lib\ntwice(x) := x * 2")
    engine = write(
        "import data.lib",
        "import data.lib as other",
        "once(x) := x",
        f"decision := {YES} if {{ once(lib.twice(1)) == 2; other.twice(1) == data.lib.twice(1) }}",
    )

    assert engine.decide(RESTART).word is PolicyWord.AUTO


def test_the_word_with_in_texts_and_comments_is_fine(write: Writes) -> None:
    """Only the keyword is refused."""
    engine = write("# with or without", f"decision := {YES}", 'text := "with \\" with"', "raw := `with`")

    assert engine.decide(RESTART).word is PolicyWord.AUTO


@pytest.mark.parametrize("number", [2**31, 2**53 + 1, 2**63, 2**70, -(2**63) - 1])
def test_large_numbers_arrive_exactly(write: Writes, number: int) -> None:
    """The library's own way of taking input wraps them."""
    engine = write(f"default decision := {NO}", f"decision := {YES} if input.number == {number}")

    assert engine.decide({"number": number}).word is PolicyWord.AUTO
    assert engine.decide({"number": number - 1}).word is PolicyWord.DENY


def test_a_nul_in_the_facts_is_refused(rules: EmbeddedRego) -> None:
    """The engine would read another text."""
    assert refused(rules.decide(changed("environment", "development\0x")), "NUL")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, b"x"])
def test_facts_that_are_not_json_are_refused(rules: EmbeddedRego, value: object) -> None:
    """A host's mistake closes, too."""
    assert refused(rules.decide(changed("environment", value)), "not JSON")


@pytest.mark.parametrize("text", ["größe", "环境", "🐳", "\u2028", '"', "\\", "\x7f", "\ud800"])
def test_unusual_text_is_read_as_text(rules: EmbeddedRego, text: str) -> None:
    """It names no environment that the rules know, so a drain asks, and is no error either."""
    drain = changed("environment", text, changed("action.name", "drain-node"))

    assert rules.decide(drain).word in (PolicyWord.MANUAL, PolicyWord.DENY)


def test_raw_output_is_not_echoed_at_length(write: Writes) -> None:
    """Invariant 11: a message that carries more than a message is cut, and tokens in it are masked."""
    long = YES.replace("Mine.", "token=abcdefgh12345678 " + "x" * 1000)

    message = write(f"decision := {long}").decide(RESTART).message

    assert len(message) <= 256
    assert "abcdefgh12345678" not in message


def test_a_missing_or_empty_folder_is_a_no(tmp_path: Path) -> None:
    """No rules allow nothing."""
    for folder in (tmp_path, tmp_path / "none"):
        answer = EmbeddedRego([folder]).decide(RESTART)
        assert refused(answer)
        assert answer.policy_hash == "unreadable"


def test_rules_are_never_tests(tmp_path: Path) -> None:
    """A folder's tests neither load nor count."""
    shutil.copy(shipped("policies") / "reconciler.rego", tmp_path)
    shutil.copy(shipped("policies") / "operator.rego", tmp_path)
    before = EmbeddedRego([tmp_path]).decide(RESTART)
    (tmp_path / "mine_test.rego").write_text("package reconciler.policy\ndecision := {")

    assert EmbeddedRego([tmp_path]).decide(RESTART) == before


def test_every_decision_pins_its_rules(rules: EmbeddedRego, write: Writes) -> None:
    """SHA-256 over names and contents, so that a decision can be replayed."""
    mine = write(f"decision := {YES}")

    assert rules.decide(RESTART).policy_hash == hash_of(sources_of(shipped("policies")))
    assert mine.decide(RESTART).policy_hash != rules.decide(RESTART).policy_hash


def test_changed_rules_hold_at_the_next_decision(write: Writes, tmp_path: Path) -> None:
    """A ConfigMap swaps its files under us; a broken one closes, a mended one opens again."""
    engine = write(f"decision := {YES}")
    before = engine.decide(RESTART)
    (tmp_path / "new").write_text("package reconciler.policy\ndecision := {")
    (tmp_path / "new").replace(tmp_path / "mine.rego")
    broken = engine.decide(RESTART)
    write(f"decision := {NO}")
    mended = engine.decide(RESTART)

    assert (before.word, broken.degraded, mended.code) == (PolicyWord.AUTO, True, "mine")
    assert mended.word is PolicyWord.DENY
    assert before.policy_hash != mended.policy_hash


def test_a_configmap_is_read_once(tmp_path: Path) -> None:
    """Mounted ConfigMaps hold their files twice: linked, and in a folder of their own."""
    hidden = tmp_path / "..2026_03_01"
    hidden.mkdir()
    (hidden / "mine.rego").write_text(f"package reconciler.policy\ndecision := {YES}")
    (tmp_path / "..data").symlink_to(hidden.name)
    (tmp_path / "mine.rego").symlink_to("..data/mine.rego")

    assert EmbeddedRego([tmp_path]).decide(RESTART).word is PolicyWord.AUTO


def test_threads_do_not_share_their_input(rules: EmbeddedRego) -> None:
    """An interpreter's input is mutable; each thread has one of its own."""
    environments = [("development", "medium_risk"), ("production", "medium_risk_production")] * 200
    drain = changed("action.name", "drain-node")

    with ThreadPoolExecutor(max_workers=8) as pool:
        codes = list(pool.map(lambda pair: rules.decide(changed("environment", pair[0], drain)).code, environments))

    assert codes == [code for _, code in environments]


def test_doctor_is_told_that_the_rules_work_or_why_not(write: Writes) -> None:
    """One line, with a remedy when they do not."""
    (works,) = embedded_rego([shipped("policies")]).examine()
    (broken,) = write(f"decision := {YES}").examine()

    assert (works.works, works.remedy) == (True, "")
    assert "SHA-256" in works.detail
    assert (broken.works, bool(broken.remedy)) == (False, True)
    assert "after_failure is undefined" in broken.detail

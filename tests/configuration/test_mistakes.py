"""Keys and values that cannot be: what is said about each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from reconciler.configuration import load
from reconciler.errors import ConfigurationError
from reconciler.settings import LedgerSettings
from tests.configuration.files import MINIMAL, mistakes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("guards:\n  coldown: 5m\n", "reconciler.yaml:10:3: guards.coldown is unknown; did you mean cooldown?"),
        ("guard: {}\n", "reconciler.yaml:9:1: guard is unknown; did you mean guards?"),
        ("guards: {growth: 3}\n", "reconciler.yaml:9:10: guards.growth is unknown; did you mean memory.growth?"),
        ("cooldown: 5m\n", "reconciler.yaml:9:1: cooldown is unknown; did you mean guards.cooldown?"),
        ("ledger: {zzz: 1}\n", "reconciler.yaml:9:10: ledger.zzz is unknown; known here: kind, path, ref"),
        ("cluster: {name: no}\n", "reconciler.yaml:9:11: cluster.name must be text; put it in quotes"),
        ("cluster: {namespaces: a}\n", "reconciler.yaml:9:11: cluster.namespaces must be a list, such as [a, b]"),
        (
            "cluster: {namespaces: [a, 1]}\n",
            "reconciler.yaml:9:27: cluster.namespaces[1] must be text; put it in quotes",
        ),
        ("memory: {growth: 1}\n", "reconciler.yaml:9:10: memory.growth must be greater than 1"),
        ("guards: {paused: maybe}\n", "reconciler.yaml:9:10: guards.paused must be true or false"),
        ("guards: {actions_per_hour: few}\n", "reconciler.yaml:9:10: guards.actions_per_hour must be a whole number"),
        ("delivery: {kinds: []}\n", "reconciler.yaml:9:12: delivery.kinds must hold at least one"),
        ("policy: {after_failure: x}\n", "policy.after_failure must be 'revert', 'next_remedy' or 'escalate'"),
        ("verify: 5\n", "reconciler.yaml:9:1: verify is a section: write its keys below it, indented"),
        ("guards:\n  paused: true\n  paused: false\n", "reconciler.yaml:11:3: paused is given twice, first on line 10"),
        ("metrics: {}\n", "reconciler.yaml:9:1: metrics is given twice, first on line 1"),
    ],
)
def test_a_mistake_is_named_with_place_key_and_way_out(file: Path, text: str, expected: str) -> None:
    """File, line and column that an editor can jump to, the key's path, and what was probably meant."""
    assert expected in mistakes(file, text)


@pytest.mark.parametrize("value", ["5", "60", "1:30", "5 minutes", "-5m", "[]"])
def test_a_duration_without_a_unit_is_not_guessed(file: Path, value: str) -> None:
    """A bare number could be anything."""
    said = mistakes(file, f"guards: {{cooldown: {value}}}\n")

    assert said.startswith("reconciler.yaml:9:10: guards.cooldown is not a duration: write a number and a unit")


def test_all_mistakes_are_listed_at_once(file: Path) -> None:
    """Nobody should have to run it once for each mistake; required keys of absent sections are among them."""
    file.write_text("metrics:\n  url:\n  url: http://x\nalerts:\n  timeout: 5\n")
    with pytest.raises(ConfigurationError) as caught:
        load(file, {})
    lines = caught.value.message.replace(f"{file.parent}/", "").splitlines()

    assert lines[0] == "6 mistakes in the configuration:"
    assert [line.split(" is ")[0].strip() for line in lines[1:]] == [
        "reconciler.yaml:3:3: url",
        "reconciler.yaml:2:3: metrics.url",
        "reconciler.yaml:4:1: alerts.url",
        "reconciler.yaml:5:3: alerts.timeout",
        "reconciler.yaml:1:1: repository.url",
        "reconciler.yaml:1:1: forge.repository",
    ]


def test_an_empty_file_lacks_what_is_required(file: Path) -> None:
    """Not a special case: the same list."""
    file.write_text("# nothing yet\n")
    with pytest.raises(ConfigurationError, match=r"metrics\.url is required: Address, for example"):
        load(file, {})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RECONCILER_METRICS__TIMEOUT", "5", "RECONCILER_METRICS__TIMEOUT: metrics.timeout is not a duration"),
        ("RECONCILER_METRICS__URLL", "x", "RECONCILER_METRICS__URLL: metrics.urll is unknown; did you mean url?"),
        ("RECONCILER_METRIC__URL", "x", "RECONCILER_METRIC__URL: metric is unknown; did you mean metrics?"),
        ("RECONCILER_FORGE__REPOSITORY", "shop", "RECONCILER_FORGE__REPOSITORY: forge.repository is "),
    ],
)
def test_mistakes_in_the_environment_name_the_variable(file: Path, name: str, value: str, expected: str) -> None:
    """The file is not blamed for what it did not say."""
    assert mistakes(file, "", **{name: value}).startswith(expected)


def test_a_wrong_value_is_never_shown(file: Path) -> None:
    """Invariant 11: a token that was pasted into the wrong place is not repeated, not even in a traceback."""
    file.write_text(MINIMAL + "guards: {paused: hunter2, token: hunter2}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(file, {"RECONCILER_GUARDS__COOLDOWN": "hunter2"})

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RECONCILER_MEMORY__MAXIMUM", "lots", "memory.maximum is not a Kubernetes quantity"),
        ("RECONCILER_MEMORY__MAXIMUM", "-5Gi", "memory.maximum is not an amount above zero"),
        ("RECONCILER_MEMORY__WINDOW", "9999999999d", "memory.window is longer than 3650d"),
        ("RECONCILER_FORGE__BRANCH_PREFIX", "../x", "forge.branch_prefix"),
        ("RECONCILER_FORGE__BRANCH_PREFIX", "a b", "forge.branch_prefix"),
        ("RECONCILER_METRICS__URL", "prometheus:9090", "metrics.url is not an address such as http://"),
        ("RECONCILER_ALERTS__URL", "http://", "alerts.url is not an address such as http://"),
    ],
)
def test_a_value_that_no_pass_could_use_is_refused(file: Path, name: str, value: str, expected: str) -> None:
    """What would fail in the midst of a pass is said when the settings are read."""
    assert expected in mistakes(file, "", **{name: value})


@pytest.mark.parametrize(
    "ref",
    [
        "ledger",
        "refs/ledger",
        "refs/a..b/c",
        "refs/x/y.lock",
        "refs/x/",
        "refs/pull/1/head",
        "refs/tags/v1",
        "refs/x/.y",
    ],
)
def test_a_reference_that_cannot_be_ours_is_refused(ref: str) -> None:
    """The ledger's name is a full one, and nobody else's."""
    with pytest.raises(ValidationError, match=r"not a (full name|name of ours)"):
        LedgerSettings(ref=ref)


@pytest.mark.parametrize("ref", ["refs/reconciler/ledger", "refs/heads/reconciler-ledger", "refs/bots/a/b.c_d-e"])
def test_a_reference_of_its_own_is_taken(ref: str) -> None:
    """A branch is one too, for forges that take nothing else."""
    assert LedgerSettings(ref=ref).ref == ref

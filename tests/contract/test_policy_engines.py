"""One policy, two engines: the same rules give the same answers, embedded and on an OPA server."""

from __future__ import annotations

import json
import subprocess
from itertools import product
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.opa_server import OpaServer
from reconciler.adapters.rego_embedded import EmbeddedRego
from reconciler.model.action import ActionName
from reconciler.model.verdict import Ownership, PolicyWord
from reconciler.resources import shipped
from tests.policies.opa import opa_program, opa_server
from tests.policies.samples import NEEDED, RESTART, changed, without

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

pytestmark = pytest.mark.real

WRONG: tuple[object, ...] = ("true", None, 0, 1.5, [], {}, [None], "", {"a": 1}, 2**70)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An OPA server of these tests' own, since they change its rules."""
    with opa_server(tmp_path_factory.mktemp("opa")) as address:
        yield address


@pytest.fixture(scope="module")
def engines(url: str) -> tuple[EmbeddedRego, OpaServer]:
    """Both engines over the shipped rules."""
    server = OpaServer(url)
    server.load(shipped("policies"))
    return EmbeddedRego([shipped("policies")]), server


def cells() -> Iterator[dict[str, Any]]:
    """Every action, environment, owner and flag, and every guard."""
    for name, environment, owner in product(ActionName, ("development", "staging", "production"), Ownership):
        facts = changed("action", {"name": name.value, "kind": name.action_class.value, "destructive": False})
        yield changed("environment", environment, changed("ownership.git", owner.value, facts))
    for paused, escalate, approved in product((True, False), repeat=3):
        facts = changed("approved", approved)
        yield changed("flags", {"paused": paused, "escalate": escalate}, facts)
    for guard in RESTART["guards"]:
        yield changed(f"guards.{guard}", not RESTART["guards"][guard])


def broken() -> Iterator[dict[str, Any]]:
    """Every fact missing, and of every wrong type."""
    for path in (*NEEDED, "approved", "settings", "settings.approvers", "settings.attempts_per_day", "history"):
        yield without(path)
        for value in WRONG:
            yield changed(path, value)
    for follow_up in ("revert", "next_remedy", "escalate", "other"):
        for attempts in range(4):
            yield changed("settings.after_failure", follow_up, changed("history.attempts_24h", attempts))
    yield changed("action.name", "revert-change")
    yield {}


@pytest.mark.parametrize("rule", ["decide", "after_failure"])
@pytest.mark.parametrize("facts", ["cells", "broken"])
def test_both_engines_give_the_same_answer(engines: tuple[EmbeddedRego, OpaServer], rule: str, facts: str) -> None:
    """Also to facts that are missing or wrong; even the hash of the rules is the same."""
    embedded, server = (getattr(engine, rule) for engine in engines)
    asked = list(cells() if facts == "cells" else broken())

    differing = []
    for each in asked:
        ours, theirs = embedded(each), server(each)
        if ours.degraded and theirs.degraded:
            continue  # each engine has its own words for its own failure
        if ours != theirs:
            differing.append((each, ours, theirs))

    assert len(asked) > 150
    assert differing == []


def test_doctor_finds_the_rules_on_the_server(engines: tuple[EmbeddedRego, OpaServer]) -> None:
    """A server that holds the rules works."""
    (diagnosis,) = engines[1].examine()

    assert (diagnosis.works, diagnosis.remedy) == (True, "")


YES = '{"verdict": "auto", "code": "mine", "message": "M.", "remedy": "", "approvers": [], "min_approvers": 0}'
NO = YES.replace('"auto"', '"deny"')


@pytest.mark.parametrize(
    "rules",
    [
        f"decision := {YES} if input.approved == false\ndecision := {NO} if input.environment",
        f"default decision := {YES}\ndecision := {NO} if to_number(input.environment) > 1",
        f"decision := {YES} if input.approved",
        YES.replace("auto", "allow").join(("decision := ", "")),
        "other := true",
    ],
    ids=["conflict", "failing builtin", "undefined", "unknown word", "missing rule"],
)
def test_both_engines_close_on_the_same_faults(tmp_path: Path, rules: str) -> None:
    """Invariant 8: conflict, builtin error, undefined, unknown word, missing rule."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "mine.rego").write_text(f"package reconciler.policy\n{rules}\n")
    with opa_server(tmp_path / "opa") as address:
        server = OpaServer(address)
        server.load(folder)
        answers = [EmbeddedRego([folder]).decide(RESTART), server.decide(RESTART)]

    assert [(a.word, a.code, a.degraded) for a in answers] == [(PolicyWord.DENY, "policy_error", True)] * 2


def test_a_server_without_rules_is_a_no(tmp_path: Path) -> None:
    """OPA answers with status 200 and an empty object."""
    with opa_server(tmp_path) as address:
        answer = OpaServer(address).decide(RESTART)

    assert (answer.code, answer.degraded) == ("policy_error", True)
    assert "undefined" in answer.message


def test_the_command_line_of_opa_agrees(tmp_path: Path) -> None:
    """A reviewer may ask `opa eval` and sees what the product sees."""
    (tmp_path / "input.json").write_text(json.dumps(RESTART))
    command = [str(opa_program()), "eval", "--format", "raw", "--data", str(shipped("policies"))]

    done = subprocess.run(
        [*command, "--input", str(tmp_path / "input.json"), "data.reconciler.policy.decision"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert json.loads(done.stdout)["code"] == EmbeddedRego([shipped("policies")]).decide(RESTART).code

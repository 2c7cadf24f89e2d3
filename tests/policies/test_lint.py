"""The shipped rules keep to the language's safe part, and their own tests pass."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from reconciler.resources import shipped
from tests.policies.opa import opa_program

if TYPE_CHECKING:
    from pathlib import Path

POLICIES = shipped("policies")
FILES = sorted(POLICIES.glob("*.rego"))
NOT_RULES = re.compile(r"\s|#|\}|\)|$|package |import |default ")


def heads(file: Path) -> list[str]:
    """Return the rules of a file, each from its head to its end."""
    rules: list[str] = []
    for line in file.read_text().splitlines():
        if not NOT_RULES.match(line):
            rules.append(line)
        elif rules and not line.startswith(("#", "default ")):
            rules[-1] += f"\n{line}"
    return rules


def test_there_are_rules_and_tests() -> None:
    """The lint below looks at something."""
    assert {file.name for file in FILES} >= {"reconciler.rego", "operator.rego", "reconciler_test.rego"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_rule_says_if_or_contains(file: Path) -> None:
    """The embedded engine takes the old syntax and silently means something else by it."""
    rules = heads(file)
    bodies = [rule for rule in rules if re.search(r"\{\s*$", rule.splitlines()[0])]
    old = [
        rule.splitlines()[0] for rule in bodies if not re.search(r"(\bif|:=|contains .*\bif) \{$", rule.splitlines()[0])
    ]
    branches = re.findall(r"^\} else .*(?:\n\t.*)*\n\)(.*)$", file.read_text(), re.MULTILINE)

    assert old == []
    assert all(branch in (" if {", "") for branch in branches)
    assert not any(re.match(r"\w+\[", rule) for rule in rules)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_rules_ask_neither_clock_nor_network_nor_environment(file: Path) -> None:
    """Same input, same decision: whatever a rule needs is in its input."""
    code = "\n".join(line.partition("#")[0] for line in file.read_text().splitlines())

    assert not re.findall(r"\b(?:opa\.runtime|http\.|time\.|rand\.|uuid\.|net\.|io\.jwt)", code)


@pytest.mark.real
@pytest.mark.parametrize(
    "verb", [("check", "--strict"), ("test",), ("fmt", "--fail", "--list")], ids=lambda verb: verb[0]
)
def test_opa_itself_accepts_the_rules(verb: tuple[str, ...]) -> None:
    """Strict check, the rules' own tests and the formatter, as `opa` sees them."""
    done = subprocess.run([opa_program(), *verb, POLICIES], check=False, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (0, ""), done.stdout

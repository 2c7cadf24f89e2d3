"""Variables that Flux fills into what is built: as its own code does, or refused by name."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from reconciler.adapters.rendering_substitution import substituted
from reconciler.errors import Refusal
from reconciler.model.delivery import KustomizeOptions
from reconciler.model.rendering import UNKNOWN

GIVEN = {"name": "web", "count": "3", "empty": "", "folded": "a\nb", "quoted": '"7"'}
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"


def given(**more: Any) -> KustomizeOptions:  # noqa: ANN401 - any option
    """Return options with the variables."""
    return KustomizeOptions(**{"variables": tuple(GIVEN.items())} | more)


def value(text: str, options: KustomizeOptions) -> Any:  # noqa: ANN401 - YAML has no narrower type
    """Return what a ConfigMap's key says afterwards."""
    return yaml.safe_load(substituted(f"{HEAD}data:\n  key: {text}\n".encode(), options))["data"]["key"]


def code(text: str, options: KustomizeOptions) -> str:
    """Return why nothing is filled in."""
    with pytest.raises(Refusal) as refused:
        value(text, options)
    return f"{refused.value.code}: {refused.value.message}"


EXPRESSIONS = {
    "${name}": "web",
    "a-${name}-${count}": "a-web-3",
    "${count}": 3,
    "${quoted}": "7",
    "'${count}'": "3",
    "${missing:=2}": 2,
    "${missing:-two}": "two",
    "${missing=two}": "two",
    "${empty:=two}": "two",
    "x${missing:=}": "x",
    "x${missing}": "x",
    "${missing:=a$$b}": "a$$b",
    "${folded}": "ab",
    "$${name}": "${name}",
    "$$${name}": "$web",
    "$name $": "$name $",
    "a$$b": "a$b",
}


@pytest.mark.parametrize(("text", "expected"), EXPRESSIONS.items())
def test_expressions_give_what_flux_gives(text: str, expected: object) -> None:
    """Defaults for what is missing or empty, escapes, and text that looks like a number is one."""
    assert value(text, given()) == expected


@pytest.mark.parametrize(
    "text",
    [
        "${name^^}",
        "${#name}",
        "${name:0:1}",
        "${name/w/v}",
        "${name%b}",
        "${name:+x}",
        "${name:?x}",
        "${empty-x}",
        "${a:=${b}}",
        "${name",
        "${}",
        "${a.b}",
        "${ä}",
    ],
)
def test_what_is_not_repeated_is_refused_by_name(text: str) -> None:
    """Functions of the shell, expressions in one another, and what Flux itself refuses."""
    said = code(text, given())

    assert said.startswith("rendering.substitution: ")
    assert text[:6] in said


def test_a_value_that_readers_of_yaml_dispute_is_refused() -> None:
    """`yes` is true to some, text to others."""
    assert "reader of YAML" in code("${a}", KustomizeOptions(variables=(("a", "yes"),)))
    assert value("'${a}'", KustomizeOptions(variables=(("a", "yes"),))) == "yes"


def test_a_name_that_flux_refuses_is_refused() -> None:
    """It builds nothing with it."""
    assert "no name" in code("x", KustomizeOptions(variables=(("a-b", "1"),)))


def test_nothing_is_filled_in_without_variables() -> None:
    """Unless the Kustomization says `Always`."""
    assert value("${a:=1}", KustomizeOptions()) == "${a:=1}"
    assert value("${a:=1}", KustomizeOptions(fills_always=True)) == 1


@pytest.mark.parametrize("where", ["labels", "annotations"])
def test_an_object_that_is_switched_off_stays(where: str) -> None:
    """Its neighbours do not."""
    switch = f"  {where}:\n    kustomize.toolkit.fluxcd.io/substitute: disabled\n"
    output = f"{HEAD}{switch}data:\n  key: ${{name}}\n---\n{HEAD}data:\n  key: ${{name}}\n"

    off, on = yaml.safe_load_all(substituted(output.encode(), given()))

    assert (off["data"]["key"], on["data"]["key"]) == ("${name}", "web")


def test_a_variable_that_is_not_known_stands_as_itself() -> None:
    """So that two renderings differ in it only where its expression does; what is given here wins."""
    options = given(variables_from=("ConfigMap vars",))

    one, other = value("${a:=1}", options), value("${a:=2}", options)

    assert one != other
    assert one.startswith(UNKNOWN)
    assert value("${name}", options) == "web"
    assert value("${far^^}", options).startswith(UNKNOWN)


def test_whether_anything_is_filled_in_may_not_be_known_either() -> None:
    """Without a variable of its own, an escape may stay as it is."""
    assert value("a$$b", KustomizeOptions(variables_from=("Secret s",))).count(UNKNOWN) == 2
    assert value("a$$b", given(variables_from=("Secret s",))) == "a$b"

"""A value file takes a key more in its own style, or is refused."""

from __future__ import annotations

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.rendering.own_values import Value, with_values
from reconciler.model.objects import parse_path

LIMIT = Value(("resources", "limits", "memory"), "1Gi")


def written(before: str, *values: Value) -> str:
    """Return the file with the keys."""
    return with_values(before.encode(), values or (LIMIT,), max_bytes=1000, max_changed_lines=20).decode()


@pytest.mark.parametrize(
    ("before", "added"),
    [
        ("other: 1\n", "resources:\n  limits:\n    memory: 1Gi\n"),
        ("other:\n    deep: 1\n", "resources:\n    limits:\n        memory: 1Gi\n"),
        ("resources:\n  limits:\n    cpu: 1  # enough\n", "    memory: 1Gi\n"),
        ("# only words\n", "resources:\n  limits:\n    memory: 1Gi\n"),
        ("# only words", "\nresources:\n  limits:\n    memory: 1Gi\n"),
        ("", "resources:\n  limits:\n    memory: 1Gi\n"),
        ("\ufeffother: 1\n", "resources:\n  limits:\n    memory: 1Gi\n"),
    ],
)
def test_key_comes_last_with_the_parents_that_are_missing(before: str, added: str) -> None:
    """Every old line stays."""
    assert written(before) == before + added


def test_several_keys_are_entered_together() -> None:
    """One parent holds both."""
    request = Value(("resources", "requests", "memory"), "1Gi")

    assert written("", LIMIT, request) == "resources:\n  limits:\n    memory: 1Gi\n  requests:\n    memory: 1Gi\n"


def test_what_only_looks_like_a_number_is_quoted() -> None:
    """A tag is text."""
    assert written("a: 1\n", Value(("image", "tag"), "1.10")) == 'a: 1\nimage:\n  tag: "1.10"\n'


@pytest.mark.parametrize(
    "before",
    [
        "resources:\n  limits:\n    memory: 512Mi\n",
        "resources: x\n",
        "resources: &r {limits: {cpu: 1}}\n",
        "- a\n",
        "a: 1\n---\nb: 2\n",
        "a: {{ .x }}\n",
        "---\n# words\n",
        "null\n",
        "sops: {mac: x}\na: 1\n",
    ],
)
def test_file_that_says_it_already_or_cannot_take_it_is_refused(before: str) -> None:
    """Nothing is overwritten, and nothing guessed."""
    with pytest.raises(Refusal):
        written(before)


@pytest.mark.parametrize(
    "values", [[Value(parse_path("env[name=A].value"), "1")], [Value(("a",), "1"), Value(("a", "b"), "2")]]
)
def test_lists_and_contradictions_are_refused(values: list[Value]) -> None:
    """Helm would replace the whole list; a key cannot be a value and hold others."""
    for before in ("", "x: 1\n"):
        with pytest.raises(Refusal):
            written(before, *values)

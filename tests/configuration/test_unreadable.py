"""A file that is not ours to read: syntax, monsters and other encodings are one sentence each."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.configuration import load
from reconciler.errors import ConfigurationError
from tests.configuration.files import MINIMAL, mistakes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("guards: [\n", "reconciler.yaml:10:1: "),
        ("guards: {cooldown: *fast}\n", "reconciler.yaml:9:20: aliases are not supported"),
        ("guards: " + "[" * 40 + "]" * 40, "reconciler.yaml:9:24: nested more than 16 levels deep"),
        ("guards: !!python/object:os.system {}\n", "reconciler.yaml:9:9: tags are not supported"),
        ("cluster: {name: !!timestamp x}\n", "reconciler.yaml:9:17: tags are not supported"),
        ("cluster: {name: 2026-13-45}\n", "reconciler.yaml:9:17: not a value; put it in quotes"),
        ("---\nmetrics: {}\n", "expected a single document in the stream, but found another document"),
        ("? [a]\n: 1\n", "reconciler.yaml:9:3: a key must be a word"),
        ("\tguards: {}\n", "reconciler.yaml:9:1: YAML is indented with spaces, and here is a tab"),
        ("cluster: \x07\n", "control characters are not allowed"),
    ],
)
def test_what_is_not_our_yaml_is_refused_with_its_place(file: Path, text: str, expected: str) -> None:
    """Syntax errors, monsters and tags are one sentence each."""
    assert expected in mistakes(file, text)


@pytest.mark.parametrize("depth", [1000, 100_000])
def test_a_monster_of_a_file_does_no_harm(file: Path, depth: int) -> None:
    """Depth is judged before anything recurses."""
    assert "nested" in mistakes(file, "guards: " + "[" * depth)


@given(text=st.text(st.sampled_from("abgu:- \n[]{}#&*!|>?'\"\\%@<=,0129\t\x00é\u2028"), max_size=40))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_brings_the_reading_down(file: Path, text: str) -> None:
    """Whatever stands in the file, the answer is settings or one error of ours."""
    file.write_text(MINIMAL + text, encoding="utf-8")
    repository = "ana/shop"
    with suppress(ConfigurationError):
        repository = load(file, {}).forge.repository

    assert repository == "ana/shop"


@pytest.mark.parametrize("content", [b"- a\n", b"text", b"# \xff\n", b"#" * 300_000])
def test_a_file_that_cannot_be_a_configuration_is_refused(file: Path, content: bytes) -> None:
    """A list, a text, other encodings and huge files end in one sentence."""
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load(file, {})

    assert str(file) in caught.value.message


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    """What cannot be opened is said so."""
    with pytest.raises(ConfigurationError, match=r"configuration\.unreadable"):
        load(tmp_path, {})


def test_a_byte_order_mark_does_not_move_the_places(file: Path) -> None:
    """Some editors write one."""
    file.write_text("nonsense: 1\n" + MINIMAL, encoding="utf-8-sig")
    with pytest.raises(ConfigurationError, match=r":1:1: nonsense is unknown"):
        load(file, {})

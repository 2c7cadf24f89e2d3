"""Plain tokens mean one thing under YAML 1.1 and 1.2 alike, or they are quoted."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifests.editing.scalars import ScalarType, plain_type, writable, write_scalar

T = ScalarType
TAGS = {T.STRING: "str", T.INTEGER: "int", T.FLOAT: "float", T.BOOLEAN: "bool", T.NULL: "null"}
TOKENISH = st.text(st.sampled_from("0123456789abefinoxyNTZ.+-_:~=<>e# ,{}[]&*!|'\"%@`/\\?é"), max_size=8)


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        *((t, T.STRING) for t in ("512Mi", "1Gi", "quiet", "nginx:1.2@sha256:ab", "v1", "1.2.3", "http")),
        *((t, T.INTEGER) for t in ("0", "3", "-1", "8080")),
        *((t, T.FLOAT) for t in ("1.5", "-0.25", "1.10")),
        *((t, T.BOOLEAN) for t in ("true", "False", "TRUE")),
        *((t, T.NULL) for t in ("", "~", "null", "NULL")),
        *((t, T.DISPUTED) for t in ("yes", "On", "off", "y", "N", "0777", "0o17", "1:30", "1e3", "0x1F", "+1")),
        *((t, T.DISPUTED) for t in ("1_000", ".5", "1.", ".inf", "-.INF", ".nan", "2026-03-01", "=", "<<", "-0")),
        *((t, T.DISPUTED) for t in ("1234567890123456789",)),
    ],
)
def test_plain_tokens_have_the_type_that_both_versions_see(token: str, kind: ScalarType) -> None:
    """Where the versions of YAML disagree, the token is disputed and never written plain."""
    assert plain_type(token) is kind


@pytest.mark.parametrize(
    "value",
    [
        *("", " a", "a ", "- a", "-a", "a: b", "a #b", "a:", "#a", "&a", "*a", "!a", "|", ">", "'a", '"a', "%a", "@a"),
        *("`a", "?", "{a}", "[a]", "a, b", "yes", "null", "1", "1.5", "true", "0777", "1e3", "2026-03-01", "=", "<<"),
        *("---", "...", "é"),
    ],
)
def test_strings_that_could_mean_more_are_quoted(value: str) -> None:
    """Numbers, words with a meaning and indicators keep to being strings."""
    token, style = write_scalar(value, T.STRING, None)

    assert style == '"'
    assert yaml.safe_load(f"a: {token}") == {"a": value}


@given(TOKENISH)
def test_written_values_read_back(value: str) -> None:
    """Invariant 5: whatever the style, a written string reads back as itself, in block and in flow context."""
    for style in (None, "'", '"'):
        token, _ = write_scalar(value, T.STRING, style)

        assert yaml.safe_load(f"a: {token}\n") == {"a": value}
        assert yaml.safe_load(f"{{a: {token}, b: [{token}]}}") == {"a": value, "b": [value]}


@given(TOKENISH)
def test_types_agree_with_a_reader_of_yaml_11(token: str) -> None:
    """What we call a string, number or boolean is one to PyYAML too."""
    kind = plain_type(token)
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers.get(token[:1], [])
    resolved = next((tag for tag, pattern in resolvers if pattern.match(token)), "tag:yaml.org,2002:str")

    assert kind is T.DISPUTED or resolved == f"tag:yaml.org,2002:{TAGS[kind]}"


@pytest.mark.parametrize(
    ("value", "expected"), [("1Gi", True), ("a b", True), ("é", True), ("a\tb", False), ("\ufeff", False)]
)
def test_only_visible_values_are_writable(value: str, expected: bool) -> None:  # noqa: FBT001 - a table of answers
    """Control and invisible characters are not written."""
    assert writable(value) is expected

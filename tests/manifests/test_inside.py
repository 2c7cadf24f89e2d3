"""Keys in texts that fields hold: one line of a literal block, read again on both levels."""

from __future__ import annotations

import pytest

from reconciler.manifests.editing.edit import read_document
from reconciler.model.action import FieldChange
from reconciler.model.objects import format_path, parse_path
from tests.manifests.test_insert import code, edited, first

TEXT = """\
data:
  app.yaml: |
    # log: {level: debug}
    log:
      level: 'info'  # quiet

    port: 80
  app.json: |-
      {"log": {"level": "info", "depth": 3},
       "tls": true}
  app.properties: |
    # log.level=debug
    log.level=info
    greeting = hello world
    path: C:\\\\x
    long = a \\
      b
    empty=
  app.ini: |
    level = none
    [server]
    port = 80
    [client]
    port = 81
    name = x ; y
    host = a
      b = c
  prod.env: |
    LEVEL=info
    export PORT=80
    NAME="x y"
    PASS=a$b
    GONE: 1
  twice.properties: |
    a=1
    a=2
  folded.yaml: >
    level: info
  quoted.yaml: "level: info"
  broken.json: |
    {level: info}
  list.yaml: |
    - level
  open.env: |
    KEY="one
    LEVEL=info
    two"
  notes.txt: |
    level = info
  plain: info
"""


def inside(path: str, before: str | None, after: str | None) -> FieldChange:
    """Return a change of a key in one of the texts."""
    return FieldChange(path=parse_path(f"data.{path}"), before=before, after=after)


@pytest.mark.parametrize(
    ("change", "old", "new"),
    [
        (inside('"app.yaml"{log}{level}', "info", "warn"), "level: 'info'  #", "level: 'warn'  #"),
        (inside('"app.yaml"{port}', "80", "81"), "    port: 80\n  app.json", "    port: 81\n  app.json"),
        (inside('"app.json"{log}{level}', "info", 'a "b"'), '"level": "info",', '"level": "a \\"b\\"",'),
        (inside('"app.json"{tls}', "true", "false"), '"tls": true}', '"tls": false}'),
        (inside('"app.properties"{log.level}', "info", "warn"), "    log.level=info", "    log.level=warn"),
        (inside('"app.properties"{greeting}', "hello world", "bye all"), "= hello world", "= bye all"),
        (inside('"app.ini"{client}{port}', "81", "82"), "port = 81", "port = 82"),
        (inside('"app.ini"{level}', "none", "all"), "level = none", "level = all"),
        (inside('"prod.env"{LEVEL}', "info", "warn"), "LEVEL=info\n    export", "LEVEL=warn\n    export"),
        (inside('"prod.env"{PORT}', "80", "81"), "export PORT=80", "export PORT=81"),
        (inside('"prod.env"{NAME}', "x y", "y z"), 'NAME="x y"', 'NAME="y z"'),
    ],
)
def test_a_key_of_a_text_changes_on_its_line(change: FieldChange, old: str, new: str) -> None:
    """Invariant 5: one line of the block; the file and the text say otherwise what they said."""
    assert TEXT.count(old) == 1
    assert edited(TEXT, change) == TEXT.replace(old, new)
    assert edited(TEXT.replace("\n", "\r\n"), change) == TEXT.replace(old, new).replace("\n", "\r\n")


def test_several_keys_of_a_text_change_together() -> None:
    """With each other and with fields outside."""
    changes = [
        inside('"app.yaml"{port}', "80", "81"),
        inside("plain", "info", "warn"),
        inside('"app.yaml"{log}{level}', "info", "warn"),
        inside("new", None, "x"),
    ]

    after = edited(TEXT, *changes)

    expected = TEXT.replace("level: 'info'", "level: 'warn'").replace("port: 80\n  app.json", "port: 81\n  app.json")
    assert after == expected.replace("plain: info\n", "plain: warn\n  new: x\n")


def test_keys_of_texts_are_read() -> None:
    """By the rules of an edit; what the text does not have is absent."""
    paths = ['"app.yaml"{log}{level}', '"app.json"{log}{depth}', '"prod.env"{NAME}', '"app.ini"{server}{port}']
    missing = ['"app.yaml"{x}', '"app.yaml"{port}{x}', '"prod.env"{X}', '"other.yaml"{x}']

    values = read_document(TEXT.encode(), first, [parse_path(f"data.{p}") for p in paths + missing], max_bytes=9999)

    assert values == ("info", "3", "x y", "80", None, None, None, None)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (inside('"app.yaml"{port}', "8080", "81"), "stale"),
        (inside('"app.yaml"{port}', "80", "many"), "type_change"),
        (inside('"app.yaml"{log}', "80", "81"), "not_scalar"),
        (inside('"app.yaml"{nope}', "80", "81"), "missing_field"),
        (inside('"nope.yaml"{port}', "80", "81"), "missing_field"),
        (inside('"app.yaml"{nope}', None, "81"), "inner_missing"),
        (inside('"app.yaml"{port}', "80", None), "inner_missing"),
        (inside('"app.yaml"{port}', "80", "8\n1"), "unprintable_value"),
        (inside('"app.json"{tls}', "true", "True"), "inner_format"),
        (inside('"app.properties"{nope}', "info", "warn"), "missing_field"),
        (inside('"app.properties"{log.level}', "info", " "), "inner_value"),
        (inside('"app.properties"{log.level}', "info", "a\\b"), "inner_value"),
        (inside('"app.properties"{path}', "C:\\\\x", "y"), "inner_value"),
        (inside('"app.properties"{long}', "a \\", "y"), "inner_value"),
        (inside('"app.properties"{empty}', "", "y"), "inner_value"),
        (inside('"app.ini"{port}', "80", "81"), "inner_ambiguous"),
        (inside('"app.ini"{name}', "x ; y", "z"), "inner_value"),
        (inside('"app.ini"{host}', "a", "z"), "inner_value"),
        (inside('"prod.env"{LEVEL}', "info", "a b"), "inner_value"),
        (inside('"prod.env"{LEVEL}', "info", "$HOME"), "inner_value"),
        (inside('"prod.env"{NAME}', "x y", '"'), "inner_value"),
        (inside('"prod.env"{PASS}', "a$b", "c"), "inner_value"),
        (inside('"prod.env"{GONE}', "1", "2"), "inner_value"),
        (inside('"twice.properties"{a}', "1", "3"), "inner_ambiguous"),
        (inside('"folded.yaml"{level}', "info", "warn"), "inner_style"),
        (inside('"quoted.yaml"{level}', "info", "warn"), "inner_style"),
        (inside("plain{level}", "info", "warn"), "inner_style"),
        (inside('"broken.json"{level}', "info", "warn"), "inner_format"),
        (inside('"list.yaml"{level}', "info", "warn"), "inner_format"),
        (inside('"open.env"{LEVEL}', "info", "warn"), "inner_value"),
        (inside('"notes.txt"{level}', "info", "warn"), "inner_format"),
        (inside('"app.yaml"{port}.x', "80", "81"), "inner_style"),
    ],
)
def test_a_text_in_doubt_is_refused(change: FieldChange, why: str) -> None:
    """Invariant 5: what some reader of the text could take otherwise is edited by hand."""
    assert code(TEXT, (format_path(change.path), change.before, change.after)) == why


def test_two_changes_of_one_key_are_refused() -> None:
    """Nobody could say which of them counts."""
    key = 'data."app.yaml"{port}'

    assert code(TEXT, (key, "80", "81"), (key, "80", "82")) == "duplicate_change"

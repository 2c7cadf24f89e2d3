"""Listings and reports: the same blocks drawn on a terminal, plain in a pipe, and as data."""

from __future__ import annotations

import json

import pytest
import yaml

from reconciler.report.blocks import Block, Card, Column, Diff, Node, Row, Section, Styled, Table, Told
from reconciler.report.terminal import Format, may_colour, print_data, print_rows, show
from reconciler.report.written import written
from tests.report.screen import on_a_terminal

ROWS: list[Row] = [
    {"name": "a", "what": "\x1b[2J\u202eevil", "works": True},
    {"name": "long-name", "what": "two\nlines", "works": False},
]
COLUMNS = (
    Column("NAME", lambda r: r["name"], whole=True),
    Column("WHAT", lambda r: r["what"]),
    Column("STATE", lambda r: "works" if r["works"] else "missing", lambda r: "good" if r["works"] else "bad"),
)
_DRAW = [
    "-c",
    "from tests.report.test_terminal import *; print_rows(ROWS, COLUMNS, Format.TABLE, empty='none')",
]


def test_a_pipe_gets_one_padded_row_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """No borders, no escapes, no trailing blanks."""
    print_rows(ROWS, COLUMNS, Format.TABLE, empty="none")

    assert capsys.readouterr().out == (
        "NAME       WHAT       STATE\na          �[2J�evil  works\nlong-name  two lines  missing\n"
    )


def test_data_is_whole_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON escapes what a terminal would obey."""
    print_rows(ROWS, COLUMNS, Format.JSON, empty="none")

    out = capsys.readouterr().out
    assert "\\u202e" in out
    assert out.isascii()


def test_an_empty_listing_is_a_sentence_or_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    """A person reads words, a program a list."""
    print_rows([], COLUMNS, Format.TABLE, empty="nothing here")
    print_rows([], COLUMNS, Format.JSON, empty="nothing here")

    assert capsys.readouterr().out == "nothing here\n[]\n"


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)])
def test_a_terminal_gets_a_drawn_table(environ: dict[str, str], *, coloured: bool) -> None:
    """Colours on a terminal unless NO_COLOR is set to something, and never the escapes of a foreign value."""
    shown = on_a_terminal(_DRAW, **environ)

    assert ("\x1b[32mworks" in shown) is coloured
    assert "─────" in shown
    assert "\x1b[2J" not in shown
    assert "�[2J�evil" in shown


def test_a_dumb_terminal_gets_plain_text() -> None:
    """TERM=dumb (an editor's shell, a build log) is read like a pipe."""
    shown = on_a_terminal(_DRAW, TERM="dumb")

    assert shown.splitlines()[0] == "NAME       WHAT       STATE"
    assert "\x1b" not in shown


def test_force_color_draws_into_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """For `reconciler status | less -R`; NO_COLOR then still takes the colours."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")

    print_rows(ROWS, COLUMNS, Format.TABLE, empty="none")
    coloured = capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    print_rows(ROWS, COLUMNS, Format.TABLE, empty="none")
    drawn = capsys.readouterr().out

    assert "\x1b[31mmissing" in coloured
    assert "─────" in drawn
    assert "\x1b[31m" not in drawn


@pytest.mark.parametrize(
    ("environ", "answer"),
    [
        ({}, None),
        ({"NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_the_environment_decides_on_colours(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], *, answer: bool | None
) -> None:
    """No colours wins over colours; nothing said means on a terminal alone."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    assert may_colour() is answer


def test_every_block_has_its_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Indented by what it belongs to; a diff alone stands at the margin, so that `patch` can read it."""
    diff = Diff("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-old\n+new")
    blocks: list[Block] = [
        Card("op-1", (Styled("it is broken", "head"), "and why"), footer="open", style="warn"),
        Section(
            "Evidence", (Node(("a ", Styled("fact", "good")), ("its figures", Node("deep", ("deeper",), step=3))),)
        ),
        Node("action", (Node("proposal", (diff,)),)),
        Told("done", "good", "it is mended", below=("remedy: none",)),
        Table((Column("", lambda r: r["name"]),), ROWS, titles=False, dot=lambda _: "good"),
        "",
        "the end\nof it",
    ]

    show(blocks)

    out = capsys.readouterr().out
    assert out == "".join(f"{line}\n" for line in written(blocks))
    assert out.splitlines() == [
        *(
            "op-1  it is broken",
            "  and why",
            "",
            "Evidence",
            "  a fact",
            "    its figures",
            "    deep",
            "       deeper",
        ),
        *("action", "  proposal", "", "--- a/f", "+++ b/f", "@@ -1 +1 @@", "-old", "+new"),
        *("done     it is mended", "         remedy: none", "a", "long-name", "", "the end of it"),
    ]


def test_values_one_after_the_other_are_read_back_as_several(capsys: pytest.CaptureFixture[str]) -> None:
    """A loop writes a pass after the other: a line of JSON each, or a document of YAML each, none over another."""
    passes = [{"sentence": "nothing to do", "lines": []}, {"sentence": "opened pull request 1", "lines": ["a", "b"]}]
    for form in (Format.JSON, Format.YAML):
        for made in passes:
            print_data(made, form, compact=True)
        written_out = capsys.readouterr().out
        lines = map(json.loads, written_out.splitlines()) if form is Format.JSON else yaml.safe_load_all(written_out)

        assert list(lines) == passes

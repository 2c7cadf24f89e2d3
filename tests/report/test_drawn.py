"""What a person sees on a terminal: it fits, it says what the plain text says, and foreign text repaints nothing."""

from __future__ import annotations

import io
from datetime import timedelta
from itertools import pairwise

import pytest

from reconciler.model.check import Check, CheckStatus
from reconciler.model.codec import encode
from reconciler.model.operation import EventKind
from reconciler.report.blocks import Block, Card, Column, Diff, Node, Section, Styled, Table, Told
from reconciler.report.drawn import draw
from reconciler.report.passes import pass_blocks, plan_blocks
from reconciler.report.standing import operation_columns, operation_row, phase_style
from reconciler.report.story import story
from reconciler.report.written import written
from tests.cli.desk import awaiting_approval
from tests.report.screen import drawn, uncoloured
from tests.report.test_passes import plan, report
from tests.worlds import NOW, Story

_EVIL = "[red]ana[/]\x1b[2J\x9b31m\u202egnp :bomb:"


def told_story() -> Story:
    """Return an operation from its evidence to its end."""
    check = Check(name="webapp is ready", expected="3 pods", actual="3 pods", status=CheckStatus.PASSED)
    whole = awaiting_approval().live()
    whole.add(EventKind.CHECKED, clean=True, checks=[encode(check)])
    return whole.add(EventKind.OPERATION_CLOSED, outcome="verified", reason="1 check passed")


def words(lines: list[str]) -> set[str]:
    """Return the words of a text without the signs of a drawing."""
    return {word for line in lines for word in line.translate({ord(c): " " for c in "│├└─╭╮╰╯●✓✗…·?"}).split()}


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_story_fits_the_terminal_and_loses_nothing(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Every word of the plain text is drawn, and no line is wider than the terminal."""
    whole = told_story()
    blocks = list(story(whole.operation, whole.events, NOW))

    lines = uncoloured(drawn(monkeypatch, blocks, width))

    assert max(map(len, lines)) <= width
    missing = words(list(written(blocks))) - words(lines)
    assert {word for word in missing if len(word) < width // 3} == set()


def test_a_story_is_headed_by_how_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The card says what it is about and what came of it, before anybody scrolls."""
    whole = told_story()

    lines = uncoloured(drawn(monkeypatch, story(whole.operation, whole.events, NOW)))

    assert lines[0].startswith("╭─ op-1 ──")
    assert lines[1].startswith("│ webapp: container web is OOMKilled at its memory limit 512Mi")
    assert next(line for line in lines if line.startswith("╰")).startswith("╰─ verified after 11s: 1 check passed ─")
    assert lines.index("Evidence") < lines.index("Timeline (UTC)")


@pytest.mark.parametrize("width", [80, 120])
def test_a_listing_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Ids stay whole; where columns have no room side by side, some stand under others."""
    operations = [awaiting_approval().operation, Story().pull_request_opened().operation]
    rows = [{**operation_row(o, NOW), "id": f"op-20260301-11500{n}-001"} for n, o in enumerate(operations)]
    table = Table(operation_columns(NOW), rows, dot=phase_style)

    lines = uncoloured(drawn(monkeypatch, [table], width))

    assert max(map(len, lines)) <= width
    for row in rows:
        assert any(row["id"] in line for line in lines)
    under = [below for line, below in pairwise(lines) if rows[0]["id"] in line]
    assert under[0].split()[0] == "awaiting_approval"


def test_columns_stand_side_by_side_where_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wide terminal gets one line a row."""
    row = operation_row(Story().pull_request_opened().operation, NOW)

    lines = uncoloured(drawn(monkeypatch, [Table(operation_columns(NOW), [row])], 160))

    assert lines[0].split() == ["ID", "TARGET", "PHASE", "WAITS", "FOR", "/", "OUTCOME", "PR", "AGE"]
    assert len(lines) == 3
    assert lines[2].split()[:4] == ["op-1", "Deployment", "production/webapp", "awaiting_git_pr"]


@pytest.mark.parametrize("width", [1, 10, 30])
def test_a_terminal_too_narrow_for_anything_breaks_nothing(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Somebody drags the window small: it is ugly and goes on."""
    rows = [operation_row(told_story().operation, NOW)]

    shown = drawn(monkeypatch, [Table(operation_columns(NOW), rows, dot=phase_style), *plan_blocks(plan())], width)

    assert max(map(len, uncoloured(shown))) <= max(width, 20)


def test_a_diff_stands_on_coloured_ground_with_the_changed_word_brighter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red ground for what goes, green for what comes, and the whole value marked."""
    shown = drawn(
        monkeypatch, [Diff("--- a/f\n+++ b/f.yaml\n@@ -1,2 +1,2 @@\n limits:\n-  memory: 512Mi\n+  memory: 1Gi")]
    )

    assert "\x1b[1;38;2;255;255;255;48;2;140;29;34m512Mi\x1b[0m" in shown
    assert "\x1b[1;38;2;255;255;255;48;2;26;107;51m1Gi\x1b[0m" in shown
    lines = uncoloured(shown)
    assert lines[0].startswith("╭─ f.yaml ─")
    assert lines[3].startswith("│ -  memory: 512Mi")


def test_lines_that_change_together_are_compared_in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first removed line with the first added one; runs of unlike length are not compared."""
    paired = drawn(monkeypatch, [Diff("@@ -1 +1 @@\n-a: 1\n-b: 2\n+a: 3\n+b: 4")])
    unlike = drawn(monkeypatch, [Diff("@@ -1 +1 @@\n-a: 1\n+a: 3\n+b: 4")])

    assert [f"m{value}\x1b" in paired for value in "1234"] == [True] * 4
    assert "48;2;26;107;51m" not in unlike


def test_a_plan_is_a_tree_with_its_diff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finding, verdicts, the pull request and what it would change hang together."""
    lines = uncoloured(drawn(monkeypatch, plan_blocks(plan())))

    assert lines[0] == "Deployment production/webapp  webapp: container web is OOMKilled at its memory"
    assert "├── would ask  restart Deployment production/webapp  (imperative, low risk)" in lines
    assert "└── would do  webapp: memory limit 512Mi → 1Gi  (declarative, medium risk)" in lines
    assert any("╭─ apps/webapp.yaml ─" in line for line in lines)
    assert lines[-2:] == ["1 finding; 1 pull request and no direct actions would follow; nothing was", "touched"]


def test_news_of_a_pass_has_a_symbol_and_hangs_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done, failed, waits and is unknown can be told apart without reading, and without colours."""
    lines = uncoloured(drawn(monkeypatch, pass_blocks(report()), 50))

    assert [line[0] for line in lines] == ["✓", "✗", "…", *"? ? ?  "]
    assert lines[5].startswith("? unknown  alertmanager: timed out")
    assert lines[6].startswith("           ")
    assert lines[-1] == "           remedy: grant it"


def test_foreign_text_is_never_parsed_and_never_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Markup, emoji codes, escapes and bidirectional marks of others show as what they are, in every block."""
    column = Column(_EVIL, lambda r: r["name"])
    blocks: list[Block] = [
        _EVIL,
        Styled(_EVIL, "good"),
        Told("done", "good", _EVIL, below=(_EVIL,)),
        Node(_EVIL, (_EVIL, Node(_EVIL))),
        Section(_EVIL, (_EVIL,)),
        Card(_EVIL, (_EVIL,), footer=_EVIL),
        Diff(f"--- a/{_EVIL}\n+++ b/{_EVIL}\n@@ -1 +1 @@\n-{_EVIL}\n+{_EVIL}x"),
        Table((column,), [{"name": _EVIL}]),
    ]

    shown = drawn(monkeypatch, blocks)

    plain = "\n".join(uncoloured(shown))
    assert not set(plain) & {"\x1b", "\x9b", "\u202e"}
    assert plain.count("[red]ana[/]�[2J�31m�gnp :bomb:") >= 15


def test_a_terminal_without_unicode_gets_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Symbols and frames have plainer stand-ins where the encoding lacks them."""
    monkeypatch.setenv("COLUMNS", "80")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    draw(
        [Told("done", "good", "it"), Table((Column("A", lambda r: r["a"]),), [{"a": "b"}], dot=lambda _: "good")],
        stream,
    )
    stream.flush()

    text = stream.buffer.getvalue().decode()
    assert "+" in text
    assert "*" in text
    assert "?" not in text


def test_the_timeline_shows_times_and_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event with its moment and how long after the one before."""
    whole = Story().add(EventKind.ESCALATED, after=timedelta(minutes=3), reason="look")

    lines = uncoloured(drawn(monkeypatch, story(whole.operation, whole.events, NOW)))

    last = next(line for line in lines if "handed op-1" in line)
    assert last.split()[:4] == ["●", "2026-03-01", "11:53:01", "+3m"]

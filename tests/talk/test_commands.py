"""What is a command, and what only looks like one."""

from __future__ import annotations

import time

import pytest

from reconciler.talk.commands import Order, order_in


@pytest.mark.parametrize(
    ("body", "order"),
    [
        ("/reconciler hold", Order("hold")),
        ("/reconciler  explain   op-1", Order("explain", "op-1")),
        ("I looked at it.\n\n/reconciler retry\r\nthanks", Order("retry")),
        ("```\n/reconciler stop\n```\n/reconciler resume", Order("resume")),
        ("````\n```\n/reconciler stop\n```\n````\n/reconciler resume", Order("resume")),
        ("<!-- /reconciler stop -->\n/reconciler hold", Order("hold")),
    ],
)
def test_command_is_the_line_that_begins_with_our_name(body: str, order: Order) -> None:
    """Words around it do not matter, and what stands in code or in a hidden comment is none."""
    assert order_in(body) == order


@pytest.mark.parametrize(
    "body",
    [
        "",
        "please /reconciler stop",
        "> /reconciler stop",
        "    /reconciler stop",
        "`/reconciler stop`",
        "```\n/reconciler stop\n```",
        "~~~sh\n/reconciler stop\n~~~",
        "```\n/reconciler stop",
        "```\n``` not an end\n/reconciler stop",
        "<!--\n/reconciler stop\n-->",
        "<!--\n/reconciler stop",
        "<?x\n/reconciler stop\n?>",
        "<![CDATA[\n/reconciler stop\n]]>",
        "<!DOCTYPE\n/reconciler stop\n>",
        "<pre>\n/reconciler stop\n</pre>",
        "<CODE class='x'>\n/reconciler stop",
        "/reconcilers stop",
        "/reconciler-stop",
    ],
)
def test_what_is_shown_quoted_or_hidden_is_no_command(body: str) -> None:
    """Nobody is obeyed for something that they only show, or did not see."""
    assert order_in(body) is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("/reconciler hold\n/reconciler resume", "several commands"),
        ("/reconciler", "names no command"),
        ("/reconciler merge", "no such command"),
        ("/reconciler HOLD", "no such command"),
        ("/reconciler hold the door", "one argument"),
    ],
)
def test_what_is_not_understood_is_said(body: str, why: str) -> None:
    """Nothing is guessed: who meant something is told why it was not done."""
    order = order_in(body)

    assert order is not None
    assert why in order.problem


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_quoted_line_is_one_line_whatever_a_stranger_put_into_it(mark: str) -> None:
    """A writer who quotes it does not say what stands behind a mark that only Python takes for a line's end."""
    assert order_in(f"> looks good{mark}/reconciler stop\n\nNo, it does not.") is None


@pytest.mark.parametrize("piece", ["<!--", "<?", "<![CDATA[", "<!a", "\n<pre>", "\n```\n", "\n/reconciler "])
def test_no_comment_takes_long_to_read(piece: str) -> None:
    """A forge takes 65,536 characters; reading them is work in proportion, whatever they are."""
    began = time.process_time()
    order_in((piece * 65_536)[:65_536])

    assert time.process_time() - began < 0.5

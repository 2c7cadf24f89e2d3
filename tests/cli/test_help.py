"""Help teaches: every command has examples, and every example is one that the parser takes."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from reconciler.cli.app import cli
from reconciler.cli.teaching import Taught

if TYPE_CHECKING:
    from collections.abc import Iterator


DOCS = Path(__file__).parents[2] / "docs"
_ROOM = 80 - len("  completion  ") - 1  # beside the longest name, on a narrow terminal


def commands(group: click.Group = cli, path: str = "reconciler") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its path."""
    yield path, group
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


@pytest.mark.parametrize(("path", "command"), list(commands()))
def test_every_command_has_examples_that_parse(path: str, command: click.Command) -> None:
    """An example with a typing error would teach it."""
    assert isinstance(command, Taught)
    assert command.examples, path
    for example in command.examples:
        words = shlex.split(example.split(" | ")[0].split(" > ")[0].split("   ")[0])
        assert words.pop(0) == "reconciler"
        parse(cli, words)


def parse(command: click.Command, words: list[str]) -> None:
    """Let the parser take the words, down to the last command; nothing is run."""
    with command.make_context(command.name, list(words)) as context:
        if isinstance(command, click.Group):
            rest = [*context._protected_args, *context.args]
            name, found, left = command.resolve_command(context, rest)
            assert name
            assert found is not None
            parse(found, left)


@pytest.mark.parametrize(("path", "command"), list(commands()))
def test_every_command_says_what_it_does_in_one_line(path: str, command: click.Command) -> None:
    """The list of commands shows whole sentences, never cut."""
    assert command.get_short_help_str(_ROOM).endswith((".", "line")), path
    assert "..." not in command.get_short_help_str(_ROOM)


def test_commands_are_listed_in_the_order_of_a_first_day() -> None:
    """The demonstration comes first, the shell's comfort last."""
    names = list(cli.list_commands(click.Context(cli)))

    assert names == [
        *("demo", "init", "doctor", "plan", "run", "status", "explain", "approve", "reject", "audit", "completion")
    ]


def test_the_reference_page_is_fresh() -> None:
    """A change of a command comes with its page: `python docs/generate_cli.py` writes it."""
    command = [sys.executable, str(DOCS / "generate_cli.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")

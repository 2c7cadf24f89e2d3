"""Help that teaches: every command shows how it is used, and the root lists commands in the order of a first day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


class Taught(click.Command):
    """A command with examples below its options; a test runs the parser over each of them."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are typed, never wrapped."""
        _ = ctx
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")


class TaughtGroup(Taught, click.Group):
    """A group that lists its commands in the order in which they were added."""

    command_class = Taught

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in that order."""
        _ = ctx
        return list(self.commands)

#!/usr/bin/env python3
"""Write `docs/reference/cli.md` from the commands' own help: `python docs/generate_cli.py [--check]`.

With --check nothing is written; the exit code says whether the page is fresh.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.app import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent / "reference" / "cli.md"
_WIDTH = 100
_HEADING = """\
<!-- Written by docs/generate_cli.py from `reconciler --help`; change it in reconciler/cli/. -->

# Command line

Results go to standard output, everything else to standard error: errors, warnings, and on a terminal a line that says
what is waited for and is gone when the result comes. With `--output json` or `--output yaml` results are data.

On a terminal results are drawn: tables that fit its width, trees, coloured diffs. In a pipe or a file they are plain
text, one row a line, without colours and borders. Variables of the environment decide otherwise where they are set and
not empty:

| variable | what for |
|---|---|
| `NO_COLOR` | draw without colours |
| `FORCE_COLOR` | draw, and in colours, into a pipe too: `FORCE_COLOR=1 reconciler status \\| less -R` |
| `TERM=dumb` | plain text on a terminal too |
| `COLUMNS` | the width of a drawing |

Ctrl-C ends what only reads at once, and a pass that acts at a safe point. What a command ends with is listed in
[exit codes](exit-codes.md). Shells complete commands, options and operation ids: `reconciler completion --help`.
"""


def page() -> str:
    """Return the page: one section a command, as its help reads."""
    root = click.Context(cli, info_name="reconciler", help_option_names=["-h", "--help"], **_wide())
    return "\n".join([_HEADING, *_sections(cli, root)])


def _wide() -> dict[str, Any]:
    """Return the same width for all, whatever terminal this runs in."""
    return {"terminal_width": _WIDTH, "max_content_width": _WIDTH}


def _sections(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## {context.command_path}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.commands[name]
            yield from _sections(below, click.Context(below, info_name=name, parent=context, **_wide()))


def main(*arguments: str) -> int:
    """Write the page, or with --check say that it is stale."""
    text = page()
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if "--check" in arguments:
        sys.stderr.write(f"{PAGE.name} is stale: run `python docs/generate_cli.py`\n")
        return 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

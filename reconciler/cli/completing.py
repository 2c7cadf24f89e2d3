"""What a shell offers where an operation's id is expected.

It runs while somebody types: no configuration is validated, nothing heavy is imported, and nothing is ever an error.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

DEFAULT_LEDGER = ".reconciler/ledger.db"  # as in settings, which takes too long to import; a test compares them
_SUMMARY = 80


def any_operation(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return every operation whose id starts so, newest first."""
    return _operations(context, incomplete, ended=True)


def open_operation(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the open operations whose id starts so, newest first."""
    return _operations(context, incomplete, ended=False)


def _operations(context: click.Context, incomplete: str, *, ended: bool) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from reconciler.ledger.newest import newest_operations
    from reconciler.plain import one_line

    try:
        found = newest_operations(_ledger(context.find_root().params), start=incomplete, ended=ended)
    except Exception:  # noqa: BLE001 - whatever is wrong, the command itself will say it
        return []
    return [CompletionItem(one_line(name), help=one_line(summary, _SUMMARY)) for name, summary in found]


def _ledger(parameters: dict[str, Any]) -> Path:
    """Return the ledger's file: as the environment says, or the configuration, or the default.

    Raises LookupError where the ledger is no file: nobody waits for a server while typing.
    """
    from reconciler.document import read_document

    file = Path(parameters.get("config") or "reconciler.yaml")
    keys = read_document(file).data.get("ledger", {})
    if (os.environ.get("RECONCILER_LEDGER__KIND") or keys.get("kind") or "sqlite") != "sqlite":
        raise LookupError("ledger.kind")
    written = os.environ.get("RECONCILER_LEDGER__PATH") or keys.get("path")
    return file.absolute().parent / Path(written or DEFAULT_LEDGER).expanduser()

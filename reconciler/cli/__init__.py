"""The command line: `reconciler --help` tells what it can do.

Modules here import click and light words of ours at the top; whatever costs time (pydantic, vendors, rich) is imported
inside the command that needs it, so that help is instant.
"""

import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command line; the entry point of the installed script."""
    try:
        from reconciler.cli.app import main as run
    except KeyboardInterrupt:  # before anything began
        sys.exit(_INTERRUPTED)
    run()


__all__ = ["main"]

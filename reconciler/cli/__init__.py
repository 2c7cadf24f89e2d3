"""The command line: `reconciler --help` tells what it can do.

Modules here import click and light words of ours at the top; whatever costs time (pydantic, vendors, rich) is imported
inside the command that needs it, so that help is instant.
"""

import gc
import sys

_INTERRUPTED = 130
_LOOSE_OBJECTS = 50_000  # between two looks for cycles; at Python's 700, a first pass looks 190 times and finds nothing


def main() -> None:
    """Run the command line; the entry point of the installed script."""
    gc.set_threshold(_LOOSE_OBJECTS)
    try:
        from reconciler.cli.app import main as run
    except KeyboardInterrupt:  # before anything began
        sys.exit(_INTERRUPTED)
    run()


__all__ = ["main"]

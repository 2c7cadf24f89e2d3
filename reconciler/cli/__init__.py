"""The command line: `reconciler --help` tells what it can do.

Modules here import click and light words of ours at the top; whatever costs time (pydantic, vendors, rich) is imported
inside the command that needs it, so that help is instant.
"""

from reconciler.cli.app import main

__all__ = ["main"]

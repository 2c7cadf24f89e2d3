"""Logging, set up once: to stderr, warnings and worse, everything with `--debug`.

On a terminal lines are for people, elsewhere one JSON object a line. Standard output belongs to results alone. Whoever
has something to say asks the standard library for a logger; structlog writes the lines, and is imported for the first
one only, because with what it brings it is an eighth of all that a pass imports.
"""

from __future__ import annotations

import io
import logging
import sys
from typing import TYPE_CHECKING, TextIO, cast

from reconciler.plain import one_line

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger


class _StandardError(io.TextIOBase):
    """Whatever the standard error is when a line is written: while progress is shown, lines go above it."""

    def write(self, text: str) -> int:
        """Write a text."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Let it appear."""
        sys.stderr.flush()


class _Lines(logging.Formatter):
    """Makes each record a line."""

    def __init__(self) -> None:
        super().__init__()
        self._written_by: logging.Formatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        self._written_by = self._written_by or _formatter()
        return self._written_by.format(record)


def configure(*, debug: bool) -> None:
    """Send all loggers to stderr."""
    handler = logging.StreamHandler(cast("TextIO", _StandardError()))
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, handlers=[handler], force=True)
    # It tells of each retry, where we tell of what came of them.
    logging.getLogger("urllib3").setLevel(logging.DEBUG if debug else logging.ERROR)


def _formatter() -> logging.Formatter:
    import structlog

    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _scrubbed,
            _renderer(),
        ],
    )


def _renderer() -> Processor:
    import structlog

    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(colors=False)
    return structlog.processors.JSONRenderer()


def _scrubbed(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Take credentials and hidden characters out of every text (invariant 11)."""
    return {key: one_line(value, 2000) if isinstance(value, str) else value for key, value in event.items()}

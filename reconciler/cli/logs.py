"""Logging, set up once: to stderr, warnings and worse, everything with `--debug`.

On a terminal lines are for people, elsewhere one JSON object a line. Standard output belongs to results alone.
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


def configure(*, debug: bool) -> None:
    """Send structlog and the standard library's loggers to stderr."""
    import structlog

    level = logging.DEBUG if debug else logging.WARNING
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *(() if debug else (_without_retries,)),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _scrubbed,
            _renderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _StandardError())),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=level, stream=_StandardError(), format="%(levelname)s %(name)s %(message)s", force=True)


def _renderer() -> Processor:
    import structlog

    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(colors=False)
    return structlog.processors.JSONRenderer()


def _without_retries(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Leave out each single try: a source that did not answer at last is in the report, once."""
    import structlog

    if str(event.get("event", "")).startswith("stamina."):
        raise structlog.DropEvent
    return event


def _scrubbed(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Take credentials and hidden characters out of every text (invariant 11)."""
    return {key: one_line(value, 2000) if isinstance(value, str) else value for key, value in event.items()}

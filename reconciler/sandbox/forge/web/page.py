"""The web page of a pull request: what it shows, as plain values, and how that becomes HTML.

Protects: whatever people and programs wrote is escaped; the page loads nothing from anywhere, runs no script but its
own, and works without any.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reconciler.sandbox.forge.web import diff, markdown

if TYPE_CHECKING:
    from jinja2 import Template

State = Literal["open", "merged", "closed"]
Mark = Literal["done", "waits", "failed", "seen"]

METHODS = {"merge": "Create a merge commit", "squash": "Squash and merge", "rebase": "Rebase and merge"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """A changed file; `content` is what the head holds, None where nobody may edit it."""

    path: str
    previous: str = ""
    status: str = "modified"
    additions: int
    deletions: int
    patch: str
    blob: str = ""
    content: str | None = None

    @property
    def rows(self) -> list[diff.Row]:
        """The diff, row by row."""
        return diff.rows(self.patch)

    @property
    def fields(self) -> list[diff.Field]:
        """A field for each line that the pull request writes."""
        return diff.fields(self.patch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something in the conversation; `did` completes the sentence that begins with the author's name."""

    author: str
    at: datetime
    kind: Literal["comment", "approved", "refused", "event", "commit"]
    did: str
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that the reconciler did or waits for."""

    at: str
    text: str
    mark: Mark = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What goes on beside the pull request: the sandbox's time, what comes next, and what happened, oldest first."""

    clock: str = ""
    waiting: str = ""
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a pull request ended."""

    by: str
    at: datetime
    commit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """Everything that the page shows; `version` changes when the pull request does."""

    path: str
    repository: str
    number: int
    title: str
    author: str
    created_at: datetime
    state: State
    base: str
    head: str
    head_sha: str
    body: str
    viewer: str
    csrf: str
    nonce: str
    files: tuple[FileView, ...] = ()
    conversation: tuple[Entry, ...] = ()
    methods: tuple[str, ...] = tuple(METHODS)
    obstacle: str = ""  # to a merge
    ending: Ending | None = None
    live: Live = Live()
    version: str = ""
    notice: str = ""
    error: str = ""

    @property
    def additions(self) -> int:
        """Lines that it adds."""
        return sum(file.additions for file in self.files)

    @property
    def deletions(self) -> int:
        """Lines that it removes."""
        return sum(file.deletions for file in self.files)

    @property
    def ways(self) -> dict[str, str]:
        """The ways to merge that the repository allows, with their names."""
        return {method: METHODS[method] for method in self.methods}


def pull_request_page(view: PageView) -> str:
    """Return the page as HTML."""
    return _template("pull_request.html.j2").render(view=view)


def plain_page(title: str, text: str) -> str:
    """Return a page that only says something."""
    return _template("plain.html.j2").render(title=title, text=text)


def policy(nonce: str) -> str:
    """Return the Content-Security-Policy of a page whose script carries this nonce."""
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@lru_cache
def _template(name: str) -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(markdown=markdown.render, when=_when, iso=datetime.isoformat)
    return environment.get_template(name)


def _when(at: datetime) -> str:
    """Return a time for people."""
    return f"{at:%-d %b %Y, %H:%M:%S} UTC"

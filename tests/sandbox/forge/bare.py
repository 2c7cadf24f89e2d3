"""A bare repository with one commit, and what a test does to it first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.sandbox.forge.repository import Person

if TYPE_CHECKING:
    from reconciler.sandbox.forge.repository import BareRepository

AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
ANA = Person("Ana", "ana@example.com", "ana")
BOT = Person("reconciler-bot", "bot@example.com", "reconciler-bot")
LINES = "".join(f"line {number}\n" for number in range(1, 31))
FILES = {"deploy/web.yaml": "memory: 512Mi\ncpu: 1\n", "README.md": LINES}


def first_of(repository: BareRepository) -> str:
    """Return main's head, which must exist."""
    head = repository.head("main")
    assert head is not None
    return head


def propose(repository: BareRepository, content: bytes = b"memory: 1Gi\ncpu: 1\n", branch: str = "raise") -> str:
    """Commit the bot's edit on a new branch."""
    return repository.commit_files(
        "main", {"deploy/web.yaml": content}, "raise memory\n", author=BOT, at=AT, new_branch=branch
    )

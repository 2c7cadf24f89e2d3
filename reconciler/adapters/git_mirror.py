"""The folder of the bare mirror: make it, open it, and refuse a folder that is not ours.

Protects: a process killed while it makes the mirror leaves no half one behind, and two that make it at once end
with one; another repository's commits never pass for this one's.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.reasons import in_short
from reconciler.errors import ConfigurationError, ReconcilerError, SourceError, foreign_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pygit2

_URL = "remote.origin.url"  # where git keeps it too, so that `git remote -v` in the folder tells the truth


class Mirror:
    """The mirror of one repository, opened once a thread because libgit2's repositories may not be shared."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        self._threads = threading.local()
        # Stopped, because libgit2 keeps packs open for the whole process, and by their path.
        self._again = f"stop the reconciler and delete {folder}; it is made again"

    def open(self) -> pygit2.Repository:
        """Return this thread's view of the mirror; made when missing, and again when somebody deleted it.

        Raises ConfigurationError when the folder cannot be made or holds something else.
        """
        if getattr(self._threads, "opened", None) is None or not (self._folder / "HEAD").exists():
            self._threads.opened = _opened(self._folder, self._url)
        opened: pygit2.Repository = self._threads.opened
        return opened

    @contextmanager
    def visited(self) -> Iterator[pygit2.Repository]:
        """Lend a view to a thread that lives for one exchange, and let go of its files with it."""
        mirror = _opened(self._folder, self._url)
        try:
            yield mirror
        finally:
            mirror.free()

    @contextmanager
    def updating(self) -> Iterator[None]:
        """Let one fetch at a time move the mirror's references, of all threads and processes: libgit2 does not wait."""
        with (self._folder / "update.lock").open("w") as file:  # the kernel lets go when its holder dies
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def try_writing(self) -> str:
        """Say that the folder can be written; an error of ours when it cannot."""
        try:
            self.open()
            tempfile.TemporaryFile(dir=self._folder).close()
        except OSError as error:
            raise _unusable(self._folder, f"cannot be written: {in_short(error)}") from error
        return f"{self._folder} is writable"

    @contextmanager
    def answering(self, mirror: pygit2.Repository | None = None) -> Iterator[pygit2.Repository]:
        """Lend the mirror (or the view that a visitor has), and map what libgit2 raises about it to our errors."""
        import pygit2

        try:
            yield self.open() if mirror is None else mirror
        except ReconcilerError:
            raise
        except LookupError as error:
            raise SourceError(
                code="git.object_missing",
                message=f"the mirror has no object {foreign_text(error)}",
                remedy=f"see whether it was pushed to this repository; if so, {self._again}",
            ) from error
        except (pygit2.GitError, ValueError, OSError) as error:
            raise SourceError(
                code="git.mirror_unreadable",
                message=f"the mirror {self._folder} does not answer: {foreign_text(error)}",
                remedy=f"if it stays so, {self._again}",
            ) from error


def _opened(folder: Path, url: str) -> pygit2.Repository:
    import pygit2
    from pygit2.enums import RepositoryOpenFlag

    try:
        if not folder.exists() or not any(folder.iterdir()):
            _make(folder, url)
        mirror = pygit2.Repository(str(folder), RepositoryOpenFlag.BARE | RepositoryOpenFlag.NO_SEARCH)
    except (pygit2.GitError, OSError) as error:
        raise _unusable(folder, f"cannot be used: {in_short(error)}") from error
    # The configuration itself: a remote's own `url` would show what the user's insteadOf makes of it.
    if _URL not in mirror.config or mirror.config[_URL] != url:
        raise _unusable(folder, "is not a mirror of repository.url")
    if mirror.is_shallow:
        raise _unusable(folder, "lacks older history, so it cannot tell what a commit contains")
    return mirror


def _make(folder: Path, url: str) -> None:
    """Make an empty mirror beside its place, then move it there in one step."""
    import pygit2

    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent)
    try:
        pygit2.init_repository(draft, bare=True).config[_URL] = url
        Path(draft).rename(folder)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not (folder / "HEAD").exists():  # else another process was faster, and its mirror is as good
            raise


def _unusable(folder: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        code="git.mirror_unusable",
        message=f"the folder {folder} {why}",
        remedy="set repository.mirror to a folder that is empty or missing, where this user may write; one of"
        " ours may be deleted, it is made again",
    )

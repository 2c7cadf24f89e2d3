"""One reference of the remote repository as a `RefStore`: read through the bare mirror, moved by leased pushes alone.

It shares the mirror's folder, the transport and the time limits of `git_bare.py`; in the mirror the reference stands
apart from the branches, so that neither prunes the other.

Protects: the base branch and our proposals' branches are never taken for such a store; a push whose answer was lost
is not reported as failed when it arrived.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reconciler.adapters import git_bare, git_errors, git_mirror, git_objects, git_pushes, git_remote
from reconciler.errors import ConfigurationError, Conflict, ReconcilerError, SourceError, Unauthorized
from reconciler.model.objects import CommitId
from reconciler.ports import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import pygit2

    from reconciler.adapters.tokens import Secret
    from reconciler.settings import RepositorySettings

T = TypeVar("T")

_TRACKED = "refs/remotes/store/"


def git_ref(settings: RepositorySettings, reference: str, prefix: str, token: str | Secret) -> GitRef:
    """Return the store on a reference of the configured repository; nothing is asked yet.

    Raises ConfigurationError when the reference belongs to something else.
    """
    git_bare.refuse_unusable(settings)
    if reference.startswith(f"refs/heads/{prefix}/") or reference == f"refs/heads/{settings.base}":
        raise _taken(reference)
    return GitRef(settings, reference, token)


class GitRef:
    """A `RefStore` on libgit2; may be used from several threads."""

    def __init__(self, settings: RepositorySettings, reference: str, token: str | Secret) -> None:
        self._url = settings.url
        self._reference = reference
        self._tracking = f"{_TRACKED}{reference.removeprefix('refs/')}"
        self._mirror = git_mirror.Mirror(Path(settings.mirror), settings.url)
        self._author = git_objects.Author(settings.author_name, settings.author_email)
        self._remote = git_remote.remote(settings, token)
        self._pushes = git_pushes.Pushes(self._mirror, self._remote)

    @property
    def name(self) -> str:
        """The reference's full name and the repository's address, for messages."""
        return f"{self._reference} of {self._url}"

    def tip(self) -> CommitId | None:
        """Ask the remote where the reference is, and have its files at hand; None: it does not exist."""
        return self._exchange(self._fetched)

    def paths(self, commit: CommitId, under: str) -> tuple[str, ...]:
        """Return the paths of all files below a folder of a commit."""
        with self._mirror.answering() as mirror:
            folder = git_objects.subtree(git_objects.commit_of(mirror, commit).tree, under)
            return () if folder is None else tuple(file.path for file in git_objects.walk(folder, under))

    def read(self, commit: CommitId, path: str) -> bytes | None:
        """Return a file of a commit, or None."""
        with self._mirror.answering() as mirror:
            found = git_objects.find(git_objects.commit_of(mirror, commit).tree, path)
            return None if found is None else git_objects.content(mirror, found.blob)

    def append(self, files: Mapping[str, bytes], message: str, *, at: datetime, expected: CommitId | None) -> CommitId:
        """Put a commit in which these files hold this on top of `expected`, and push it with that lease."""
        with self._mirror.answering() as mirror:
            commit = self._written(mirror, files, message, at, expected)
        lease = git_errors.Lease(reference=self._reference, commit=commit, expected=expected)
        try:
            self._pushes.push(lease)
        except (Conflict, Unauthorized):
            raise
        except SourceError:
            if not self._arrived(commit):
                raise
        self._follow(commit)
        return commit

    def examine(self) -> Sequence[Diagnosis]:
        """Begin a push and send nothing; never raises."""
        subject = f"push to {self._reference}"
        try:
            self._exchange(lambda mirror: self._remote.connect(mirror, to_push=True))
        except ReconcilerError as error:
            return (Diagnosis(subject=subject, works=False, detail=error.message, remedy=error.remedy),)
        detail = "the server lets us begin a push; whether its rules take the reference shows with the first event"
        return (Diagnosis(subject=subject, works=True, detail=detail),)

    def _fetched(self, mirror: pygit2.Repository) -> CommitId | None:
        connection = self._remote.connect(mirror)
        if self._reference == f"refs/heads/{connection.default}":
            raise _taken(self._reference)
        tip = connection.named.get(self._reference)
        if tip is not None and not self._is_at(mirror, tip):
            with self._mirror.updating():
                connection.fetch([f"+{self._reference}:{self._tracking}"])
        return tip

    def _is_at(self, mirror: pygit2.Repository, tip: CommitId) -> bool:
        with self._mirror.answering(mirror):
            found = mirror.references.get(self._tracking)
            return found is not None and str(found.target) == tip

    def _written(
        self,
        mirror: pygit2.Repository,
        files: Mapping[str, bytes],
        message: str,
        at: datetime,
        expected: CommitId | None,
    ) -> CommitId:
        """Write the commit into the mirror; equal arguments give an equal id."""
        import pygit2

        parent = None if expected is None else git_objects.commit_of(mirror, expected)
        tree = git_objects.with_files(mirror, None if parent is None else parent.tree, files)
        signature = pygit2.Signature(self._author.name, self._author.email, int(at.timestamp()), 0)
        parents = [] if parent is None else [parent.id]
        return CommitId(str(mirror.create_commit(None, signature, signature, message, tree, parents)))

    def _arrived(self, commit: CommitId) -> bool:
        """Tell whether a push whose answer got lost was taken; a commit of ours is nobody else's."""
        try:
            return self.tip() == commit
        except ReconcilerError:
            return False

    def _follow(self, commit: CommitId) -> None:
        """Let the mirror's own reference follow, so that the next look transfers nothing."""
        with self._mirror.answering() as mirror, self._mirror.updating():
            mirror.references.create(self._tracking, commit, force=True)

    def _exchange(self, work: Callable[[pygit2.Repository], T]) -> T:
        return self._remote.within_limit(self._mirror, work)


def _taken(reference: str) -> ConfigurationError:
    return ConfigurationError(
        code="git.ref_taken",
        message=f"{reference} cannot be the ledger's: it is the base branch, or one of our proposals could be there",
        remedy="name a reference of its own in ledger.ref, such as refs/reconciler/ledger",
    )

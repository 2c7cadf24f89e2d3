"""The seams to Git: the repository, what renders its files, and small files on a reference of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from reconciler.ports.examined import Examined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from reconciler.manifests.files.folder import Folder
    from reconciler.model.facts import Fact
    from reconciler.model.objects import CommitId
    from reconciler.model.proposal import CommitInfo, TreeFile
    from reconciler.model.rendering import Rendered, RenderJob


class Repository(Examined, Protocol):
    """The Git repository that delivery reads, through a bare mirror; never a checkout."""

    @property
    def url(self) -> str:
        """The remote's address without credentials."""
        ...

    @property
    def base(self) -> str:
        """The base branch: the configured one, or the remote's own default."""
        ...

    def heads(self) -> Fact[Mapping[str, CommitId]]:
        """Ask the remote for its branches."""
        ...

    def fetch(self) -> CommitId:
        """Bring base and our own branches into the mirror and return base's head.

        Raises SourceError when the remote does not answer.
        """
        ...

    def files(self, commit: CommitId, under: str) -> Iterator[TreeFile]:
        """Yield every entry below a folder of a commit's tree, symlinks and submodules included."""
        ...

    def manifests(self, commit: CommitId, under: str, *, deep: bool, max_bytes: int) -> Folder:
        """Return the manifests of a folder (and, if deep, of the folders in it) with what they describe.

        Larger files are not judged.
        """
        ...

    def kustomizations(self, commit: CommitId, *, max_bytes: int) -> Folder:
        """Return every kustomization of a commit with what it names; larger files are not judged."""
        ...

    def ignore_files(self, commit: CommitId, *, max_bytes: int) -> Folder:
        """Return every `.sourceignore` of a commit with its lines; larger files are not judged."""
        ...

    def links(self, commit: CommitId, *, max_bytes: int) -> Folder:
        """Return every symbolic link of a commit with where it leads, each judged once for all commits."""
        ...

    def beside(self, commit: CommitId, path: str) -> Iterator[TreeFile]:
        """Yield everything in the folders that lead to a path, folders included."""
        ...

    def entry(self, commit: CommitId, path: str) -> TreeFile | None:
        """Return one file of a commit's tree, or None."""
        ...

    def read(self, blob: str) -> bytes:
        """Return a blob's content."""
        ...

    def contains(self, descendant: CommitId, ancestor: CommitId) -> Fact[bool]:
        """Tell whether `descendant` is `ancestor` or comes after it; unknown when the mirror lacks either."""
        ...

    def describe(self, commit: CommitId) -> CommitInfo:
        """Return authorship and trailers of a commit in the mirror."""
        ...

    def commit(self, base: CommitId, files: Mapping[str, bytes], message: str) -> CommitId:
        """Write one commit on top of `base` in which these files hold this; equal arguments give an equal id."""
        ...

    def is_same(self, published: CommitId, commit: CommitId) -> bool:
        """Tell whether a remote's commit is this one, or the forge's own making of it.

        Raises SourceError when the mirror lacks it and so cannot tell.
        """
        ...

    def push(self, branch: str, commit: CommitId, *, expected: CommitId | None) -> CommitId:
        """Point a remote branch to the commit if it is still at `expected` (None: it must not exist).

        Returns where the branch is then: the commit, or the forge's own making of it. Raises Conflict when the branch
        moved, Refusal when the server's rules reject it.
        """
        ...


class Renderer(Examined, Protocol):
    """Kustomize and Helm, run on files that are handed to them: no network, no cluster, no other file."""

    def render(self, job: RenderJob) -> tuple[Rendered, ...]:
        """Return the objects in the tool's order.

        Raises Refusal when the tool is missing, cannot render this, or renders more than is allowed.
        """
        ...

    def archive(self, job: RenderJob) -> bytes:
        """Return the archive of a rendering's chart that is not in Git.

        Raises Refusal when it is not there: nothing is downloaded.
        """
        ...


class RefStore(Examined, Protocol):
    """Small files on one reference of the remote repository, which moves by compare-and-swap alone.

    Raises SourceError when the remote does not answer, Refusal when its rules say no.
    """

    @property
    def name(self) -> str:
        """The reference's full name and the repository's address, for messages."""
        ...

    def tip(self) -> CommitId | None:
        """Ask the remote where the reference is, and have its files at hand; None: it does not exist."""
        ...

    def paths(self, commit: CommitId, under: str) -> tuple[str, ...]:
        """Return the paths of all files below a folder of a commit."""
        ...

    def read(self, commit: CommitId, path: str) -> bytes | None:
        """Return a file of a commit, or None."""
        ...

    def append(self, files: Mapping[str, bytes], message: str, *, at: datetime, expected: CommitId | None) -> CommitId:
        """Put a commit in which these files hold this on top of `expected`; it is the remote's tip on return.

        Raises Conflict when the reference is no longer at `expected` (None: when it exists).
        """
        ...

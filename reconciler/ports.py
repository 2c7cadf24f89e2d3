"""The seams: what the stages may ask of the world, as Protocols. Each vendor is one file under `adapters/`.

Reads return `Unknown` instead of raising when a source does not answer (invariant 3); effects raise an error of
`errors.py`. An adapter maps its vendor's exceptions there and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.talk_port import Talk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta

    from reconciler.manifests.folder import Folder
    from reconciler.model.action import FieldChange
    from reconciler.model.cluster import Alert, ContainerKey
    from reconciler.model.delivery import Application
    from reconciler.model.facts import Fact
    from reconciler.model.objects import CommitId, FieldPath, ObjectRef
    from reconciler.model.operation import Draft, Event
    from reconciler.model.proposal import CommitInfo, Proposal, PullRequest, TreeFile
    from reconciler.model.rendering import Rendered, RenderJob
    from reconciler.model.review import Mergeability, Review
    from reconciler.model.snapshot import ClusterView
    from reconciler.model.verdict import PolicyAnswer


class Clock(Protocol):
    """Where time comes from; nothing else may ask the system."""

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One line of `doctor`: does a connection or permission work, and if not, how to grant it."""

    subject: str
    works: bool
    detail: str
    remedy: str = ""
    required: bool = True  # false: the product works without it, with less


class Examined(Protocol):
    """What every adapter of a server can say about itself."""

    def examine(self) -> Sequence[Diagnosis]:
        """Try every connection and permission that we need, harmlessly; never raises."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyReport:
    """What a server-side apply would do or did; `conflicts` names other managers of the fields."""

    changed: bool
    conflicts: tuple[str, ...] = ()


class Cluster(Examined, Protocol):
    """A Kubernetes API server."""

    def observe(self, wanted: Mapping[ObjectRef, frozenset[FieldPath]]) -> ClusterView:
        """List what diagnosis needs, and pick out the wanted fields from the same lists."""
        ...

    def restart(self, target: ObjectRef, *, uid: str, at: datetime) -> None:
        """Set the template's restartedAt annotation to `at`; setting the same again changes nothing.

        Raises Conflict when the object is another one by now, Refusal when a restart cannot work.
        """
        ...

    def apply(self, target: ObjectRef, *, uid: str, changes: Sequence[FieldChange], dry_run: bool) -> ApplyReport:
        """Set the fields by server-side apply with our field manager.

        Raises Conflict when the object is another one by now or a field no longer holds its `before`.
        """
        ...


class Metrics(Examined, Protocol):
    """A Prometheus-compatible server."""

    def memory_peaks(self, *, window: timedelta, at: datetime) -> Fact[Mapping[ContainerKey, float]]:
        """Return the highest working set of each container over the window, in bytes, by one grouped query."""
        ...


class Alerts(Examined, Protocol):
    """An Alertmanager-compatible server."""

    def active(self) -> Fact[tuple[Alert, ...]]:
        """Return the alerts that are firing and not silenced."""
        ...


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


class Forge(Examined, Protocol):
    """The service holding the repository's pull requests."""

    def pull_requests(self, *, prefix: str) -> Fact[tuple[PullRequest, ...]]:
        """Return pull requests of this repository whose head branch starts with the prefix, newest first."""
        ...

    def find(self, branch: str) -> PullRequest | None:
        """Return the newest pull request with this head branch in this very repository, or None."""
        ...

    def open(self, proposal: Proposal) -> PullRequest:
        """Open a pull request; where one is open already for this head, adopt it.

        Raises Refusal when the forge's rules reject it, SourceError when it does not answer.
        """
        ...

    def close(self, pull_request: int, *, why: str) -> None:
        """Say why in a comment, then close; closing a closed one changes nothing."""
        ...

    def reviews(self, pull_request: int) -> tuple[Review, ...]:
        """Return the submitted reviews, oldest first, each opinion with whether its author may write.

        Raises SourceError when the forge does not answer.
        """
        ...

    def update(self, pull_request: int, *, title: str, body: str) -> None:
        """Give a pull request another title and text."""
        ...

    def mergeability(self, pull_request: int) -> Mergeability:
        """Return whether the forge would merge it now; asking makes a forge that does not know yet find out.

        Raises SourceError when the forge does not answer.
        """
        ...

    def merge(self, pull_request: int, *, head: CommitId, method: str) -> CommitId:
        """Merge (merge, squash or rebase) if its head is still this one, and return base's new tip.

        Raises Conflict when the head moved or the forge's rules do not let it: that may pass.
        """
        ...


class Delivery(Examined, Protocol):
    """Argo CD, Flux, or both, read through their custom resources."""

    def applications(self) -> Fact[tuple[Application, ...]]:
        """Return every Application, or what is one in Flux."""
        ...

    def refresh(self, application: ObjectRef) -> None:
        """Ask delivery to reread Git; never starts a sync."""
        ...


class Policy(Examined, Protocol):
    """Rego rules; every failure is an answer that means no (invariant 8)."""

    def decide(self, facts: Mapping[str, Any]) -> PolicyAnswer:
        """Judge one action; never raises."""
        ...

    def after_failure(self, facts: Mapping[str, Any]) -> PolicyAnswer:
        """Say what follows a failed verification in `code`: revert, next_remedy or escalate; never raises."""
        ...

    def merge(self, facts: Mapping[str, Any]) -> PolicyAnswer:
        """Say in `code` whether we merge a pull request of ours ourselves: merge or wait; never raises."""
        ...


class Ledger(Examined, Protocol):
    """The append-only, hash-chained store of events."""

    def events(self, *, after: int = 0) -> tuple[Event, ...]:
        """Return the events after a sequence number, in order."""
        ...

    def append(self, drafts: Sequence[Draft], *, at: datetime, expected: int) -> tuple[Event, ...]:
        """Add events, all or none, if the last sequence number is still `expected`.

        Durable when it returns. Raises LedgerMoved when another process appended first.
        """
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the ledger for one pass; let go when the process dies.

        Raises Busy when another pass holds it.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything a pass may talk to."""

    clock: Clock
    cluster: Cluster
    metrics: Metrics
    alerts: Alerts
    repository: Repository
    renderer: Renderer
    forge: Forge
    delivery: Delivery
    policy: Policy
    ledger: Ledger
    talk: Talk | None = None  # None: the settings ask for nothing that needs it

"""The frozen view that one pass decides from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.cluster import Alert, ContainerKey, Namespace, Pod, Workload
from reconciler.model.conversation import Board, Comment
from reconciler.model.delivery import Application
from reconciler.model.facts import Fact, Unknown
from reconciler.model.objects import CommitId, FieldPath, ObjectRef
from reconciler.model.proposal import PullRequest
from reconciler.model.review import Inspection, Mergeability

FieldValues = Mapping[tuple[ObjectRef, FieldPath], str | None]  # None: the field is absent


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """What the Kubernetes API said in one pass, each list on its own."""

    namespaces: Fact[Mapping[str, Namespace]]
    workloads: Fact[Mapping[ObjectRef, Workload]]
    pods: Fact[tuple[Pod, ...]]
    autoscaled: Fact[frozenset[ObjectRef]]  # workloads whose replicas an autoscaler sets
    fields: Fact[FieldValues]  # live values that an open operation asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """What a target became whose name follows its content: the object that Git renders by now, and its live fields."""

    target: ObjectRef
    fields: FieldValues  # under the name that the operation knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """Facts about one operation's pull request and its way into the cluster."""

    pull_request: Fact[PullRequest | None]
    values_at_merge: Fact[tuple[str | None, ...]] | None = None  # None: not merged yet, nothing to ask
    values_at_base: Fact[tuple[str | None, ...]] | None = None
    contains_merge: Fact[bool] | None = None  # the Application's revision descends from the merge commit
    renamed: Fact[Renamed] | None = None  # once it is merged; None: the target keeps its name
    # While it is open; None: not open, or nobody asked.
    inspection: Fact[Inspection] | None = None
    elsewhere: str | None = None  # the branch that somebody pointed it at, where that is not base; also once merged
    base_moved: Fact[bool] | None = None  # base has another content than ours was made from, in one of our files
    mergeability: Fact[Mergeability] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The world at one moment; what could not be read is `Unknown`, never absent (invariant 3)."""

    taken_at: datetime
    cluster: str
    namespaces: Fact[Mapping[str, Namespace]]
    workloads: Fact[Mapping[ObjectRef, Workload]]
    pods: Fact[tuple[Pod, ...]]
    autoscaled: Fact[frozenset[ObjectRef]]
    fields: Fact[FieldValues]  # of what has another name by now, under the one that its operation knows
    memory_peaks: Fact[Mapping[ContainerKey, float]]  # bytes, over the configured window
    alerts: Fact[tuple[Alert, ...]]
    applications: Fact[tuple[Application, ...]]
    base: Fact[CommitId]  # head of the base branch
    pull_requests: Fact[tuple[PullRequest, ...]]  # ours, open and recently closed
    followed: Mapping[str, Followed] = field(default_factory=dict)  # by operation id
    comments: Fact[tuple[Comment, ...]] = ()  # what changed since the last that were heard
    board: Fact[Board | None] = None  # None: it has no boxes, or is not written yet
    unheard: tuple[Unknown, ...] = ()  # why some of them could not be judged
    stopped: str = ""  # who told us to start nothing new, in words; empty: nobody
    on_hold: frozenset[int] = frozenset()  # pull requests that a comment put on hold, before the label shows it

    def unknowns(self) -> Iterator[Unknown]:
        """Yield every source that did not answer."""
        for fact in (
            self.namespaces,
            self.workloads,
            self.pods,
            self.autoscaled,
            self.memory_peaks,
            self.alerts,
            self.applications,
            self.base,
            self.pull_requests,
            self.comments,
            self.board,
        ):
            if isinstance(fact, Unknown):
                yield fact
        yield from self.unheard

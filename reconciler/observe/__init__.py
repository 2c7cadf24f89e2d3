"""Ask every source once, side by side, and freeze the answers into one snapshot.

Protects invariant 3 (a source that fails gives `Unknown`, never an empty list) and the pass itself: one slow or
broken source never stops the others.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import ReconcilerError, foreign_text
from reconciler.model.facts import Fact, Unknown
from reconciler.model.snapshot import ClusterView, Followed, Snapshot
from reconciler.observe.follow import follow
from reconciler.observe.renaming import with_renamed
from reconciler.watching import UNWATCHED, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future
    from datetime import datetime

    from reconciler.model.conversation import Board, Comment
    from reconciler.model.delivery import Application
    from reconciler.model.objects import CommitId, FieldPath, ObjectRef
    from reconciler.model.operation import Operation
    from reconciler.model.proposal import PullRequest
    from reconciler.ports import Ports
    from reconciler.settings import Settings
    from reconciler.watching import Watcher

T = TypeVar("T")
_SOURCES = 8  # asked side by side


def observe(
    ports: Ports,
    operations: Iterable[Operation],
    settings: Settings,
    now: datetime,
    watcher: Watcher = UNWATCHED,
    *,
    comments_since: datetime | None = None,
    board: int | None = None,
) -> Snapshot:
    """Take the snapshot of this pass; `operations` are the open ones, whose facts are looked up too.

    Comments are read only where somebody may have said something to us: since a given time; and
    the dashboard, by its number, where it has boxes.
    """
    followed = tuple(operations)
    wanted = wanted_fields(followed)
    silent: list[str] = []  # sources that have not answered yet

    def answered(source: str) -> None:
        silent.remove(source)
        watcher.doing(f"reading {', '.join(silent) or 'pull requests and merges'}")

    with side_by_side(_SOURCES, "observe") as pool:

        def ask(source: str, question: Callable[[], Fact[T]]) -> Future[Fact[T]]:
            silent.append(source)
            asked: Future[Fact[T]] = pool.submit(_answer, source, question)
            asked.add_done_callback(lambda _: answered(source))
            return asked

        cluster = ask("kubernetes", lambda: ports.cluster.observe(wanted))
        peaks = ask("prometheus", lambda: ports.metrics.memory_peaks(window=settings.metrics.window, at=now))
        alerts = ask("alertmanager", ports.alerts.active)
        heads = ask("git", ports.repository.heads)
        pulls = ask("forge", lambda: ports.forge.pull_requests(prefix=settings.forge.branch_prefix))
        applications = ask("delivery", ports.delivery.applications)
        said = _comments(ports, comments_since, ask)
        ticks = _board(ports, board, ask)
        view = _cluster_view(cluster.result())
        base = _base(heads.result(), ports)
        pull_requests, found = pulls.result(), applications.result()
    looked_up = {o.id: _followed(o, pull_requests, found, base, ports, settings) for o in followed if o.pull_request}
    return Snapshot(
        taken_at=now,
        cluster=settings.cluster.name,
        namespaces=view.namespaces,
        workloads=view.workloads,
        pods=view.pods,
        autoscaled=view.autoscaled,
        fields=with_renamed(view.fields, looked_up, followed),
        memory_peaks=peaks.result(),
        alerts=alerts.result(),
        applications=found,
        base=base,
        pull_requests=pull_requests,
        comments=said.result() if said else (),
        board=ticks.result() if ticks else None,
        followed=looked_up,
    )


def _comments(
    ports: Ports, since: datetime | None, ask: Callable[..., Future[Fact[tuple[Comment, ...]]]]
) -> Future[Fact[tuple[Comment, ...]]] | None:
    talk = ports.talk
    return None if talk is None or since is None else ask("comments", lambda: talk.comments(since=since))


def _board(
    ports: Ports, number: int | None, ask: Callable[..., Future[Fact[Board | None]]]
) -> Future[Fact[Board | None]] | None:
    talk = ports.talk
    return None if talk is None or number is None else ask("dashboard", lambda: talk.board(number))


def _followed(
    operation: Operation,
    pull_requests: Fact[tuple[PullRequest, ...]],
    applications: Fact[tuple[Application, ...]],
    base: Fact[CommitId],
    ports: Ports,
    settings: Settings,
) -> Followed:
    """Look up one operation; what goes wrong with it stays with it."""
    answer = _answer(
        "git",
        lambda: follow(
            operation,
            pull_requests=pull_requests,
            applications=applications,
            base=base,
            ports=ports,
            settings=settings,
        ),
    )
    if not isinstance(answer, Unknown):
        return answer
    return Followed(
        pull_request=answer,
        values_at_merge=answer,
        values_at_base=answer,
        contains_merge=answer,
        renamed=answer if operation.pull_request and operation.pull_request.located.becomes else None,
        inspection=answer,
        base_moved=answer,
    )


def wanted_fields(operations: Iterable[Operation]) -> Mapping[ObjectRef, frozenset[FieldPath]]:
    """Return the live fields that open operations must be judged by."""
    wanted: dict[ObjectRef, set[FieldPath]] = defaultdict(set)
    for operation in operations:
        for target, change in operation.remedy.fields:
            wanted[target].add(change.path)
    return {target: frozenset(paths) for target, paths in wanted.items()}


def _answer(source: str, question: Callable[[], Fact[T]]) -> Fact[T]:
    """Turn whatever goes wrong at a source into an unknown fact; a pass lives on without it."""
    try:
        return question()
    except ReconcilerError as error:
        return Unknown(source, str(error), error.remedy)
    except Exception as error:  # noqa: BLE001 - a vendor's surprise must not end the pass either
        return Unknown(source, foreign_text(f"{type(error).__name__}: {error}"))


def _cluster_view(answer: Fact[ClusterView]) -> ClusterView:
    if not isinstance(answer, Unknown):
        return _believable(answer)
    return ClusterView(namespaces=answer, workloads=answer, pods=answer, autoscaled=answer, fields=answer)


def _believable(view: ClusterView) -> ClusterView:
    """Doubt an empty pod list beside workloads that report pods: a lying cache, not a quiet cluster."""
    if isinstance(view.workloads, Unknown) or isinstance(view.pods, Unknown) or view.pods:
        return view
    reporting = sum(1 for workload in view.workloads.values() if workload.replicas)
    if not reporting:
        return view
    doubt = Unknown("kubernetes", f"no pods were listed beside workloads that report some ({reporting})")
    return ClusterView(
        namespaces=view.namespaces,
        workloads=view.workloads,
        pods=doubt,
        autoscaled=view.autoscaled,
        fields=view.fields,
    )


def _base(heads: Fact[Mapping[str, CommitId]], ports: Ports) -> Fact[CommitId]:
    if isinstance(heads, Unknown):
        return heads
    base = _answer("git", lambda: ports.repository.base)
    if isinstance(base, Unknown):
        return base
    return heads.get(base) or Unknown("git", f"the remote has no branch {base}")

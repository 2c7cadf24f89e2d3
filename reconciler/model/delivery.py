"""What delivers from Git as the tracker needs it, and what owns an object.

An Application is Argo CD's object of that name, or a Kustomization or HelmRelease of Flux.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from reconciler.model.facts import Fact, Unknown
from reconciler.model.objects import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class HelmParameter:
    """One `--set` of an Application."""

    name: str
    value: str = field(repr=False)
    force_string: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HelmOptions:
    """What an Application tells Helm beside the chart; values may hold what is nobody's business, so none is shown."""

    release_name: str = ""  # empty: the Application's name
    namespace: str = ""  # empty: the destination's
    value_files: tuple[str, ...] = ()  # the later wins
    values: str = field(default="", repr=False)  # YAML or JSON: `valuesObject`, else `values`; wins over the files
    parameters: tuple[HelmParameter, ...] = ()  # win over everything
    file_parameters: tuple[tuple[str, str], ...] = ()  # (name, file): the content of a file as one value
    ignore_missing_value_files: bool = False
    value_files_replace: bool = False  # as in Flux: named value files stand in the place of the chart's own
    files_fixed: bool = False  # as in Flux: another value in a file is no new chart, so no file is edited
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema: bool = False  # does not hold values against the chart's schema
    kube_version: str = ""  # empty: what Helm takes by itself
    api_versions: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()  # keys that are set and that we cannot repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class KustomizeOptions:
    """What an Application changes in the kustomization that it builds."""

    name_prefix: str = ""
    name_suffix: str = ""
    namespace: str = ""
    images: tuple[str, ...] = ()  # as `kustomize edit set image` takes them
    replicas: tuple[tuple[str, str], ...] = ()  # (name, count)
    patches: tuple[str, ...] = ()  # entries of `patches:`, each as JSON
    labels: tuple[tuple[str, str], ...] = ()  # `commonLabels`
    label_flags: tuple[str, ...] = ()  # of `kustomize edit add label`
    annotations: tuple[tuple[str, str], ...] = ()  # `commonAnnotations`
    annotation_flags: tuple[str, ...] = ()
    components: tuple[str, ...] = ()  # folders, relative to the kustomization
    generated: bool = False  # the folder has no kustomization: one of all its YAML is made, as Flux does
    variables: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # Flux fills them into what is built
    fills_always: bool = False  # even where there is no variable, for the sake of defaults
    variables_from: tuple[str, ...] = ()  # objects with more variables, whose values are not known here
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source of an Application: where its manifests come from."""

    repository: str
    path: str
    target_revision: str
    kind: str = "Directory"  # status.sourceType: Directory, Kustomize, Helm, Plugin; Flux, until Git is looked at
    recurse: bool = False
    include: str | None = None
    exclude: str | None = None
    chart: str = ""  # of a chart repository, which is no Git
    left_out: str | None = None  # of Flux: its GitRepository's own `ignore`; None: nothing is left out of a commit
    ref: str = ""  # the name by which value files of other sources point into this one
    helm: HelmOptions = HelmOptions()
    kustomize: KustomizeOptions = KustomizeOptions()

    @property
    def is_only_a_reference(self) -> bool:
        """Tell whether it renders nothing itself and only holds files for other sources."""
        return bool(self.ref) and not self.path and not self.chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An Application: what it compared, what it synced, and how its objects are.

    The words are Argo CD's; the adapter of another system says in them what that system means.
    """

    ref: ObjectRef
    sources: tuple[Source, ...]  # status.sync.comparedTo, what was really compared
    sources_current: bool  # comparedTo equals spec; otherwise the status speaks of an older spec
    destination_namespace: str
    destination_server: str
    sync_status: str  # Synced, OutOfSync, Unknown
    revisions: tuple[str, ...]  # status.sync.revision(s), parallel to sources
    health: str  # Healthy, Progressing, Degraded, …
    automated: bool
    operation_phase: str | None  # Running, Succeeded, Failed, Error
    operation_message: str
    operation_finished_at: datetime | None
    operation_revisions: tuple[str, ...]
    reconciled_at: datetime | None
    conditions: tuple[tuple[str, str], ...]  # (type, message)
    objects: frozenset[tuple[str, str, str, str]]  # status.resources: (group, kind, namespace, name)
    ignored_fields: frozenset[str] = frozenset()  # ignoreDifferences, as JSON pointers
    refresh_pending: bool = False  # a refresh was asked for and not done yet
    generated_by: ObjectRef | None = None  # the ApplicationSet that keeps it as its template says
    only_leftovers: bool = False  # OutOfSync, for nothing but objects that Git has no more and nobody pruned yet
    hold: str = ""  # why nothing new is delivered, as the rest of a sentence: suspended, a dependency, its source


def find_application(ref: ObjectRef, applications: Fact[tuple[Application, ...]]) -> Application | Unknown:
    """Return the Application of that name; one that is missing from the list is unknown, not gone (invariant 3)."""
    if isinstance(applications, Unknown):
        return applications
    found = next((a for a in applications if a.ref == ref), None)
    return found or Unknown("delivery", f"{ref} is not in the list")


@lru_cache(maxsize=4096)
def normalized_repository(url: str) -> str:
    """Return a repository URL in a form that compares: no scheme, user, `.git` or case in the host."""
    text = url.strip().rstrip("/")
    if "://" in text:
        text = text.split("://", 1)[1]
    elif ":" in text and "/" not in text.split(":", 1)[0]:
        text = text.replace(":", "/", 1)
    host, _, path = text.partition("/")
    host = host.rsplit("@", 1)[-1].lower()
    return f"{host}/{path.removesuffix('.git')}"


def tracked_by(target: ObjectRef, tracking_id: str | None) -> str | None:
    """Return the Application that an object's tracking id names, or None where the id is not about this very object.

    An id that speaks of another object was copied, by an operator or by a Helm lookup, and means nothing.
    """
    parts = (tracking_id or "").split(":", 2)  # at most twice: names of cluster roles hold colons
    if len(parts) != 3 or not parts[0]:  # noqa: PLR2004 - application, kind, name
        return None
    application, kind, name = parts
    namespace, _, own_name = name.partition("/")
    # A cluster-scoped object's id carries the Application's destination namespace.
    here = not target.namespace or namespace == target.namespace
    same = here and kind == f"{target.group}/{target.kind}" and own_name == target.name
    return application if same else None


def owning_applications(
    target: ObjectRef, tracking_id: str | None, applications: Iterable[Application]
) -> tuple[Application, ...]:
    """Return the Applications that own an object: none, one, or (a conflict) several.

    `status.resources` decides. The tracking id only tells apart Applications that deliver an object of the same name
    to different clusters; an id that names an Application which does not list the object makes no owner.
    """
    key = (target.group, target.kind, target.namespace, target.name)
    listing = tuple(a for a in applications if key in a.objects)
    named = tracked_by(target, tracking_id)
    servers = {a.destination_server for a in listing if named in (a.ref.name, f"{a.ref.namespace}_{a.ref.name}")}
    return tuple(a for a in listing if not servers or a.destination_server in servers)

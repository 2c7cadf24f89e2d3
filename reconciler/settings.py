"""The configuration file `reconciler.yaml`: every key, its unit, its default, in one place.

Environment variables `RECONCILER_<SECTION>__<KEY>` win over the file. Unknown keys are errors with a line number.
Secrets are given as paths of files, or by environment variables named in the file; never in the file itself.
The reference page `docs/reference/configuration.md` is generated from here.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from reconciler.model.quantity import parse_quantity

_LONGEST = timedelta(days=3650)  # more would reach beyond the calendar when it is taken from a date
_REFERENCE = re.compile(r"refs(/[A-Za-z0-9_-][A-Za-z0-9._-]*){2,}")
_KEPT = ("changes", "for", "merge-requests", "notes", "pull", "remotes", "replace", "stash", "tags")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _duration(value: Any) -> Any:  # noqa: ANN401 - a validator sees what the file holds
    """Read `90s`, `5m`, `1h`, `7d`; a bare number is refused because its unit is a guess."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        for unit, seconds in _UNITS.items():
            number = value.removesuffix(unit)
            if number != value and number.replace(".", "", 1).isdigit():
                if float(number) * seconds > _LONGEST.total_seconds():
                    msg = f"longer than {_LONGEST.days}d"
                    raise ValueError(msg)
                return timedelta(seconds=float(number) * seconds)
    msg = "not a duration: write a number and a unit, such as 500ms, 30s, 5m, 1h or 7d"
    raise ValueError(msg)


def _quantity(value: str) -> str:
    """Refuse an amount that cannot be read, or that nothing could stay below."""
    if parse_quantity(value) <= 0:
        msg = "not an amount above zero, such as 16Gi"
        raise ValueError(msg)
    return value


def format_duration(value: timedelta) -> str:
    """Write a duration in the largest unit that divides it."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit in ("d", "h", "m", "s"):
        size = round(_UNITS[unit] * 1000)
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def _reference(value: str) -> str:
    """Refuse what is no full name of a reference, and what belongs to the forge or to other uses of Git."""
    parts = value.split("/")
    if not _REFERENCE.fullmatch(value) or any(part.endswith((".", ".lock")) or ".." in part for part in parts):
        msg = "not a full name such as refs/reconciler/ledger"
        raise ValueError(msg)
    if parts[1] in _KEPT:
        msg = f"not a name of ours: what is below refs/{parts[1]} belongs to Git or to the forge"
        raise ValueError(msg)
    return value


Reference = Annotated[str, AfterValidator(_reference)]
Quantity = Annotated[str, AfterValidator(_quantity)]
Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(format_duration)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ForgeKind(StrEnum):
    """Which forge holds the repository."""

    GITHUB = "github"
    GITEA = "gitea"


class LedgerKind(StrEnum):
    """What keeps the events."""

    SQLITE = "sqlite"
    GIT_REF = "git_ref"


class AfterFailure(StrEnum):
    """What the shipped policy does when a delivered change did not help."""

    REVERT = "revert"
    NEXT_REMEDY = "next_remedy"
    ESCALATE = "escalate"


class MergePolicy(StrEnum):
    """When the shipped policy merges a pull request of ours itself."""

    NEVER = "never"
    ON_APPROVAL = "on_approval"
    AUTONOMOUS = "autonomous"


class MergeMethod(StrEnum):
    """How a forge takes a head into base."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


class ClusterSettings(_Section):
    """The Kubernetes cluster to watch."""

    name: str = Field("default", description="Name of the cluster in operations, branches and messages.")
    kubeconfig: str | None = Field(
        None,
        description="Path of a kubeconfig; empty: the one in $KUBECONFIG, then the pod's service account.",
    )
    context: str | None = Field(None, description="Context in the kubeconfig; empty: its current one.")
    namespaces: tuple[str, ...] = Field(
        (), description="Only these namespaces are watched and touched; empty: every one that may be listed."
    )
    environment_label: str = Field(
        "environment",
        description="Namespace label that names the environment; a namespace without it counts as production.",
    )
    timeout: Duration = Field(timedelta(seconds=15), description="Limit for one request.")


class MetricsSettings(_Section):
    """Prometheus."""

    url: str = Field(description="Address, for example http://prometheus.monitoring:9090.")
    timeout: Duration = Field(timedelta(seconds=10), description="Limit for one query.")
    window: Duration = Field(timedelta(hours=1), description="How far back peaks are looked for.")


class AlertsSettings(_Section):
    """Alertmanager."""

    url: str = Field(description="Address, for example http://alertmanager.monitoring:9093.")
    timeout: Duration = Field(timedelta(seconds=10), description="Limit for one request.")


class RepositorySettings(_Section):
    """The Git repository that Argo CD reads."""

    url: str = Field(description="HTTPS address, the same as in the Applications.")
    base: str | None = Field(None, description="Base branch; empty: the remote's default branch.")
    mirror: str = Field(".reconciler/mirror.git", description="Folder of the bare mirror; made when missing.")
    username: str = Field("reconciler", description="User name sent with the token.")
    token_env: str = Field("RECONCILER_GIT_TOKEN", description="Environment variable that holds the token.")
    token_file: str | None = Field(None, description="File that holds the token; wins over token_env.")
    author_name: str = Field("reconciler", description="Name in our commits.")
    author_email: str = Field("reconciler@localhost", description="E-mail in our commits; tells ours from others.")
    timeout: Duration = Field(timedelta(seconds=30), description="Limit for one fetch or push.")


class ForgeSettings(_Section):
    """Where pull requests are opened."""

    kind: ForgeKind = Field(ForgeKind.GITHUB, description="github or gitea.")
    url: str | None = Field(None, description="API address; empty: https://api.github.com.")
    repository: str = Field(description="owner/name.", pattern=r"^[^/\s]+/[^/\s]+$")
    token_env: str = Field("RECONCILER_FORGE_TOKEN", description="Environment variable that holds the token.")
    token_file: str | None = Field(None, description="File that holds the token; wins over token_env.")
    labels: tuple[str, ...] = Field(("reconciler",), description="Labels that are put on our pull requests.")
    reviewers: tuple[str, ...] = Field((), description="Users who are asked for a review.")
    branch_prefix: str = Field(
        "reconciler",
        description="Our branches are <prefix>/<target>-<identity>.",
        pattern=r"^[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*$",
    )
    hold_label: str = Field(
        "hold", description="A pull request with this label is left alone: not updated, not closed, not merged by us."
    )
    merge_method: MergeMethod = Field(
        MergeMethod.MERGE, description="How we merge where policy lets us: merge, squash or rebase."
    )
    timeout: Duration = Field(timedelta(seconds=15), description="Limit for one request.")


class DeliverySettings(_Section):
    """Argo CD."""

    namespace: str | None = Field(
        None,
        description="Namespace of the Applications; empty: all namespaces (Applications in any namespace).",
    )
    liveness_limit: Duration = Field(
        timedelta(minutes=30),
        description="A merged change that is not live after this long counts as not applied.",
    )
    nudge_interval: Duration = Field(
        timedelta(seconds=30), description="Shortest time between two refresh requests for one Application."
    )


class RenderingSettings(_Section):
    """Kustomize and Helm, which find the line behind a rendered object and prove an edit of it."""

    kustomize: str | None = Field(None, description="Path of kustomize (5.x); empty: the one on $PATH.")
    helm: str | None = Field(None, description="Path of helm (3.x); empty: the one on $PATH.")
    charts: str | None = Field(
        None,
        description="Folder of pulled charts, <name>-<version>.tgz, for sources that name a chart repository;"
        " nothing is ever downloaded. Empty: such sources are not rendered.",
    )
    timeout: Duration = Field(timedelta(seconds=30), description="Limit for one rendering.")
    max_files: int = Field(2000, ge=1, description="A source that reads more files is not rendered.")
    max_bytes: int = Field(33_554_432, ge=1, description="Nor one that reads, or renders, more bytes.")
    max_renderings: int = Field(60, ge=3, description="Renderings for one proposal, while its line is looked for.")


class LocateSettings(_Section):
    """How the line behind a rendered field is found."""

    allow_shared: bool = Field(
        default=False,
        description="True: a file that other Applications read may be edited, and the pull request names them;"
        " false: such an edit is refused, and the overlay is named that should hold the value.",
    )
    mappings: tuple[str, ...] = Field(
        (),
        description="Where a field is to be edited: <namespace>/<kind>/<name>=<file>#<field>, without #<field> any"
        " value in that file. Proven by rendering, like every other place.",
    )


class PolicySettings(_Section):
    """Rego rules."""

    folder: str | None = Field(
        None, description="Folder of .rego files that replaces the shipped one; empty: the shipped rules."
    )
    operator_folder: str | None = Field(
        None, description="Folder of your own rules (package operator); they can only tighten."
    )
    opa_url: str | None = Field(
        None, description="Address of an OPA server that holds the same rules; empty: the embedded engine."
    )
    after_failure: AfterFailure = Field(
        AfterFailure.REVERT,
        description="Handed to the policy: what follows when a delivered change did not help.",
    )
    merge: MergePolicy = Field(
        MergePolicy.NEVER,
        description="Handed to the policy: whether we merge our own pull requests, never, once a person approved the "
        "exact head, or at once; the repository's own rules hold in any case.",
    )
    approvers: tuple[str, ...] = Field(
        ("system:kubernaut:production-approvers",),
        description="Who may approve manual actions; shown in requests.",
    )


class MemorySettings(_Section):
    """Out-of-memory findings and their remedy."""

    window: Duration = Field(timedelta(hours=1), description="An OOM kill older than this is history.")
    growth: float = Field(2.0, gt=1, le=8, description="New limit = old limit × this, more if the peak needs it.")
    headroom: float = Field(1.15, ge=1, le=4, description="New limit is at least the peak × this.")
    maximum: Quantity = Field("16Gi", description="No limit above this is proposed (a Kubernetes quantity).")


class GuardSettings(_Section):
    """Brakes outside policy; reaching one is said once and shown in every pass."""

    paused: bool = Field(default=False, description="True: observe, record and follow, but start nothing new.")
    cooldown: Duration = Field(timedelta(minutes=5), description="Rest between two actions on one target.")
    actions_per_hour: int = Field(20, ge=0, description="Imperative actions in all, per hour.")
    pull_requests_per_hour: int = Field(10, ge=0, description="Pull requests opened, per hour.")
    max_open_pull_requests: int = Field(
        20, ge=0, description="Pull requests of ours open at the same time; further ones wait."
    )
    update_interval: Duration = Field(
        timedelta(hours=1), description="Shortest time between two pushes to one pull request: each starts its checks."
    )
    quiet_passes: int = Field(
        3, ge=1, description="Passes in a row without the trouble before its open pull request is closed."
    )
    quiet_period: Duration = Field(
        timedelta(days=1),
        description="How long the trouble must be gone as well; a day holds the peak that comes once a day.",
    )
    circuit_failures: int = Field(3, ge=1, description="Failures in a row that stop a target.")
    circuit_rest: Duration = Field(timedelta(hours=1), description="How long a stopped target rests.")
    attempts_per_day: int = Field(3, ge=1, description="Operations on one finding in 24 h; then a person is asked.")
    rejection_stands: Duration = Field(
        timedelta(days=7), description="A person's no to the same proposal holds this long."
    )
    failure_stands: Duration = Field(
        timedelta(days=1), description="A proposal that did not help is not made again for this long."
    )
    refusal_stands: Duration = Field(
        timedelta(hours=1), description="A refused remedy is looked at again after this long."
    )
    effect_attempts: int = Field(5, ge=1, description="Tries of one write before a person is asked.")
    effect_backoff: Duration = Field(
        timedelta(seconds=30), description="Wait after a failed write; doubles each time, up to one hour."
    )
    max_file_bytes: int = Field(1_048_576, ge=1, description="Larger manifests are not edited.")
    max_changed_lines: int = Field(20, ge=1, description="A larger diff is refused.")
    allowed_paths: tuple[str, ...] = Field(
        (),
        description="Only files below these folders of the repository are edited; empty: any located file.",
    )


class VerifySettings(_Section):
    """How an outcome is judged."""

    stabilization_period: Duration = Field(
        timedelta(seconds=60), description="Wait after a change is live, before checks."
    )
    settle_limit: Duration = Field(
        timedelta(minutes=10),
        description="How long after the stabilization period pods may take to be ready and alerts to resolve.",
    )
    clean_reads: int = Field(2, ge=1, description="Passes in a row that must find nothing wrong.")


class LedgerSettings(_Section):
    """Where events are kept."""

    kind: LedgerKind = Field(
        LedgerKind.SQLITE,
        description="sqlite, a file, or git_ref, a reference of the repository, for runners without a disk.",
    )
    path: str = Field(".reconciler/ledger.db", description="For sqlite: the file; made when missing.")
    ref: Reference = Field(
        "refs/reconciler/ledger",
        description="For git_ref: the reference; a branch, refs/heads/NAME, where the forge takes no others.",
    )


class Settings(_Section):
    """The whole of `reconciler.yaml`."""

    cluster: ClusterSettings = Field(default_factory=ClusterSettings)
    metrics: MetricsSettings
    alerts: AlertsSettings
    repository: RepositorySettings
    forge: ForgeSettings
    delivery: DeliverySettings = Field(default_factory=DeliverySettings)
    rendering: RenderingSettings = Field(default_factory=RenderingSettings)
    locate: LocateSettings = Field(default_factory=LocateSettings)
    policy: PolicySettings = Field(default_factory=PolicySettings)
    memory: MemorySettings = Field(default_factory=MemorySettings)
    guards: GuardSettings = Field(default_factory=GuardSettings)
    verify: VerifySettings = Field(default_factory=VerifySettings)
    ledger: LedgerSettings = Field(default_factory=LedgerSettings)

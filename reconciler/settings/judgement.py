"""How troubles, actions and outcomes are judged: policy, families of trouble, guards, verification."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from reconciler.settings.choices import AfterFailure, MergePolicy
from reconciler.settings.values import Duration, Quantity, Section


class PolicySettings(Section):
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


class MemorySettings(Section):
    """Out-of-memory findings and their remedy."""

    window: Duration = Field(timedelta(hours=1), description="An OOM kill older than this is history.")
    growth: float = Field(2.0, gt=1, le=8, description="New limit = old limit × this, more if the peak needs it.")
    headroom: float = Field(1.15, ge=1, le=4, description="New limit is at least the peak × this.")
    maximum: Quantity = Field("16Gi", description="No limit above this is proposed (a Kubernetes quantity).")


class GuardSettings(Section):
    """Brakes outside policy; reaching one is said once and shown in every pass."""

    paused: bool = Field(default=False, description="True: observe, record and follow, but start nothing new.")
    cooldown: Duration = Field(timedelta(minutes=5), description="Rest between two actions on one target.")
    actions_per_hour: int = Field(20, ge=0, description="Imperative actions in all, per hour.")
    pull_requests_per_hour: int = Field(10, ge=0, description="Pull requests opened, per hour.")
    max_open_pull_requests: int = Field(
        20, ge=0, description="Pull requests of ours open at the same time; further ones wait."
    )
    max_objects_per_pull_request: int = Field(
        10,
        ge=1,
        description="Objects of one Application that share a pull request when the budgets do not leave one for each; "
        "1: none ever do.",
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


class VerifySettings(Section):
    """How an outcome is judged."""

    stabilization_period: Duration = Field(
        timedelta(seconds=60), description="Wait after a change is live, before checks."
    )
    settle_limit: Duration = Field(
        timedelta(minutes=10),
        description="How long after the stabilization period pods may take to be ready and alerts to resolve.",
    )
    clean_reads: int = Field(2, ge=1, description="Passes in a row that must find nothing wrong.")

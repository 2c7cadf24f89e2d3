"""The configuration file `reconciler.yaml`: every key, its unit, its default, in one place.

Environment variables `RECONCILER_<SECTION>__<KEY>` win over the file. Unknown keys are errors with a line number.
Secrets are given as paths of files, or by environment variables named in the file; never in the file itself.
The reference page `docs/reference/configuration.md` is generated from here.
"""

from __future__ import annotations

from pydantic import Field

from reconciler.settings.choices import (
    AfterFailure,
    CommitsBy,
    DeliveryKind,
    ForgeKind,
    LedgerKind,
    MergeMethod,
    MergePolicy,
)
from reconciler.settings.git import (
    ForgeSettings,
    LedgerSettings,
    LocateSettings,
    RenderingSettings,
    RepositorySettings,
)
from reconciler.settings.judgement import GuardSettings, MemorySettings, PolicySettings, VerifySettings
from reconciler.settings.values import Duration, Section, format_duration
from reconciler.settings.webhooks import WebhookSettings
from reconciler.settings.world import AlertsSettings, ClusterSettings, DeliverySettings, MetricsSettings

__all__ = [
    "AfterFailure",
    "AlertsSettings",
    "ClusterSettings",
    "CommitsBy",
    "DeliveryKind",
    "DeliverySettings",
    "Duration",
    "ForgeKind",
    "ForgeSettings",
    "GuardSettings",
    "LedgerKind",
    "LedgerSettings",
    "LocateSettings",
    "MemorySettings",
    "MergeMethod",
    "MergePolicy",
    "MetricsSettings",
    "PolicySettings",
    "RenderingSettings",
    "RepositorySettings",
    "Settings",
    "VerifySettings",
    "WebhookSettings",
    "format_duration",
]


class Settings(Section):
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
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)

"""The systems that are watched: cluster, metrics, alerts, delivery."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from reconciler.settings.choices import DeliveryKind
from reconciler.settings.values import Duration, Section, WebAddress


class ClusterSettings(Section):
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


class MetricsSettings(Section):
    """Prometheus."""

    url: WebAddress = Field(description="Address, for example http://prometheus.monitoring:9090.")
    timeout: Duration = Field(timedelta(seconds=10), description="Limit for one query.")
    window: Duration = Field(timedelta(hours=1), description="How far back peaks are looked for.")


class AlertsSettings(Section):
    """Alertmanager."""

    url: WebAddress = Field(description="Address, for example http://alertmanager.monitoring:9093.")
    timeout: Duration = Field(timedelta(seconds=10), description="Limit for one request.")


class DeliverySettings(Section):
    """What delivers from Git: Argo CD, Flux, or both."""

    kinds: tuple[DeliveryKind, ...] = Field(
        (DeliveryKind.ARGOCD,),
        min_length=1,
        description="Which systems are read: argocd, flux. What carries the marks of one that is not read has an"
        " unknown owner and is left alone.",
    )
    namespace: str | None = Field(
        None,
        description="Namespace of Argo CD's Applications; empty: all namespaces (Applications in any namespace)."
        " Flux's objects are read in all.",
    )
    liveness_limit: Duration = Field(
        timedelta(minutes=30),
        description="A merged change that is not live after this long counts as not applied.",
    )
    nudge_interval: Duration = Field(
        timedelta(seconds=30), description="Shortest time between two refresh requests for one Application."
    )

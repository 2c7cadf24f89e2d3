"""The seams: what the stages may ask of the world, as Protocols. Each vendor is one file under `adapters/`.

Reads return `Unknown` instead of raising when a source does not answer (invariant 3); effects raise an error of
`errors.py`. An adapter maps its vendor's exceptions there and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.ports.examined import Clock, Diagnosis, Examined
from reconciler.ports.forge import Forge, Talk
from reconciler.ports.git import RefStore, Renderer, Repository
from reconciler.ports.judgement import Ledger, Policy
from reconciler.ports.world import Alerts, ApplyReport, Cluster, Delivery, Metrics

__all__ = [
    "Alerts",
    "ApplyReport",
    "Clock",
    "Cluster",
    "Delivery",
    "Diagnosis",
    "Examined",
    "Forge",
    "Ledger",
    "Metrics",
    "Policy",
    "Ports",
    "RefStore",
    "Renderer",
    "Repository",
    "Talk",
]


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

"""How fast things happen in the sandbox: at a test's pace, or at a real cluster's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Every wait of the sandbox's parts; amounts are sandbox time."""

    pull: timedelta  # an image, and then a container starts
    lives: timedelta  # a container with a fault, before it ends
    back_off: tuple[timedelta, ...]  # before each restart; the last one repeats
    pull_back_off: timedelta  # between two tries to pull an image
    ready: timedelta  # a container, from running to ready
    terminate: timedelta  # a pod, from deleted to gone
    node_lost: timedelta  # a node's kubelet silent, before the node counts as not ready
    autoscaler: timedelta  # between two looks of the horizontal autoscaler
    scrape: timedelta  # between two samples of a series
    alert: timedelta  # the unit of the alert rules' waits: `for` is a multiple of it
    resolve: timedelta  # an alert, from no longer true to gone from Alertmanager
    poll: timedelta  # between two looks of Argo CD at Git
    compare: timedelta  # Argo CD's work, from a refresh to the new comparison
    sync: timedelta  # Argo CD's work, from OutOfSync to applied

    @classmethod
    def quick(cls) -> Self:
        """Return the pace of the testbed, for tests."""
        return cls(
            pull=timedelta(milliseconds=200),
            lives=timedelta(seconds=2),
            back_off=tuple(timedelta(seconds=s) for s in (1, 2, 4, 8)),
            pull_back_off=timedelta(seconds=2),
            ready=timedelta(milliseconds=200),
            terminate=timedelta(milliseconds=200),
            node_lost=timedelta(seconds=4),
            autoscaler=timedelta(seconds=2),
            scrape=timedelta(seconds=1),
            alert=timedelta(seconds=1),
            resolve=timedelta(seconds=2),
            poll=timedelta(seconds=10),
            compare=timedelta(milliseconds=300),
            sync=timedelta(milliseconds=300),
        )

    @classmethod
    def real(cls) -> Self:
        """Return the pace of a real cluster, for demonstrations in virtual time."""
        return cls(
            pull=timedelta(seconds=4),
            lives=timedelta(seconds=20),
            back_off=tuple(timedelta(seconds=s) for s in (10, 20, 40, 80, 160, 300)),
            pull_back_off=timedelta(seconds=30),
            ready=timedelta(seconds=5),
            terminate=timedelta(seconds=2),
            node_lost=timedelta(seconds=40),
            autoscaler=timedelta(seconds=15),
            scrape=timedelta(seconds=15),
            alert=timedelta(seconds=15),
            resolve=timedelta(seconds=60),
            poll=timedelta(seconds=120),
            compare=timedelta(seconds=1),
            sync=timedelta(seconds=2),
        )

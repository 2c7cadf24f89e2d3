"""Settings become ports: the one place that knows which adapter stands behind which port.

Everything is built at first use: `reconciler status` opens the ledger and nothing else, and a server that is down or
a library that is missing only stops the command that needs it.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.adapters.kubernetes_api import KubernetesApi
    from reconciler.ledger.store import Store
    from reconciler.ports import (
        Alerts,
        Clock,
        Delivery,
        Examined,
        Forge,
        Metrics,
        Policy,
        Ports,
        Renderer,
        Repository,
    )
    from reconciler.settings import ForgeSettings, RepositorySettings, Settings
    from reconciler.talk_port import Talk


class Composition:
    """The adapters that one configuration asks for, each built when it is first wanted."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], *, clock: Clock | None = None) -> None:
        self.settings = settings
        self._environ = environ
        self._clock = clock

    @cached_property
    def clock(self) -> Clock:
        """The system's clock, or the one given: a demonstration has time of its own."""
        from reconciler.adapters.clock import SystemClock

        return self._clock or SystemClock()

    @cached_property
    def ledger(self) -> Store:
        """The ledger: a file, or a reference of the repository; reading makes neither."""
        from reconciler.settings import LedgerKind

        if self.settings.ledger.kind is LedgerKind.GIT_REF:
            return self._ledger_on_a_ref()
        from reconciler.ledger.sqlite import SqliteLedger

        return SqliteLedger(Path(self.settings.ledger.path))

    def _ledger_on_a_ref(self) -> Store:
        import secrets

        from reconciler.adapters.git_ref import git_ref
        from reconciler.ledger.git_ref import GitRefLedger

        settings, reference = self.settings.repository, self.settings.ledger.ref
        store = git_ref(settings, reference, self.settings.forge.branch_prefix, self._token(settings))
        mirror, slug = Path(settings.mirror), reference.removeprefix("refs/").replace("/", "-")
        return GitRefLedger(store, mirror.with_name(f"{mirror.name}.{slug}"), writer=secrets.token_hex(8))

    @cached_property
    def cluster(self) -> KubernetesApi:
        """The Kubernetes API server."""
        from reconciler.adapters.kubernetes_api import kubernetes_api

        return kubernetes_api(self.settings.cluster)

    @cached_property
    def metrics(self) -> Metrics:
        """Prometheus."""
        from reconciler.adapters.prometheus import prometheus

        return prometheus(self.settings.metrics)

    @cached_property
    def alerts(self) -> Alerts:
        """Alertmanager."""
        from reconciler.adapters.alertmanager import alertmanager

        return alertmanager(self.settings.alerts)

    @cached_property
    def repository(self) -> Repository:
        """The bare mirror of the Git repository."""
        from reconciler.adapters.git_bare import git_bare

        settings = self.settings.repository
        return git_bare(settings, self.settings.forge.branch_prefix, self._token(settings))

    @cached_property
    def renderer(self) -> Renderer:
        """Kustomize and Helm; nothing is started before something is rendered."""
        from reconciler.adapters.rendering import Renderers

        return Renderers(self.settings.rendering)

    @cached_property
    def forge(self) -> Forge:
        """GitHub or Gitea."""
        from reconciler.settings import ForgeKind

        settings = self.settings.forge
        if settings.kind is ForgeKind.GITEA:
            from reconciler.adapters.gitea import gitea

            return gitea(settings, self._token(settings))
        from reconciler.adapters.github import github

        return github(settings, self._token(settings))

    @cached_property
    def talk(self) -> Talk | None:
        """Comments, labels, statuses and the dashboard of the same forge; None when nobody asks for any."""
        from reconciler.settings import ForgeKind

        settings = self.settings.forge
        if not self._talks:
            return None
        if settings.kind is ForgeKind.GITEA:
            from reconciler.adapters.gitea_talk import gitea_talk

            return gitea_talk(settings, self._token(settings))
        from reconciler.adapters.github_talk import github_talk

        return github_talk(settings, self._token(settings))

    @cached_property
    def delivery(self) -> Delivery:
        """Argo CD, through the cluster's API."""
        from reconciler.adapters.argocd import argocd

        return argocd(self.settings.delivery, self.cluster, self.settings.cluster.name)

    @cached_property
    def policy(self) -> Policy:
        """The Rego rules: on an OPA server where one is named, else in this process."""
        settings = self.settings.policy
        if settings.opa_url:
            from reconciler.adapters.opa_server import opa_server

            return opa_server(settings.opa_url)
        from reconciler.adapters.rego_embedded import embedded_rego
        from reconciler.resources import shipped

        folders = [Path(settings.folder) if settings.folder else shipped("policies")]
        folders += [Path(settings.operator_folder)] if settings.operator_folder else []
        return embedded_rego(folders)

    def ports(self) -> Ports:
        """Everything that a pass may talk to."""
        from reconciler.ports import Ports

        return Ports(
            clock=self.clock,
            cluster=self.cluster,
            metrics=self.metrics,
            alerts=self.alerts,
            repository=self.repository,
            renderer=self.renderer,
            forge=self.forge,
            delivery=self.delivery,
            policy=self.policy,
            ledger=self.ledger,
            talk=self.talk,
        )

    def examined(self) -> tuple[tuple[str, Callable[[], Examined]], ...]:
        """What `reconciler doctor` asks, by name; the calls build what is asked."""
        return (
            ("cluster", lambda: self.cluster),
            ("delivery", lambda: self.delivery),
            ("metrics", lambda: self.metrics),
            ("alerts", lambda: self.alerts),
            ("repository", lambda: self.repository),
            ("rendering", lambda: self.renderer),
            ("forge", lambda: self.forge),
            *((("talk", lambda: self.talk or self.forge),) if self._talks else ()),
            ("policy", lambda: self.policy),
            ("ledger", lambda: self.ledger),
        )

    @property
    def _talks(self) -> bool:
        settings = self.settings.forge
        return settings.commands or settings.dashboard or settings.statuses

    def _token(self, settings: RepositorySettings | ForgeSettings) -> str:
        from reconciler.configuration import read_token

        return read_token(settings.token_file, settings.token_env, self._environ)

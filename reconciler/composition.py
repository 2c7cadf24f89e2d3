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

    from reconciler.adapters.github_budget import Budget
    from reconciler.adapters.kubernetes_api import KubernetesApi
    from reconciler.identity import Identity
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
        Talk,
    )
    from reconciler.settings import Settings
    from reconciler.webhooks.listening import Listener


class Composition:
    """The adapters that one configuration asks for, each built when it is first wanted."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        *,
        clock: Clock | None = None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Take what everything is built from; `told` hears of an adapter's work that takes its time."""
        self.settings = settings
        self._told = told
        self._environ = environ
        self._clock = clock

    @cached_property
    def clock(self) -> Clock:
        """The system's clock, or the one given: a demonstration has time of its own."""
        from reconciler.adapters.clock import SystemClock

        return self._clock or SystemClock()

    @cached_property
    def _identity(self) -> Identity:
        from reconciler.identity import Identity

        return Identity(self.settings, self._environ, self.clock)

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

        settings, reference = self._identity.repository_settings, self.settings.ledger.ref
        store = git_ref(settings, reference, self.settings.forge.branch_prefix, self._identity.git_secret)
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

        signer = self._identity.signer(self._budget)
        prefix = self.settings.forge.branch_prefix
        return git_bare(
            self._identity.repository_settings, prefix, self._identity.git_secret, self._told, signer=signer
        )

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

            return gitea(settings, self._identity.forge_token, base=self.settings.repository.base)
        from reconciler.adapters.github import github

        remembered = Path(f"{self.settings.repository.mirror}.lists.json")
        return github(
            settings,
            self._identity.forge_secret,
            budget=self._budget,
            base=self.settings.repository.base,
            remembered=None
            if self._identity.app
            else remembered,  # an App's next process has another token, and so other ETags
        )

    @cached_property
    def talk(self) -> Talk | None:
        """Comments, labels, statuses and the dashboard of the same forge; None when nobody asks for any."""
        from reconciler.settings import ForgeKind

        settings = self.settings.forge
        if not self._talks:
            return None
        if settings.kind is ForgeKind.GITEA:
            from reconciler.adapters.gitea_talk import gitea_talk

            return gitea_talk(settings, self._identity.forge_token)
        from reconciler.adapters.github_talk import github_talk

        return github_talk(settings, self._identity.forge_secret, budget=self._budget)

    @cached_property
    def delivery(self) -> Delivery:
        """Argo CD, Flux, or both, through the cluster's API."""
        from reconciler.adapters.deliveries import Deliveries
        from reconciler.settings import DeliveryKind

        systems: dict[tuple[str, ...], Delivery] = {}
        name = self.settings.cluster.name
        if DeliveryKind.ARGOCD in self.settings.delivery.kinds:
            from reconciler.adapters.argocd import APPLICATIONS, argocd

            systems[(APPLICATIONS.group,)] = argocd(self.settings.delivery, self.cluster, name)
        if DeliveryKind.FLUX in self.settings.delivery.kinds:
            from reconciler.adapters.flux import KUSTOMIZATIONS, RELEASES, flux

            systems[(KUSTOMIZATIONS.group, RELEASES.group)] = flux(self.cluster, name, self.clock)
        return Deliveries(systems)

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

    def listener(self, ring: Callable[[str], None]) -> Listener | None:
        """What wakes the loop when the forge has news, already holding its address; None: nothing is to listen."""
        settings = self.settings.webhooks
        if settings.listen is None:
            return None
        from reconciler.webhooks.listening import Listener
        from reconciler.webhooks.receiving import receiver

        return Listener(receiver(self.settings, self._identity.webhook_secrets, ring), settings.listen)

    @property
    def _doorbell(self) -> Examined:
        from reconciler.webhooks.examining import Doorbell

        return Doorbell(str(self.settings.webhooks.listen), self._identity.webhook_secrets)

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
            *((("webhooks", lambda: self._doorbell),) if self.settings.webhooks.listen else ()),
        )

    @property
    def _talks(self) -> bool:
        settings = self.settings.forge
        return settings.commands or settings.dashboard or settings.statuses

    @cached_property
    def _budget(self) -> Budget:
        """How much this process may still ask of GitHub."""
        from reconciler.adapters.github_budget import Budget

        return Budget(self.clock)

"""Who we are to forge, Git and their webhooks: tokens, or a GitHub App, from the files and variables that are named.

Nothing is read before it is wanted. Protects: a secret is read where it is used, and no settings object holds one.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.configuration import read_key, read_secrets, read_token
from reconciler.errors import ConfigurationError
from reconciler.settings import ForgeKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.adapters.git_bare import Signer
    from reconciler.adapters.github_app import AppTokens
    from reconciler.adapters.github_budget import Budget
    from reconciler.adapters.tokens import Secret
    from reconciler.ports import Clock
    from reconciler.settings import RepositorySettings, Settings


class Identity:
    """The secrets of one configuration; each raises ConfigurationError where it cannot be had."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], clock: Clock) -> None:
        self._settings = settings
        self._environ = environ
        self._clock = clock

    @cached_property
    def app(self) -> AppTokens | None:
        """The GitHub App that we act as, for the API and for Git; None: there are tokens."""
        settings = self._settings.forge
        if settings.app_id is None:
            return None
        if settings.kind is not ForgeKind.GITHUB:
            raise ConfigurationError(
                code="forge.app_elsewhere",
                message=f"forge.app_id names a GitHub App, but forge.kind is {settings.kind}",
                remedy="remove forge.app_id, or set forge.kind to github",
            )
        from reconciler.adapters.github_app import AppTokens
        from reconciler.adapters.github_commits import refuse_other_place

        refuse_other_place(settings, self._settings.repository)
        return AppTokens(
            settings, lambda: read_key(settings.app_key_file, settings.app_key_env, self._environ), self._clock
        )

    def signer(self, budget: Budget) -> Signer | None:
        """Return what makes commits on GitHub, where we are an App."""
        if self.app is None:
            return None
        from reconciler.adapters.github_client import connect
        from reconciler.adapters.github_commits import AppCommits

        client = connect(self._settings.forge, self.app, per_page=1, budget=budget)
        return AppCommits(client, self._settings.forge, self.app)

    @property
    def repository_settings(self) -> RepositorySettings:
        """The section as Git uses it: an App's token goes with a user name of GitHub's."""
        settings = self._settings.repository
        if self.app is None:
            return settings
        from reconciler.adapters.github_app import USERNAME

        return settings.model_copy(update={"username": USERNAME})

    @property
    def forge_secret(self) -> AppTokens | str:
        """What the forge's API lets us in by."""
        return self.app or self.forge_token

    @property
    def git_secret(self) -> Secret | str:
        """What the Git server lets us in by."""
        settings = self._settings.repository
        return self.app or read_token(settings.token_file, settings.token_env, self._environ)

    @property
    def forge_token(self) -> str:
        """The forge's token, where we are no App."""
        settings = self._settings.forge
        return read_token(settings.token_file, settings.token_env, self._environ)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """What webhooks are signed with; several while one takes the place of another."""
        settings = self._settings.webhooks
        return read_secrets(settings.secret_file, settings.secret_env, self._environ)

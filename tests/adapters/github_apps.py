"""A repository in the sandbox's GitHub with an App let into it, and the adapters that act as this App."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.adapters.git_bare import git_bare
from reconciler.adapters.github import github
from reconciler.adapters.github_app import USERNAME, AppTokens
from reconciler.adapters.github_budget import Budget
from reconciler.adapters.github_client import connect
from reconciler.adapters.github_commits import AppCommits
from reconciler.sandbox.wire import Request
from reconciler.settings import CommitsBy, ForgeSettings, RepositorySettings
from tests.sandbox.forge.keys import keys
from tests.sandbox.forge.rest import REPOSITORY, World, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.ports import Forge, Repository

GRANTED = {"contents": "write", "pull_requests": "write", "statuses": "write", "workflows": "write"}


@dataclass
class AppPlace:
    """The forge, the App's numbers, and every request that was made since `asked` was cleared."""

    world: World
    folder: Path
    app: int
    installation: int
    key: str = field(default_factory=lambda: keys().private)
    asked: list[Request] = field(default_factory=list)

    def settings(self, **changes: Any) -> ForgeSettings:  # noqa: ANN401 - any setting
        """Return the section `forge`."""
        found = {"url": self.world.url, "repository": REPOSITORY, "app_id": str(self.app), "labels": (), **changes}
        return ForgeSettings(**found)

    def tokens(self, **changes: Any) -> AppTokens:  # noqa: ANN401 - any setting
        """Return the App's tokens, of a new process."""
        return AppTokens(self.settings(**changes), lambda: self.key, self.world.clock)

    def forge(self, tokens: AppTokens | None = None) -> Forge:
        """Return the code under test, as the App."""
        return github(self.settings(), tokens or self.tokens(), budget=Budget(self.world.clock))

    def repository(self, mirror: str = "mirror.git", by: CommitsBy = CommitsBy.API) -> Repository:
        """Return the repository, its commits made by GitHub."""
        tokens = self.tokens()
        settings = RepositorySettings(
            url=f"{self.world.url}/{REPOSITORY}.git", mirror=str(self.folder / mirror), commits=by, username=USERNAME
        )
        signer = AppCommits(connect(self.settings(), tokens, per_page=1), self.settings(), tokens)
        return git_bare(settings, "reconciler", tokens, signer=signer)

    def calls(self, method: str, ending: str = "") -> list[Request]:
        """Return the requests of a method whose path ends so."""
        return [each for each in self.asked if each.method == method and each.path.endswith(ending)]


@contextmanager
def app_place(folder: Path, granted: dict[str, str] | None = None) -> Iterator[AppPlace]:
    """Serve a forge of its own with an App in it."""
    with world(folder / "forge") as made:
        app, installation = made.forge.install_app("keeper", [REPOSITORY], keys().public, granted or GRANTED)
        place = AppPlace(made, folder, app, installation)
        handle = made.forge._rest.answer

        def noted(request: Request, path: str, urls: Any) -> Any:  # noqa: ANN401 - passed on as they are
            place.asked.append(request)
            return handle(request, path, urls)

        made.forge._rest.answer = noted  # type: ignore[method-assign]
        yield place

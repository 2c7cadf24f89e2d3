"""What a test may know of its world, whichever it is: the sandbox or the testbed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.ports import Clock
    from tests.testbed.kube import Kube

T = TypeVar("T")


class People(Protocol):
    """One user's connection to the forge, with what people do there; not the code under test."""

    def call(self, method: str, path: str, **fields: Any) -> Any:  # noqa: ANN401 - JSON of any shape
        """Make one request with a JSON body, and return the JSON answered."""

    def create_repository(self, owner: str, name: str, changes: Mapping[str, str | None]) -> None:
        """Create an organisation's repository whose first commits on `main` hold the given files."""

    def delete_repository(self, repository: str) -> None:
        """Delete a repository."""

    def commit(
        self,
        repository: str,
        changes: Mapping[str, str | None],
        message: str,
        *,
        branch: str = "main",
        new_branch: str = "",
    ) -> str:
        """Commit files, to a branch or to a new one made from it, and return the commit's hash."""

    def text(self, repository: str, path: str, ref: str = "main") -> str:
        """Return a file's text."""

    def branches(self, repository: str) -> list[str]:
        """Return the names of the branches."""

    def forbid_pushes(self, repository: str, pattern: str) -> None:
        """Let the forge's rules reject pushes to the branches that a pattern names."""

    def pull_requests(self, repository: str, state: str = "open") -> list[dict[str, Any]]:
        """Return the pull requests in a state (open, closed, all), the newest first."""

    def pull_request(self, repository: str, number: int) -> dict[str, Any]:
        """Return one pull request."""

    def open_pull_request(
        self, repository: str, head: str, title: str, *, base: str = "main", body: str = ""
    ) -> dict[str, Any]:
        """Open a pull request."""

    def approve(self, repository: str, number: int, *, commit: str | None = None, body: str = "LGTM") -> None:
        """Approve a pull request at a commit (its head, if none is given)."""

    def comment(self, repository: str, number: int, body: str) -> None:
        """Comment on a pull request."""

    def close(self, repository: str, number: int) -> None:
        """Close a pull request without merging it."""

    def merge(self, repository: str, number: int, method: str = "merge") -> str:
        """Merge a pull request (merge, squash or rebase) and return the merge commit."""


class Bed(Protocol):
    """A world: its addresses, its users, its time."""

    @property
    def server(self) -> str:
        """The API server's address, as Applications name their destination."""

    @property
    def authority(self) -> Path:
        """The certificate of the API server's authority."""

    @property
    def kubeconfigs(self) -> Mapping[str, Path]:
        """A kubeconfig for each user: admin, reconciler, readonly."""

    @property
    def prometheus(self) -> str:
        """Prometheus' address."""

    @property
    def alertmanager(self) -> str:
        """Alertmanager's address."""

    @property
    def forge_kind(self) -> str:
        """What the forge is: gitea or github."""

    @property
    def forge_url(self) -> str:
        """The forge's address, as the product's configuration names it."""

    @property
    def tokens(self) -> Mapping[str, str]:
        """A token of the forge for each user."""

    @property
    def clock(self) -> Clock:
        """The world's time, which the product must share."""

    def repository_url(self, repository: str) -> str:
        """Return the URL that Argo CD and Git clients clone from; anybody may read."""

    def kube(self, user: str = "admin") -> Kube:
        """Return a connection to the cluster as one of its users."""

    def forge(self, user: str = ...) -> People:
        """Return a connection to the forge as one of its users."""

    def until(self, condition: Callable[[], T | None], deadline: float, what: str) -> T:
        """Wait until a condition gives something other than None or False, and return that.

        Raises NotReady after `deadline` seconds of the world's time.
        """

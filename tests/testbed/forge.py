"""What people do on Gitea, by plain requests: not the product's adapter, on purpose.

Its API is GitHub's but for the places that are here.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, ClassVar

import urllib3

from reconciler.sandbox.people import ForgeError, Person
from tests.testbed.processes import NotReady, until

if TYPE_CHECKING:
    from collections.abc import Mapping

SCOPES = ["all"]
MERGEABLE_DEADLINE = 15.0


class Forge(Person):
    """One user's connection to Gitea."""

    approval: ClassVar[str] = "APPROVED"
    page: ClassVar[str] = "limit=50"

    def __init__(self, url: str, token: str | None = None, *, password: tuple[str, str] | None = None) -> None:
        authorization = (
            {"Authorization": f"token {token}"} if token else urllib3.make_headers(basic_auth=":".join(password or ()))
        )
        super().__init__(f"{url}/api/v1", token or "")
        self._headers = authorization | {"Content-Type": "application/json", "Accept": "application/json"}

    def create_token(self, user: str) -> str:
        """Create an API token; only possible with the password."""
        token: str = self.call("POST", f"/users/{user}/tokens", name="testbed", scopes=SCOPES)["sha1"]
        return token

    def create_repository(self, owner: str, name: str, changes: Mapping[str, str | None]) -> None:
        """Create an organisation's repository whose first commit on `main` holds the given files."""
        self.call("POST", f"/orgs/{owner}/repos", name=name, private=False, auto_init=False, default_branch="main")
        self.commit(f"{owner}/{name}", changes, "Initial manifests")

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
        files = [self._operation(repository, *change, branch) for change in changes.items()]
        fields: dict[str, Any] = {"files": files, "message": message, "branch": branch}
        if new_branch:
            fields["new_branch"] = new_branch
        answer = self.call("POST", f"/repos/{repository}/contents", **fields)
        sha: str = answer["commit"]["sha"]
        return sha

    def file(self, repository: str, path: str, ref: str = "main") -> dict[str, Any] | None:
        """Return a file's metadata and (base64) content, or None."""
        try:
            found: dict[str, Any] = self.call("GET", f"/repos/{repository}/contents/{path}?ref={ref}")
        except ForgeError as error:
            if error.status == 404:
                return None
            raise
        return found

    def forbid_pushes(self, repository: str, pattern: str) -> None:
        """Let a protection rule reject pushes to the branches that a pattern names."""
        self.call("POST", f"/repos/{repository}/branch_protections", rule_name=pattern, enable_push=False)

    def merge(self, repository: str, number: int, method: str = "merge") -> str:
        """Merge a pull request (merge, squash, rebase, rebase-merge) and return the merge commit.

        Gitea answers 405 while it is still working out whether the branch can be merged.
        """

        def attempt() -> bool:
            try:
                self.call("POST", f"/repos/{repository}/pulls/{number}/merge", Do=method)
            except ForgeError as error:
                if error.status == 405 and "try again" in str(error).lower():
                    return False
                raise
            return True

        until(attempt, MERGEABLE_DEADLINE, f"pull request {number} can be merged")
        merged = self.pull_request(repository, number)
        if not merged["merged"]:
            raise NotReady(f"pull request {number} is not merged")
        commit: str = merged["merge_commit_sha"]
        return commit

    def _operation(self, repository: str, path: str, content: str | None, branch: str) -> dict[str, str]:
        known = self.file(repository, path, branch)
        sha = {"sha": known["sha"]} if known else {}
        if content is None:
            return {"operation": "delete", "path": path} | sha
        encoded = base64.b64encode(content.encode()).decode()
        return {"operation": "update" if known else "create", "path": path, "content": encoded} | sha

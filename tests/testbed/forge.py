"""A small client of Gitea's API: what people do on the forge, for tests.

Not the product's adapter, on purpose: a test plays the reviewer with other code than the code under test.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import urllib3

from reconciler.sandbox.people import ForgeError
from tests.testbed.processes import NotReady, until

if TYPE_CHECKING:
    from collections.abc import Mapping

SCOPES = ["all"]
MERGEABLE_DEADLINE = 15.0


class Forge:
    """One user's connection to the forge."""

    def __init__(self, url: str, token: str | None = None, *, password: tuple[str, str] | None = None) -> None:
        authorization = (
            {"Authorization": f"token {token}"} if token else urllib3.make_headers(basic_auth=":".join(password or ()))
        )
        self._url = f"{url}/api/v1"
        self._headers = authorization | {"Content-Type": "application/json", "Accept": "application/json"}
        self._pool = urllib3.PoolManager(retries=False, timeout=30.0)

    def call(self, method: str, path: str, **fields: Any) -> Any:  # noqa: ANN401 - JSON of any shape
        """Make one request with a JSON body, and return the JSON answered (None when there is none)."""
        body = json.dumps(fields).encode() if fields or method in ("POST", "PATCH") else None
        response = self._pool.request(method, self._url + path, body=body, headers=self._headers)
        if response.status >= 300:
            raise ForgeError(method, path, response.status, response.data.decode(errors="replace"))
        return json.loads(response.data) if response.data else None

    def create_token(self, user: str) -> str:
        """Create an API token; only possible with the password."""
        token: str = self.call("POST", f"/users/{user}/tokens", name="testbed", scopes=SCOPES)["sha1"]
        return token

    def create_repository(self, owner: str, name: str, changes: Mapping[str, str | None]) -> None:
        """Create an organisation's repository whose first commit on `main` holds the given files."""
        self.call("POST", f"/orgs/{owner}/repos", name=name, private=False, auto_init=False, default_branch="main")
        self.commit(f"{owner}/{name}", changes, "Initial manifests")

    def delete_repository(self, repository: str) -> None:
        """Delete a repository."""
        self.call("DELETE", f"/repos/{repository}")

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

    def text(self, repository: str, path: str, ref: str = "main") -> str:
        """Return a file's text."""
        found = self.file(repository, path, ref)
        if found is None:
            raise FileNotFoundError(f"{repository}/{path} at {ref}")
        return base64.b64decode(found["content"]).decode()

    def branches(self, repository: str) -> list[str]:
        """Return the names of the branches."""
        return [branch["name"] for branch in self.call("GET", f"/repos/{repository}/branches")]

    def forbid_pushes(self, repository: str, pattern: str) -> None:
        """Let a protection rule reject pushes to the branches that a pattern names."""
        self.call("POST", f"/repos/{repository}/branch_protections", rule_name=pattern, enable_push=False)

    def pull_requests(self, repository: str, state: str = "open") -> list[dict[str, Any]]:
        """Return the pull requests in a state (open, closed, all), the newest first."""
        found: list[dict[str, Any]] = self.call("GET", f"/repos/{repository}/pulls?state={state}&limit=50")
        return found

    def pull_request(self, repository: str, number: int) -> dict[str, Any]:
        """Return one pull request."""
        found: dict[str, Any] = self.call("GET", f"/repos/{repository}/pulls/{number}")
        return found

    def open_pull_request(
        self, repository: str, head: str, title: str, *, base: str = "main", body: str = ""
    ) -> dict[str, Any]:
        """Open a pull request."""
        opened: dict[str, Any] = self.call(
            "POST", f"/repos/{repository}/pulls", head=head, base=base, title=title, body=body
        )
        return opened

    def approve(self, repository: str, number: int, *, commit: str | None = None, body: str = "LGTM") -> None:
        """Approve a pull request at a commit (its head, if none is given)."""
        head = commit or self.pull_request(repository, number)["head"]["sha"]
        path = f"/repos/{repository}/pulls/{number}/reviews"
        self.call("POST", path, event="APPROVED", body=body, commit_id=head)

    def comment(self, repository: str, number: int, body: str) -> None:
        """Comment on a pull request."""
        self.call("POST", f"/repos/{repository}/issues/{number}/comments", body=body)

    def close(self, repository: str, number: int) -> None:
        """Close a pull request without merging it."""
        self.call("PATCH", f"/repos/{repository}/pulls/{number}", state="closed")

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

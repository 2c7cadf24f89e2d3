"""What people do on GitHub, by plain requests to its REST API: not the product's adapter, on purpose."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, ClassVar

import urllib3

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFUSED = 300  # and above
TEAM = {"reconciler-bot": "push", "ana": "push", "mallory": "pull"}  # of every repository that somebody makes


class ForgeError(RuntimeError):
    """The forge said no."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        super().__init__(f"{method} {path}: {status} {body[:512]}")
        self.status = status


class Person:
    """One user's connection; a forge that imitates GitHub's API says only where it differs."""

    approval: ClassVar[str] = "APPROVE"  # a review's word
    page: ClassVar[str] = "per_page=100"  # as long as a list may be

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
        self._pool = urllib3.PoolManager(retries=False, timeout=30.0)

    def call(self, method: str, path: str, **fields: Any) -> Any:  # noqa: ANN401 - JSON of any shape
        """Make one request with a JSON body, and return the JSON answered (None when there is none)."""
        body = json.dumps(fields).encode() if fields or method == "POST" else None
        response = self._pool.request(method, self._url + path, body=body, headers=self._headers, redirect=False)
        if response.status >= _REFUSED:
            raise ForgeError(method, path, response.status, response.data.decode(errors="replace"))
        return json.loads(response.data) if response.data else None

    def create_repository(self, owner: str, name: str, changes: Mapping[str, str | None]) -> None:
        """Create an organisation's repository whose commits on `main` hold the given files."""
        self.call("POST", f"/orgs/{owner}/repos", name=name, auto_init=True)
        for user, permission in TEAM.items():
            self.call("PUT", f"/repos/{owner}/{name}/collaborators/{user}", permission=permission)
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
        """Commit files in one commit, to a branch or to a new one made from it, and return the commit's hash."""
        path = f"/repos/{repository}/git"
        parent: str = self.call("GET", f"{path}/ref/heads/{branch}")["object"]["sha"]
        tree = self.call("GET", f"{path}/commits/{parent}")["tree"]["sha"]
        entries = [_entry(*change) for change in changes.items()]
        made = self.call("POST", f"{path}/trees", base_tree=tree, tree=entries)["sha"]
        commit: str = self.call("POST", f"{path}/commits", message=message, tree=made, parents=[parent])["sha"]
        if new_branch:
            self.call("POST", f"{path}/refs", ref=f"refs/heads/{new_branch}", sha=commit)
        else:
            self.call("PATCH", f"{path}/refs/heads/{branch}", sha=commit)
        return commit

    def text(self, repository: str, path: str, ref: str = "main") -> str:
        """Return a file's text."""
        found = self.call("GET", f"/repos/{repository}/contents/{path}?ref={ref}")
        return base64.b64decode(found["content"]).decode()

    def branches(self, repository: str) -> list[str]:
        """Return the names of the branches."""
        return [branch["name"] for branch in self.call("GET", f"/repos/{repository}/branches?{self.page}")]

    def forbid_pushes(self, repository: str, pattern: str) -> None:
        """Let a ruleset reject creations and updates of the branches that a pattern names."""
        self.call(
            "POST",
            f"/repos/{repository}/rulesets",
            name="closed",
            target="branch",
            enforcement="active",
            conditions={"ref_name": {"include": [f"refs/heads/{pattern}"], "exclude": []}},
            rules=[{"type": "creation"}, {"type": "update"}],
        )

    def pull_requests(self, repository: str, state: str = "open") -> list[dict[str, Any]]:
        """Return the pull requests in a state (open, closed, all), the newest first."""
        found: list[dict[str, Any]] = self.call("GET", f"/repos/{repository}/pulls?state={state}&{self.page}")
        return found

    def pull_request(self, repository: str, number: int) -> dict[str, Any]:
        """Return one pull request."""
        found: dict[str, Any] = self.call("GET", f"/repos/{repository}/pulls/{number}")
        return found

    def open_pull_request(
        self, repository: str, head: str, title: str, *, base: str = "main", body: str = ""
    ) -> dict[str, Any]:
        """Open a pull request."""
        fields = {"head": head, "base": base, "title": title, "body": body}
        opened: dict[str, Any] = self.call("POST", f"/repos/{repository}/pulls", **fields)
        return opened

    def approve(self, repository: str, number: int, *, commit: str | None = None, body: str = "LGTM") -> None:
        """Approve a pull request at a commit (its head, if none is given)."""
        head = commit or self.pull_request(repository, number)["head"]["sha"]
        path = f"/repos/{repository}/pulls/{number}/reviews"
        self.call("POST", path, event=self.approval, body=body, commit_id=head)

    def comment(self, repository: str, number: int, body: str) -> None:
        """Comment on a pull request."""
        self.call("POST", f"/repos/{repository}/issues/{number}/comments", body=body)

    def close(self, repository: str, number: int) -> None:
        """Close a pull request without merging it."""
        self.call("PATCH", f"/repos/{repository}/pulls/{number}", state="closed")

    def merge(self, repository: str, number: int, method: str = "merge") -> str:
        """Merge a pull request (merge, squash or rebase) and return the merge commit."""
        merged = self.call("PUT", f"/repos/{repository}/pulls/{number}/merge", merge_method=method)
        commit: str = merged["sha"]
        return commit


def _entry(path: str, content: str | None) -> dict[str, Any]:
    """Return a tree entry; an entry without a blob takes the file away."""
    entry: dict[str, Any] = {"path": path, "mode": "100644", "type": "blob"}
    return entry | ({"sha": None} if content is None else {"content": content})

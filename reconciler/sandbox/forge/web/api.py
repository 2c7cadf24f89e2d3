"""The forge's API as the page asks it: inside the process, as one user."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from reconciler.sandbox.wire import Request

if TYPE_CHECKING:
    from reconciler.sandbox.wire import Handle

_MOST = 100  # entries of a list
_SUCCESS = range(200, 300)

Json = dict[str, Any]


class ApiRefused(Exception):
    """The forge's no, in its own words."""

    def __init__(self, status: int, answered: bytes) -> None:
        self.status = status
        super().__init__(_words(answered) or f"The forge answered {status}.")


class Api:
    """Requests of one user."""

    def __init__(self, handle: Handle, token: str) -> None:
        self._handle = handle
        self._headers = {"authorization": f"token {token}", "accept": "application/vnd.github+json"}

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """Return what a read answers; raises ApiRefused."""
        return self._ask("GET", path, query, b"")

    def all(self, path: str) -> list[Json]:
        """Return the first hundred entries of a list."""
        found: list[Json] = self.get(path, per_page=str(_MOST))
        return found

    def write(self, method: str, path: str, **given: object) -> Any:  # noqa: ANN401 - JSON of any shape
        """Return what a write answers; raises ApiRefused."""
        return self._ask(method, path, {}, json.dumps(given).encode())

    def _ask(self, method: str, path: str, query: dict[str, str], body: bytes) -> Any:  # noqa: ANN401 - the same
        raw = quote(path) + (f"?{urlencode(query)}" if query else "")
        asked = {name: [value] for name, value in query.items()}
        answer = self._handle(Request(method, path, asked, self._headers, body, raw))
        answered = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
        if answer.status not in _SUCCESS:
            raise ApiRefused(answer.status, answered)
        return json.loads(answered) if answered else None


class Pull:
    """One pull request, read and changed over the API."""

    def __init__(self, api: Api, repository: str, number: int) -> None:
        self.api = api
        self.repository = repository
        self.number = number
        self.path = f"/{repository}/pull/{number}"  # of its page
        self.root = f"/repos/{repository}"
        self.pull = f"{self.root}/pulls/{number}"
        self.issue = f"{self.root}/issues/{number}"

    def now(self) -> Json:
        """Return it as it is."""
        found: Json = self.api.get(self.pull)
        return found

    def version(self) -> str:
        """Return a text that differs when something about it has changed."""
        return version_of(self.now())


def version_of(now: Json) -> str:
    """Return a text that differs when something about a pull request has changed."""
    seen = [now[key] for key in ("updated_at", "state", "title", "body", "comments", "review_comments", "commits")]
    seen += [now["head"]["sha"], now["base"]["ref"]]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]


def _words(answered: bytes) -> str:
    """Return the sentences of a refusal."""
    try:
        body = json.loads(answered)
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    details = [each.get("message", "") if isinstance(each, dict) else str(each) for each in body.get("errors", ())]
    return " ".join(text.rstrip(".") + "." for text in (str(body.get("message", "")), *details) if text)

"""One request as its handler sees it: who asks, about which repository, with which words; and the ways to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from reconciler.sandbox.forge.limits import Limits
from reconciler.sandbox.forge.model import Issue, Permission, PullRequest, Repository, User
from reconciler.sandbox.forge.refusals import Refused, not_found
from reconciler.sandbox.forge.rest.view import View
from reconciler.sandbox.forge.state import State
from reconciler.sandbox.forge.urls import Urls
from reconciler.sandbox.wire import NotInSandbox, Request

T = TypeVar("T")

_PER_PAGE, _MOST = 30, 100


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is more than JSON with the route's own status; bytes go out as they are."""

    value: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, its path and body read."""

    state: State
    limits: Limits
    request: Request
    urls: Urls
    user: User | None
    parts: Mapping[str, str]  # of the path
    given: Mapping[str, Any]  # of the body
    found: Repository | None

    @property
    def me(self) -> User:
        """Who asks; only routes that need a token ask this."""
        if self.user is None:
            raise Refused(401, "Requires authentication")
        return self.user

    @property
    def repository(self) -> Repository:
        """The repository of the path."""
        if self.found is None:
            raise not_found()
        return self.found

    @property
    def view(self) -> View:
        """What this user sees."""
        return View(self.state, self.urls, self.user)

    @property
    def permission(self) -> Permission:
        """What this user may do in the repository."""
        return self.state.permission(self.user, self.repository)

    def number(self, name: str) -> int:
        """Return a part of the path that is a number; what is none was never found."""
        text = self.parts[name]
        if not text.isascii() or not text.isdigit():
            raise not_found()
        return int(text)

    def issue(self) -> Issue:
        """Return the issue of the path, which may be a pull request."""
        found = self.repository.issues.get(self.number("number"))
        if found is None:
            raise not_found()
        return found

    def pull(self) -> tuple[Issue, PullRequest]:
        """Return the pull request of the path."""
        found = self.issue()
        if found.pull is None:
            raise not_found()
        return found, found.pull

    def choice(self, name: str, values: Sequence[str]) -> str:
        """Return a query parameter of few values, the first if it is not given; others count as not given."""
        given = self.request.first(name)
        return given if given in values else values[0]

    def since(self) -> datetime | None:
        """Return the parameter `since`."""
        text = self.request.first("since")
        if not text:
            return None
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            raise Refused(422, "Invalid since parameter") from None

    def paged(self, items: Sequence[T], answer: Callable[[T], object]) -> Reply:
        """Answer one page of a list, and say where the others are."""
        shown, headers = self.page(items)
        return Reply([answer(item) for item in shown], headers=headers)

    def page(self, items: Sequence[T]) -> tuple[Sequence[T], dict[str, str]]:
        """Return the page that is asked for, and the header that names the others."""
        size = min(max(self._natural("per_page", _PER_PAGE), 1), _MOST)
        page = max(self._natural("page", 1), 1)
        last = max(-(-len(items) // size), 1)
        links: dict[str, int] = {}
        if page > 1:
            links |= {"prev": min(page - 1, last), "first": 1}
        if page < last:
            links |= {"next": page + 1, "last": last}
        header = ", ".join(f'<{self._link(number)}>; rel="{name}"' for name, number in links.items())
        return items[(page - 1) * size : page * size], {"Link": header} if header else {}

    def accepts_raw(self) -> bool:
        """Tell whether plain bytes are wanted; refuses the media types that the sandbox does not make."""
        raw = False
        for kind in self.request.headers.get("accept", "").split(","):
            name = kind.partition(";")[0].strip()
            vendor = name.removeprefix("application/vnd.github.").removesuffix("+json")
            words = set(vendor.split(".")) if name.startswith("application/vnd.github") else set()
            if "raw" in words:
                raw = True
            elif words & {"diff", "patch", "html", "text", "full", "object", "sha", "base64"}:
                raise NotInSandbox(f"the media type {name}")
        return raw

    def _natural(self, name: str, default: int) -> int:
        text = self.request.first(name)
        return int(text) if text.isascii() and text.isdigit() else default

    def _link(self, page: int) -> str:
        query = {name: values[-1] for name, values in self.request.query.items()} | {"page": str(page)}
        return f"{self.urls.root}{self.request.raw_path.partition('?')[0]}?{urlencode(query)}"

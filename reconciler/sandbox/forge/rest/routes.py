"""Which handler answers which address, what it takes, and who may call it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reconciler.sandbox.forge.model import Permission
from reconciler.sandbox.forge.rest.call import Call
from reconciler.sandbox.forge.rest.fields import Fields

Handler = Callable[[Call], Any]

PAGES = ("per_page", "page")


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation of GitHub's description.

    `{name}` in the path stands for one step, `{name+}` for several. `needs` is the permission in the path's repository;
    whoever lacks it is told `lacking` with 403, or 404 where that is empty.
    """

    method: str
    path: str
    handler: Handler
    status: int = 200
    needs: Permission = Permission.READ
    lacking: str = ""
    query: Sequence[str] = ()
    fields: Fields | None = None
    archived: bool = False  # works in an archived repository too
    free: bool = False  # costs nothing of the rate limit
    open: bool = False  # a read that needs no token
    proof: bool = False  # for an App that proves itself, and for nobody else

    @property
    def name(self) -> str:
        """What it is called in refusals."""
        return f"{self.method} {self.path}"

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a pattern."""
        text = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", self.path)
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text))


def get(path: str, handler: Handler, **more: Any) -> Route:  # noqa: ANN401 - the route's own fields
    """Return a read."""
    return Route(method="GET", path=path, handler=handler, **more)


def write(method: str, path: str, handler: Handler, fields: Fields | None = None, **more: Any) -> Route:  # noqa: ANN401
    """Return a write; in a repository it needs the permission to write unless told otherwise."""
    needs = more.pop("needs", Permission.WRITE)
    return Route(method=method, path=path, handler=handler, fields=fields, needs=needs, **more)


def find(routes: Sequence[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the first route that fits, and the parts of the path."""
    for route in routes:
        if route.method == method:
            found = route.pattern.fullmatch(path)
            if found is not None:
                return route, found.groupdict()
    return None

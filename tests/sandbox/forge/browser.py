"""A forge with one pull request, and somebody who looks at it in a browser."""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.forge import BOT, Forge
from reconciler.sandbox.wire import Request, Response
from tests.sandbox.forge.test_page import Page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME, HEAD = "platform/shop", "reconciler/web"
REPOSITORY, PAGE = f"/repos/{NAME}", f"/{NAME}/pull/1"
CONTENT = "cpu: 1\nmemory: 512Mi # spring\n"
NOTHING: Mapping[int, str] = {}


class Browser:
    """A forge with one pull request of the bot, and somebody who looks at it."""

    def __init__(self, folder: Path) -> None:
        self.clock = SandboxClock()
        self.forge = Forge(self.clock, folder, ids=random.Random(0))
        self.forge.create_repository(NAME, {"web.yaml": CONTENT})
        main = self.call("GET", f"{REPOSITORY}/git/ref/heads/main")["object"]["sha"]
        self.call("POST", f"{REPOSITORY}/git/refs", ref=f"refs/heads/{HEAD}", sha=main)
        self.write(CONTENT.replace("512Mi", "1Gi"))
        self.call("POST", f"{REPOSITORY}/pulls", title="web: more memory", head=HEAD, base="main", body="Why *this*.")

    def call(self, method: str, path: str, user: str = BOT, **given: Any) -> Any:  # noqa: ANN401 - JSON of any shape
        """Act as a program."""
        return self.forge.call(user, method, path, **given)

    def write(self, content: str, user: str = BOT) -> None:
        """Commit to the pull request's branch as a program."""
        now = self.call("GET", f"{REPOSITORY}/contents/web.yaml?ref={HEAD}")["sha"]
        encoded = base64.b64encode(content.encode()).decode()
        given = {"message": "m", "content": encoded, "sha": now, "branch": HEAD}
        self.call("PUT", f"{REPOSITORY}/contents/web.yaml", user, **given)

    @property
    def pull(self) -> Any:  # noqa: ANN401 - the same
        """The pull request as the API tells it."""
        return self.call("GET", f"{REPOSITORY}/pulls/1")

    @property
    def content(self) -> str:
        """The file on the pull request's branch."""
        found = self.call("GET", f"{REPOSITORY}/contents/web.yaml?ref={HEAD}")["content"]
        return base64.b64decode(found).decode()

    def look(self, path: str = PAGE, host: str = "127.0.0.1:3000", **query: str) -> Response:
        """Open a page."""
        asked = {name: [value] for name, value in query.items()}
        return self.forge.handle(Request("GET", path, asked, {"host": host}, raw_path=path))

    def page(self) -> Page:
        """Return the page as its parts."""
        return Page(text_of(self.look()))

    def press(
        self,
        pressed: str,
        on: Page | None = None,
        host: str = "localhost:3000",
        lines: Mapping[int, str] = NOTHING,
        **given: str,
    ) -> Response:
        """Send a form of a page, which is opened first unless it is open already."""
        shown = on or self.page()
        hidden = {field["name"]: field["value"] for field in shown.all("input") if field.get("type") == "hidden"}
        typed = {f"line-{number}": value for number, value in lines.items()}
        body = urlencode(hidden | {"action": pressed} | typed | given).encode()
        headers = {"host": host, "content-type": "application/x-www-form-urlencoded"}
        return self.forge.handle(Request("POST", PAGE, {}, headers, body, PAGE))


def text_of(response: Response) -> str:
    """Return an answer's body."""
    assert isinstance(response.body, bytes)
    return response.body.decode()

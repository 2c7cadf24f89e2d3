"""The live demonstration: a person decides on the page of the pull request, and the reconciler follows."""

from __future__ import annotations

import threading
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest
import urllib3

from reconciler.demo.live import Live
from reconciler.demo.stage import Stage
from reconciler.demo.troubles import named
from reconciler.model.operation import Outcome
from reconciler.report.written import written
from reconciler.sandbox.sandbox import Sandbox
from tests.testbed.processes import until

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from reconciler.report.blocks import Block

QUICK = {
    "delivery": {"nudge_interval": "1s"},
    "guards": {"cooldown": "0s"},
    "verify": {"stabilization_period": "1s", "settle_limit": "1m"},
}


class Hidden(HTMLParser):
    """Reads the hidden fields of a page's forms."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a hidden field."""
        values = {key: value or "" for key, value in attrs}
        if tag == "input" and values.get("type") == "hidden":
            self.fields.setdefault(values["name"], values["value"])


class Browser:
    """As much of a browser as the page needs without JavaScript."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(retries=False, timeout=10.0)

    def page(self, url: str) -> str:
        """Return the page's HTML."""
        response = self._pool.request("GET", url)
        assert response.status == 200
        return response.data.decode()

    def press(self, url: str, button: str, **fields: str) -> int:
        """Press a button of a form on the page, and return the answer's status."""
        form = Hidden()
        form.feed(self.page(url))
        body = urlencode({**form.fields, **fields, "action": button})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._pool.request("POST", url, body=body, headers=headers, redirect=False).status


@pytest.mark.long
@pytest.mark.parametrize(
    ("button", "outcome", "limit"),
    [("approve_and_merge", Outcome.VERIFIED, "1Gi"), ("close", Outcome.REJECTED, "512Mi")],
)
def test_persons_decision_on_the_page_is_followed(button: str, outcome: Outcome, limit: str, tmp_path: Path) -> None:
    """Invariant 7: what the person does in the browser decides; the page tells what follows from it."""
    trouble = named("memory")
    assert trouble is not None
    told: list[str] = []

    def show(blocks: Iterable[Block]) -> None:
        told.extend(written(blocks))

    def address() -> str | None:
        return next((line.partition("Your turn: ")[2] for line in told if line.startswith("Your turn: ")), None)

    with Sandbox(tmp_path / "world") as sandbox:
        sandbox.clock.follow()
        stage = Stage(sandbox, tmp_path, trouble, **QUICK)
        stage.set_up()
        performance = threading.Thread(target=Live(stage, show, interval=0.2).perform)
        performance.start()
        page = until(address, 30, "the pull request is there")
        browser = Browser()
        assert "512Mi" in browser.page(page)
        assert browser.press(page, button, method="squash") == 303
        performance.join(timeout=60)
        assert not performance.is_alive()
        feed = urllib3.request("GET", f"{page}/activity.json").json()
        live = sandbox.cluster.store.get("Deployment", "shop", "web")
        (operation,) = stage.operations
        stage.close_up()

    assert operation.outcome is outcome
    assert live is not None
    assert live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] == limit
    assert any(str(outcome) in line["text"] for line in feed["lines"])
    assert urlsplit(page).hostname == "127.0.0.1"

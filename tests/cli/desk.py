"""A person's desk: a folder with a configuration and a ledger, and the command line run in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from reconciler.cli.app import cli
from reconciler.ledger.sqlite import SqliteLedger
from reconciler.model.action import ActionClass
from reconciler.model.codec import encode
from reconciler.model.operation import Draft, EventKind
from reconciler.model.verdict import Answer, Ownership, Route, Verdict
from tests.worlds import Story

if TYPE_CHECKING:
    from reconciler.model.operation import Event

CONFIGURATION = """\
metrics: {url: "http://127.0.0.1:9"}
alerts: {url: "http://127.0.0.1:9"}
repository: {url: "http://127.0.0.1:9/shop/deploy.git", timeout: 1s}
forge: {kind: gitea, url: "http://127.0.0.1:9", repository: shop/deploy}
cluster: {kubeconfig: missing.kubeconfig}
ledger: {path: ledger.db}
"""


@dataclass(frozen=True)
class Desk:
    """Where commands run and what they leave behind."""

    folder: Path

    @property
    def ledger(self) -> SqliteLedger:
        """The ledger that the configuration names."""
        return SqliteLedger(self.folder / "ledger.db")

    def run(self, *arguments: str, **environ: str) -> Result:
        """Run `reconciler` with these arguments."""
        config = str(self.folder / "reconciler.yaml")
        return CliRunner().invoke(
            cli, ["--config", config, *arguments], env={"FORCE_COLOR": "", **environ}, prog_name="reconciler"
        )

    def record(self, story: Story, operation: str = "op-1") -> None:
        """Put a story's events into the ledger, as the operation of that id."""
        ledger = self.ledger
        place = len(ledger.events())
        for number, event in enumerate(story.events):
            draft = Draft(operation=operation, kind=event.kind, data=event.data)
            ledger.append([draft], at=event.at, expected=place + number)
        ledger.close()

    def events(self) -> tuple[Event, ...]:
        """Read the ledger's events."""
        ledger = self.ledger
        try:
            return ledger.events()
        finally:
            ledger.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return a desk with a configuration whose servers do not answer, and no ledger yet."""
    (tmp_path / "reconciler.yaml").write_text(CONFIGURATION)
    return Desk(tmp_path)


def awaiting_approval(*, approvers: int = 1) -> Story:
    """Return an operation whose restart waits for a person."""
    verdict = replace(restart_verdict(), min_approvers=approvers)
    story = Story().add(EventKind.VERDICT_GIVEN, action=0, verdict=encode(verdict))
    return story.add(EventKind.APPROVAL_REQUESTED, action=0)


def restart_verdict() -> Verdict:
    """Return the policy's answer that a person must approve the restart."""
    return Verdict(
        answer=Answer.AWAIT_APPROVAL,
        route=Route.RUN,
        code="policy.manual",
        message="in production a person approves a restart",
        remedy="run `reconciler approve ID`",
        action_class=ActionClass.IMPERATIVE,
        environment="production",
        ownership=Ownership.OWNED,
        policy_hash="0123456789abcdef",
        approvers=("system:kubernaut:production-approvers",),
        min_approvers=1,
    )

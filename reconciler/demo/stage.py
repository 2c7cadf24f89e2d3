"""A stage: a sandbox with one workload in trouble, a reconciler configured for it, and people who can act.

The reconciler is the product as it is: its adapters over the wire, its ledger in a file, its configuration from a
file. Only the clock is the sandbox's.
"""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import yaml

from reconciler.advance import fold
from reconciler.composition import Composition
from reconciler.configuration import load
from reconciler.model.operation import Draft, EventKind, Operation, Phase
from reconciler.reconcile import plan, reconcile
from reconciler.sandbox.people import Person
from reconciler.sandbox.wire import json_response

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from reconciler.demo.troubles import Trouble
    from reconciler.model.report import PassReport, Plan
    from reconciler.sandbox.sandbox import Sandbox
    from reconciler.sandbox.wire import Handle, Request, Response
    from reconciler.settings import Settings

REPOSITORY = "platform/shop"
NAMESPACE = "shop"
FILE = "deploy/web.yaml"
BOT, REVIEWER = "reconciler-bot", "ana"


class Stage:
    """One demonstration's world."""

    def __init__(self, sandbox: Sandbox, folder: Path, trouble: Trouble, **overrides: dict[str, Any]) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.trouble = trouble
        self._overrides = overrides
        self.own_time = 0.0  # seconds of the wall clock that passes took
        self.passes = 0
        self.unknown_told = False
        self.ana = Person(sandbox.github.url, sandbox.forge.tokens[REVIEWER])

    # Before anybody looks

    def set_up(self) -> None:
        """Make the repository, let Argo CD or somebody's hand deliver it, and configure the reconciler."""
        delivered = {FILE: self.trouble.manifest} if self.trouble.delivered else {}
        files = {"README.md": "# shop: manifests of the storefront\n"} | delivered
        self.sandbox.create_repository(REPOSITORY, files)
        self.sandbox.create_namespace(NAMESPACE, environment="production")
        if self.trouble.delivered:
            self.sandbox.create_application("shop", REPOSITORY, path="deploy", namespace=NAMESPACE)
        else:
            self.sandbox.apply_by_hand(yaml.safe_load(self.trouble.manifest), namespace=NAMESPACE)
        if self.trouble.rules:
            (self.folder / "rules").mkdir()
            (self.folder / "rules" / "operator.rego").write_text(self.trouble.rules)
        self._write_configuration()
        if self.trouble.fault:
            self._server.fault = _fails

    def _write_configuration(self) -> None:
        token = self.folder / "bot-token"
        token.touch(mode=0o600)
        token.write_text(self.sandbox.forge.tokens[BOT])
        sections: dict[str, dict[str, Any]] = {
            "cluster": {"kubeconfig": str(self.sandbox.kubeconfigs["reconciler"]), "namespaces": [NAMESPACE]},
            "metrics": {"url": self.sandbox.prometheus.url},
            "alerts": {"url": self.sandbox.alertmanager.url},
            "repository": {
                "url": f"{self.sandbox.github.url}/{REPOSITORY}.git",
                "mirror": str(self.folder / "mirror.git"),
                "username": BOT,
                "token_file": str(token),
            },
            "forge": {"url": self.sandbox.github.url, "repository": REPOSITORY, "token_file": str(token)},
            "ledger": {"path": str(self.folder / "ledger.db")},
        }
        if self.trouble.rules:
            sections["policy"] = {"operator_folder": str(self.folder / "rules")}
        for more in (self.trouble.configuration, self._overrides):
            for name, values in more.items():
                sections[name] = {**sections.get(name, {}), **values}
        self.configuration.write_text(yaml.safe_dump(sections, sort_keys=False))

    @property
    def configuration(self) -> Path:
        """The configuration file."""
        return self.folder / "reconciler.yaml"

    @cached_property
    def settings(self) -> Settings:
        """The settings as loaded from it."""
        return load(self.configuration, {})

    @cached_property
    def made(self) -> Composition:
        """The product's adapters, in the sandbox's time."""
        return Composition(self.settings, {}, clock=self.sandbox.clock)

    # What the reconciler does

    def plan(self) -> Plan:
        """Look, and touch nothing."""
        return plan(self.made.ports(), self.settings)

    def run(self) -> PassReport:
        """Make one pass, and measure it; its effects one after another, so that a seed means one story."""
        ports = self.made.ports()
        before = time.perf_counter()
        with ports.ledger.exclusive():
            report = reconcile(ports, self.settings, effects_at_once=1)
        self.own_time += time.perf_counter() - before
        self.passes += 1
        self.unknown_told = self.unknown_told or bool(report.unknown)
        return report

    def wait(self, by: timedelta) -> None:
        """Let time pass."""
        self.sandbox.clock.advance(by)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation in the ledger, the oldest first."""
        return tuple(fold(self.made.ledger.events()).values())

    # What people do

    def open_pull_request(self) -> int | None:
        """Return the open pull request's number; None when there is none."""
        found = self.ana.pull_requests(REPOSITORY)
        return int(found[0]["number"]) if found else None

    def approve(self, number: int) -> None:
        """Approve its very head commit."""
        self.ana.approve(REPOSITORY, number, body="Makes sense.")

    def merge(self, number: int) -> None:
        """Merge it."""
        self.ana.merge(REPOSITORY, number, "squash")

    def close(self, number: int) -> None:
        """Close it without a merge."""
        self.ana.close(REPOSITORY, number)

    def comment(self, number: int, text: str) -> None:
        """Say something."""
        self.ana.comment(REPOSITORY, number, text)

    def edit(self, number: int, old: str, new: str) -> None:
        """Change the file in the pull request's branch."""
        branch = self.ana.pull_request(REPOSITORY, number)["head"]["ref"]
        self.commit(old, new, "Use a value of our own", branch=branch)

    def commit(self, old: str, new: str, message: str, *, branch: str = "main") -> None:
        """Push a change of the file."""
        text = self.ana.text(REPOSITORY, FILE, branch)
        self.ana.commit(REPOSITORY, {FILE: text.replace(old, new)}, message, branch=branch)

    def something_to_decide(self) -> bool:
        """Tell whether a person is asked for something."""
        return self.open_pull_request() is not None or self.waiting_for_approval() is not None

    def waiting_for_approval(self) -> str | None:
        """Return the id of an operation that a person must approve."""
        return next((o.id for o in self.operations if o.phase is Phase.AWAITING_APPROVAL), None)

    def say_yes(self, operation: str) -> None:
        """Approve what the operation asks for, as `reconciler approve` does."""
        asked = next(o for o in self.operations if o.id == operation).approval_requested
        drafts = [
            Draft(operation=operation, kind=EventKind.APPROVAL_GIVEN, data={"action": n, "by": REVIEWER}) for n in asked
        ]
        ledger = self.made.ledger
        ledger.append(drafts, at=self.sandbox.clock.now(), expected=len(ledger.events()))

    @property
    def fails(self) -> bool:
        """Whether a server of the trouble's still fails."""
        return bool(self.trouble.fault) and self._server.fault is not None

    def mend(self) -> None:
        """Let the failing server answer again."""
        self._server.fault = None

    @property
    def _server(self) -> Any:  # noqa: ANN401 - one of the sandbox's servers, by name
        return getattr(self.sandbox, self.trouble.fault)

    def close_up(self) -> None:
        """Let go of the ledger."""
        self.made.ledger.close()


def _fails(_: Request, __: Handle) -> Response:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": "etcdserver: no leader",
        "code": 500,
    }
    return json_response(status, 500)

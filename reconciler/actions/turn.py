"""One turn of the action: settings for a runner, a pass or a plan, and everything that is told about it.

What a runner differs in: its disk goes with it, so the ledger is on a Git ref unless the configuration says otherwise;
its API is the one that started it; its kubeconfig comes as a secret's text.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.actions import event, files, summary, telling
from reconciler.actions.commands import Commands
from reconciler.actions.remedies import remedy_of
from reconciler.actions.runner import Mode, Runner
from reconciler.errors import ConfigurationError, ReconcilerError
from reconciler.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.model.report import PassReport, Plan
    from reconciler.report.blocks import Block
    from reconciler.settings import Settings

EXIT_DEFECT = 70  # as the command line's
_UNTOUCHED = "nothing was done; the next run reads everything again"
_SECRET_KEYS = ("token", "password", "client-key-data")


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Make one turn and return the exit code; every way it can end is told in summary, outputs and annotations."""
    runner = Runner.of(environ)
    os.environ.pop("RECONCILER_KUBECONFIG", None)  # programs that a kubeconfig starts need not see all of it
    commands = Commands(listens=runner.listens)
    try:
        return _turn(runner, commands, environ)
    except ReconcilerError as error:
        _tell_error(runner, commands, error)
        return error.exit_code
    except KeyboardInterrupt as interruption:
        left = f"interrupted: {str(interruption) or 'the next run goes on from what the ledger holds'}"
        commands.annotate("error", [left])
        _write(runner, commands, {}, summary.of_nothing(left))  # no outputs: what was done is not known here
        return int(getattr(interruption, "exit_code", 130))
    except Exception as error:  # noqa: BLE001 - the outermost handler: whatever is unforeseen is a defect
        what = one_line(f"{type(error).__name__}: {error} (this is a defect of reconciler)")
        with commands.switched_off():
            _trace(runner, error)
        commands.annotate("error", [what])
        _write(runner, commands, telling.of_nothing(what), summary.of_nothing(what))
        return EXIT_DEFECT


def _turn(runner: Runner, commands: Commands, environ: Mapping[str, str]) -> int:
    for secret in _secrets(runner.kubeconfig):
        commands.mask(secret)
    with _kubeconfig(runner) as kubeconfig:
        settings = _settings(runner, environ, kubeconfig)
        mode = event.mode_of(runner)
        rest = event.reason_to_rest(runner, settings)
        if rest is not None:
            sys.stdout.write(f"{rest}\n")
            _write(runner, commands, telling.of_nothing(rest), summary.of_nothing(rest))
            return 0
        for token in _tokens(settings, environ):
            commands.mask(token)
        return (_plan if mode is Mode.PLAN else _pass)(runner, commands, settings, environ)


def _pass(runner: Runner, commands: Commands, settings: Settings, environ: Mapping[str, str]) -> int:
    from reconciler.cli.logs import configure
    from reconciler.cli.stopping import watched
    from reconciler.composition import Composition
    from reconciler.reconcile import reconcile
    from reconciler.report.passes import pass_blocks

    with commands.switched_off(), watched(untouched=_UNTOUCHED, debug=runner.debug) as watcher:
        configure(debug=runner.debug)
        ports = Composition(settings, environ, told=watcher.doing).ports()
        with ports.ledger.exclusive():
            report = reconcile(ports, settings, watcher)
        _print(pass_blocks(report))
    _annotate(commands, report)
    _write(runner, commands, telling.of_pass(report), summary.of_pass(report))
    return 0 if watcher.asked is None else 128 + watcher.asked


def _plan(runner: Runner, commands: Commands, settings: Settings, environ: Mapping[str, str]) -> int:
    from reconciler.cli.logs import configure
    from reconciler.cli.stopping import watched
    from reconciler.composition import Composition
    from reconciler.reconcile import plan
    from reconciler.report.passes import plan_blocks, plan_sentence

    with commands.switched_off(), watched(untouched=_UNTOUCHED, debug=runner.debug) as watcher:
        configure(debug=runner.debug)
        made: Plan = plan(Composition(settings, environ, told=watcher.doing).ports(), settings, watcher)
        _print(plan_blocks(made))
    commands.annotate("warning", made.unknown)
    sentence = plan_sentence(made)
    _write(runner, commands, telling.of_plan(made, sentence), summary.of_plan(made, sentence))
    return 0


# What a runner needs otherwise than a machine with a disk


def _settings(runner: Runner, environ: Mapping[str, str], kubeconfig: str | None) -> Settings:
    from reconciler.configuration import load
    from reconciler.settings import ForgeKind, LedgerKind

    chosen = {"RECONCILER_LEDGER__REF": runner.ledger_ref} if runner.ledger_ref else {}
    settings = load(Path(runner.config), {**environ, **chosen})
    changes: dict[str, Any] = {}
    if "kind" not in settings.ledger.model_fields_set:
        changes["ledger"] = settings.ledger.model_copy(update={"kind": LedgerKind.GIT_REF})
    if "username" not in settings.repository.model_fields_set:
        changes["repository"] = settings.repository.model_copy(update={"username": "x-access-token"})
    if settings.forge.kind is ForgeKind.GITHUB and not settings.forge.url and runner.api_url:
        changes["forge"] = settings.forge.model_copy(update={"url": runner.api_url})
    if kubeconfig:
        changes["cluster"] = settings.cluster.model_copy(update={"kubeconfig": kubeconfig})
    return settings.model_copy(update=changes)


def _tokens(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    from reconciler.configuration import read_token

    return [read_token(s.token_file, s.token_env, environ) for s in (settings.repository, settings.forge)]


@contextmanager
def _kubeconfig(runner: Runner) -> Iterator[str | None]:
    """Lend the secret's text as a file that only we can read."""
    if not runner.kubeconfig.strip():
        yield None
        return
    descriptor, path = tempfile.mkstemp(prefix="kubeconfig-", dir=runner.temp or None)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(runner.kubeconfig)
        yield path
    finally:
        Path(path).unlink(missing_ok=True)


def _secrets(kubeconfig: str) -> Iterator[str]:
    """Yield what must not be shown of a kubeconfig; the runner masks a secret only as a whole."""
    import yaml

    try:
        users = yaml.safe_load(kubeconfig)["users"] if kubeconfig.strip() else []
        yield from (str(user["user"][key]) for user in users for key in _SECRET_KEYS if user["user"].get(key))
    except (yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return  # connecting will say what is wrong with it


# What is told


def _print(blocks: Iterable[Block]) -> None:
    from reconciler.report.written import written

    for line in written(blocks):
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _annotate(commands: Commands, report: PassReport) -> None:
    commands.annotate("notice", report.lines)
    commands.annotate("warning", (*report.problems, *report.unknown))


def _write(runner: Runner, commands: Commands, outputs: Mapping[str, str], sections: Iterable[str]) -> None:
    """Answer in the runner's files; what steps after this one rely on are outputs, so only they may fail it."""
    files.write_outputs(runner.output, outputs)
    try:
        files.write_summary(runner.summary, sections)
    except ConfigurationError as unwritable:
        commands.annotate("warning", [f"{unwritable}; what it would show is in this step's log"])


def _tell_error(runner: Runner, commands: Commands, error: ReconcilerError) -> None:
    remedy = remedy_of(error)
    commands.annotate("error", [f"{error}; {remedy}"])
    with commands.switched_off():
        sys.stderr.write(f"error: {one_line(error, 1000)}\nremedy: {one_line(remedy, 1000)}\n")
        sys.stderr.flush()
        _trace(runner, error)
    try:
        _write(runner, commands, telling.of_nothing(error.message), summary.of_error(error, remedy))
    except ConfigurationError as unwritable:
        sys.stderr.write(f"error: {unwritable}\n")


def _trace(runner: Runner, error: Exception) -> None:
    from reconciler.cli.traces import print_trace

    if runner.debug:
        print_trace(error)

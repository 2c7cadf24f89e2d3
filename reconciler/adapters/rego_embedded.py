"""Judge actions by Rego rules in this process, with regopy (rego-cpp).

Protects invariant 8 (fail closed) from the library's habits: an evaluation error does not raise, undefined counts as
fine, a builtin that it lacks is undefined unless asked to be strict, and unsafe rules surface as stray exceptions.
Every decision looks whether a file changed, so that a new ConfigMap holds at once; the rules are compiled only then.
"""

from __future__ import annotations

import os
import re
import threading
from typing import TYPE_CHECKING, Any

from reconciler.adapters.policy_answer import (
    AFTER_FAILURE,
    DECISION,
    MERGE,
    PACKAGE,
    PolicyFault,
    Ruling,
    checked_json,
    failed,
    read_decision,
    read_follow_up,
    read_merge,
)
from reconciler.adapters.rego_library import load_regopy
from reconciler.adapters.rego_source import check, combined_sources, hash_of
from reconciler.errors import ConfigurationError
from reconciler.ports import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from regopy import Bundle

    from reconciler.model.verdict import PolicyAnswer

UNREADABLE = "unreadable"  # the hash of rules that do not load

_PARSE_ERROR = re.compile(r"\(errormsg \d+:([^)]*)\)")


def embedded_rego(folders: Sequence[Path]) -> EmbeddedRego:
    """Return the embedded engine, its library loaded.

    Raises ConfigurationError when the library cannot be had on this platform.
    """
    try:
        load_regopy()  # its shared library is what can fail
    except (ImportError, OSError) as error:
        raise ConfigurationError(
            code="policy.no_engine",
            message=f"the embedded policy engine regopy does not load on this platform: {error}",
            remedy="install regopy for this platform, or set policy.opa_url to an OPA server",
        ) from error
    return EmbeddedRego(folders)


class EmbeddedRego:
    """Port Policy over the rules in one folder, and the operator's rules in further ones."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._mine = threading.local()  # an interpreter's input is mutable: one for each thread

    def decide(self, facts: Mapping[str, Any]) -> PolicyAnswer:
        """Judge one action; never raises."""
        return read_decision(self._rule(DECISION, facts))

    def after_failure(self, facts: Mapping[str, Any]) -> PolicyAnswer:
        """Say what follows a failed verification in `code`; never raises."""
        return read_follow_up(self._rule(AFTER_FAILURE, facts))

    def merge(self, facts: Mapping[str, Any]) -> PolicyAnswer:
        """Say in `code` whether we merge a pull request of ours ourselves; never raises."""
        return read_merge(self._rule(MERGE, facts))

    def examine(self) -> Sequence[Diagnosis]:
        """Compile the rules and ask for both answers; never raises."""
        answers = (self.decide({}), self.after_failure({}))
        broken = next((answer for answer in answers if answer.degraded), None)
        where = ", ".join(str(folder) for folder in self._folders)
        detail = broken.message if broken else f"rules in {where}, SHA-256 {answers[0].policy_hash[:12]}"
        remedy = f"correct the rules in {where}" if broken else ""
        return (Diagnosis(subject="policy", works=broken is None, detail=detail, remedy=remedy),)

    def _rule(self, rule: str, facts: Mapping[str, Any]) -> Ruling:
        policy_hash = UNREADABLE
        try:
            engine = self._engine()
            policy_hash = engine.policy_hash
            return Ruling(policy_hash=policy_hash, value=engine.evaluate(rule, facts))
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in here means no
            return failed(error, policy_hash)

    def _engine(self) -> _Engine:
        stamp = _stamp(self._folders)
        if getattr(self._mine, "stamp", None) != stamp:
            self._mine.stamp = None  # rules that do not compile must not leave the old ones in force
            self._mine.engine = _Engine(combined_sources(self._folders))
            self._mine.stamp = stamp
        engine: _Engine = self._mine.engine
        return engine


def _stamp(folders: Sequence[Path]) -> tuple[object, ...]:
    """Return what changes when a rule's file does; a ConfigMap's update changes its files' inodes."""
    stamp = []
    for folder in folders:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".rego"):
                    found = entry.stat()
                    stamp.append((str(folder), entry.name, found.st_ino, found.st_size, found.st_mtime_ns))
    return tuple(sorted(stamp))


class _Engine:
    """One interpreter and the rules compiled for it; used by one thread only."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        load_regopy()
        from regopy import Interpreter, LogLevel

        self.policy_hash = hash_of(sources)
        self._interpreter = Interpreter()
        self._interpreter.log_level = LogLevel.NONE  # it prints parse errors otherwise
        self._interpreter.strict_built_in_errors = True  # a builtin that fails is an error, not undefined
        check(sources, self._interpreter.is_builtin)
        for name, text in sources.items():
            self._add(name, text)
        # One bundle a rule: where a bundle has entrypoints instead, the library miscounts its own locals.
        self._bundles = {rule: self._compiled(rule) for rule in (DECISION, AFTER_FAILURE, MERGE)}

    def evaluate(self, rule: str, facts: Mapping[str, Any]) -> object:
        """Return the rule's value; raises PolicyFault when there is none or more than one."""
        self._interpreter.set_input_term(checked_json(facts))  # exact; set_input wraps large integers
        output = self._interpreter.query_bundle(self._bundles[rule])
        if not output.ok():
            raise PolicyFault(f"evaluating {rule} failed: rules that contradict each other, or a builtin's error")
        expressions = [expression for result in output.results for expression in result.expressions]
        if len(expressions) != 1:
            raise PolicyFault(f"{rule} is undefined")
        return expressions[0]

    def _add(self, name: str, text: str) -> None:
        from regopy import RegoError

        try:
            self._interpreter.add_module(name, text)
        except RegoError as error:
            reason = _PARSE_ERROR.search(str(error))
            raise PolicyFault(f"{name}: {reason[1] if reason else 'not valid Rego'}") from error

    def _compiled(self, rule: str) -> Bundle:
        bundle = self._interpreter.build(f"data.{PACKAGE}.{rule}")
        if not bundle.ok():
            raise PolicyFault("the rules do not compile")
        return bundle

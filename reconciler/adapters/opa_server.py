"""Judge actions by an OPA server that holds the same rules, through opa-python-client.

Protects invariant 8 (fail closed) and what was reviewed: an answer without a result is undefined and means no, a
builtin's error is an error, and the client is never let to rewrite a rule that the server rejects.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

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
from reconciler.adapters.rego_source import hash_of, sources_of
from reconciler.errors import ConfigurationError, SourceError, foreign_text
from reconciler.ports import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from opa_client import OpaClient

    from reconciler.model.verdict import PolicyAnswer

UNHASHED = "server"  # the server does not show its rules
_OURS = (f"/data/{PACKAGE.replace('.', '/')}/", "/data/operator/")
_PORTS = {"http": 80, "https": 443}


def opa_server(url: str) -> OpaServer:
    """Return the engine for an OPA server.

    Raises ConfigurationError when the address is not one or the client is not installed.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.username:
        raise ConfigurationError(
            code="policy.opa_url",
            message="policy.opa_url is not an address such as http://opa.policy:8181",
            remedy="give scheme, host and port, without a path or credentials",
        )
    try:
        import opa_client  # noqa: F401 - only to say early that it is missing
    except ImportError as error:
        raise ConfigurationError(
            code="policy.no_opa_client",
            message="policy.opa_url is set, but opa-python-client is not installed",
            remedy="install reconciler[opa], or leave policy.opa_url empty to use the embedded engine",
        ) from error
    return OpaServer(url)


class OpaServer:
    """Port Policy over an OPA server; it only asks, and what the server holds is the server's own affair."""

    def __init__(self, url: str, *, timeout: float = 1.5) -> None:
        self._url = url
        self._timeout = timeout
        self._mine = threading.local()  # the client's session is not made to be shared

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
        """Ask for both answers; never raises."""
        answers = (self.decide({}), self.after_failure({}))
        broken = next((answer for answer in answers if answer.degraded), None)
        detail = broken.message if broken else f"OPA at {self._url}, rules {answers[0].policy_hash[:12]}"
        remedy = f"start OPA at {self._url} with the rules of policies/ (opa run --server policies/)" if broken else ""
        return (Diagnosis(subject="policy", works=broken is None, detail=detail, remedy=remedy),)

    def load(self, folder: Path) -> None:
        """Upload a folder's rules under their file names, exactly as they are.

        Raises SourceError when the server does not take one.
        """
        for name, text in sources_of(folder).items():
            try:
                # By default the client rewrites a rejected rule and uploads that: not what was reviewed.
                self._client().update_policy_from_string(text, name, rego_compat=False)
            except Exception as error:
                raise SourceError(
                    code="policy.upload",
                    message=f"OPA does not take {name}: {foreign_text(error)}",
                    remedy="run `opa check --strict` on the folder",
                ) from error

    def _rule(self, rule: str, facts: Mapping[str, Any]) -> Ruling:
        try:
            checked_json(facts)
            answer = self._client().query_rule(
                dict(facts), PACKAGE, rule, query_params={"strict-builtin-errors": "true"}
            )
            if not isinstance(answer, dict) or "result" not in answer:
                raise PolicyFault(f"{rule} is undefined on the server; are the rules loaded?")  # noqa: TRY301 - one way out
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in here means no
            return failed(error, UNHASHED)
        return Ruling(policy_hash=self._hash(), value=answer["result"])

    def _hash(self) -> str:
        """Return the hash of the rules that judge, where the server shows them; asked anew, as they may change."""
        try:
            client = self._client()
            ours = [
                name
                for name, info in client.get_policies_info().items()
                if f"{info['path'].partition('/v1')[2]}/".startswith(_OURS)
            ]
            return hash_of({name: client.get_policy(name)["result"]["raw"] for name in ours}) if ours else UNHASHED
        except Exception:  # noqa: BLE001 - a server may well keep its rules to itself
            return UNHASHED

    def _client(self) -> OpaClient:
        if not hasattr(self._mine, "client"):
            from opa_client import OpaClient

            parts = urlsplit(self._url)
            host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
            # No retries: the next pass asks again, and a pass must not hang on one server.
            self._mine.client = OpaClient(
                host=host or "",
                port=parts.port or _PORTS[parts.scheme],
                ssl=parts.scheme == "https",
                retries=0,
                timeout=self._timeout,
            )
        return self._mine.client

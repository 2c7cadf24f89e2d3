"""A GitHub App as our identity: its proof, its installation, and tokens of an hour, for the API and for Git alike.

Protects: the private key is read where a proof is signed and kept nowhere; a token is asked for one repository and
for no permission that we do not use; it is renewed before it ends; a refused one is thrown away. What an App lacks is
an error with the remedy, never a sleep.
Source: docs.github.com, "Authenticating as a GitHub App installation".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import TYPE_CHECKING, Any

from reconciler.adapters.github_client import USER_AGENT, asking, briefly
from reconciler.errors import ConfigurationError, ReconcilerError, SourceError, Unauthorized, foreign_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from github import GithubIntegration

    from reconciler.ports import Clock
    from reconciler.settings import ForgeSettings

USERNAME = "x-access-token"  # what Git over HTTPS is told with the token

NEEDED: Mapping[str, str] = {"contents": "write", "pull_requests": "write", "metadata": "read"}
USEFUL: Mapping[str, str] = {  # asked for as far as the App has it
    "administration": "read",  # how base is protected
    "checks": "read",  # which checks a merge waits for
    "issues": "write",  # issues, and who closed a pull request
    "statuses": "write",  # the same for statuses, and our own
}

Sign = Callable[[dict[str, Any]], str]

_NEVER = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
_EARLY = timedelta(minutes=5)  # a token is renewed so long before it ends
_RANKS = ("", "read", "write", "admin")
_SLUG = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Where the App is let in."""

    number: int
    permissions: Mapping[str, str]
    suspended: bool


class AppTokens:
    """A `Secret`: tokens of the App's installation; may be used from several threads."""

    def __init__(self, settings: ForgeSettings, key: Callable[[], str], clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = RLock()
        self._integration = _integration(settings, _signing(key))
        self._token, self._until = "", _NEVER
        self._permissions: Mapping[str, str] = {}
        self._installation = settings.app_installation
        self._slug = ""

    def token(self) -> str:
        """Return a token that is good for some minutes at least; raises SourceError, with how to get one."""
        with self._lock:
            if self._clock.now() >= self._until - _EARLY:
                self._renew()
            return self._token

    def refused(self) -> None:
        """Forget a token that GitHub does not take any more: the next one says why, or is good."""
        with self._lock:
            self._token, self._until = "", _NEVER

    @property
    def slug(self) -> str:
        """The App's name in addresses and commits; asked for once. Raises SourceError."""
        with self._lock:
            if not self._slug:
                said = self._ask("which App we are", "GET", "/app").get("slug")
                if not isinstance(said, str) or not _SLUG.fullmatch(said):
                    raise _nonsense("which App we are")
                self._slug = said
            return self._slug

    def may(self, permission: str) -> bool:
        """Tell whether our token holds a permission to write."""
        self.token()
        return _covers(self._permissions.get(permission, ""), "write")

    def describe(self) -> str:
        """Say for `doctor` who we are, where we are let in and what for; raises SourceError."""
        self.token()
        held = ", ".join(f"{name}: {level}" for name, level in sorted(self._permissions.items()))
        return f"we are {self.slug}[bot], by installation {self._installation}, with {held}"

    def _renew(self) -> None:
        found = self._found()
        if found.suspended:
            raise self._suspended()
        lacking = [f"{name}: {level}" for name, level in NEEDED.items() if not _covers(found.permissions[name], level)]
        if lacking:
            raise Unauthorized(
                code="github.app_permissions",
                message=f"the GitHub App's installation lacks {', '.join(lacking)}",
                remedy="grant it under Permissions in the App's settings, then let the account's owner accept it",
            )
        useful = {name: _lower(found.permissions[name], level) for name, level in USEFUL.items()}
        body = {
            "repositories": [self._settings.repository.partition("/")[2]],
            "permissions": {**NEEDED, **{name: level for name, level in useful.items() if level}},
        }
        path = f"/app/installations/{found.number}/access_tokens"
        answer = self._ask("for a token of our installation", "POST", path, body)
        self._token, self._until, self._permissions = _lease(answer)
        self._installation = found.number

    def _found(self) -> Installation:
        """Return the installation: the configured one, or else the repository's own."""
        number = self._settings.app_installation
        path = f"/app/installations/{number}" if number else f"/repos/{self._settings.repository}/installation"
        return _installation(self._ask("where our App is installed", "GET", path))

    def _ask(self, what: str, verb: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            with asking(what):
                _, answer = self._integration.requester.requestJsonAndCheck(verb, path, input=body)
                if not isinstance(answer, dict):
                    raise TypeError("an object was expected")
                return answer
        except SourceError as error:
            raise self._explained(error) from error

    def _explained(self, error: SourceError) -> SourceError:
        """Say what GitHub means by its no to an App."""
        said = error.message.lower()
        if error.code == "github.http_403" and "suspended" in said:
            return self._suspended()
        if error.code == "github.http_404" and "integration not found" not in said:
            return Unauthorized(
                code="github.app_not_installed",
                message=f"the GitHub App {self._settings.app_id} is not installed on {self._settings.repository}",
                remedy="install it on that repository (the App's settings, Install App), and check forge.url,"
                " forge.repository and forge.app_installation",
            )
        if error.code == "github.http_422":
            return Unauthorized(
                code="github.app_token",
                message=f"GitHub gives the App no token for {self._settings.repository}: {error.message}",
                remedy="check that forge.repository is its present name, and that the installation includes it",
            )
        if error.code in {"github.http_401", "github.http_404"}:
            return Unauthorized(
                code="github.app_refused",
                message=f"GitHub does not take our proof to be the App {self._settings.app_id}: {error.message}",
                remedy="check forge.app_id, that the private key is one of this App's, and this machine's clock",
            )
        return error

    def _suspended(self) -> Unauthorized:
        return Unauthorized(
            code="github.app_suspended",
            message=f"the GitHub App {self._settings.app_id} is suspended on {self._settings.repository}",
            remedy="let the account's owner unsuspend the installation under Settings, GitHub Apps",
        )


def _integration(settings: ForgeSettings, sign: Sign) -> GithubIntegration:
    """Return PyGithub's side of an App; nothing is asked yet."""
    from github import Auth, Consts, GithubIntegration

    return GithubIntegration(
        auth=Auth.AppAuth(str(settings.app_id), sign_func=sign),
        base_url=(settings.url or Consts.DEFAULT_BASE_URL).rstrip("/"),
        timeout=math.ceil(settings.timeout.total_seconds()),
        user_agent=USER_AGENT,
        retry=briefly(),
        seconds_between_requests=None,
        seconds_between_writes=None,
        lazy=True,
    )


def _signing(key: Callable[[], str]) -> Sign:
    """Return what signs proofs, its key tried once: raises ConfigurationError where it is no private key now."""
    _loaded(key())

    def sign(claims: dict[str, Any]) -> str:
        import jwt

        try:
            loaded = _loaded(key())  # anew each time: a key that was replaced needs no restart
        except ReconcilerError as error:  # while we run this is a source that fails, and no wrong configuration
            raise Unauthorized(code="github.app_key", message=error.message, remedy=error.remedy) from None
        return jwt.encode(claims, loaded, algorithm="RS256")

    return sign


def _loaded(text: str) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        # Proving the key's numbers takes a tenth of a second; what a wrong key signs, GitHub refuses.
        key = load_pem_private_key(text.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):  # whose text may quote the key
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise _no_key("it is no RSA private key in PEM without a passphrase")
    return key


def _no_key(why: str) -> ConfigurationError:
    return ConfigurationError(
        code="github.app_key",
        message=f"the GitHub App's private key cannot be used: {why}",
        remedy="download a private key in the App's settings, and name its file in forge.app_key_file, or put its text"
        " into the variable that forge.app_key_env names",
    )


def _installation(answer: Mapping[str, Any]) -> Installation:
    number, held = answer.get("id"), answer.get("permissions")
    if not isinstance(number, int) or not isinstance(held, dict):
        raise _nonsense("where our App is installed")
    permissions = {name: str(held.get(name) or "") for name in {**NEEDED, **USEFUL}}
    permissions["metadata"] = permissions["metadata"] or "read"  # every installation has it
    return Installation(number=number, permissions=permissions, suspended=answer.get("suspended_at") is not None)


def _lease(answer: Mapping[str, Any]) -> tuple[str, datetime, Mapping[str, str]]:
    token, ends, held = answer.get("token"), answer.get("expires_at"), answer.get("permissions")
    try:
        until = datetime.fromisoformat(str(ends))
    except ValueError:
        raise _nonsense("for a token of our installation") from None
    if not isinstance(token, str) or not token or until.tzinfo is None or not isinstance(held, dict):
        raise _nonsense("for a token of our installation")
    return token, until, {foreign_text(name): foreign_text(level) for name, level in held.items()}


def _nonsense(what: str) -> SourceError:
    return SourceError(
        code="github.bad_answer",
        message=f"GitHub's answer makes no sense when asked {what}",
        remedy="check that forge.url is the address of GitHub's API",
    )


def _lower(held: str, wanted: str) -> str:
    return wanted if _covers(held, wanted) else held if _covers(held, "read") else ""


def _covers(held: str, wanted: str) -> bool:
    return held in _RANKS and _RANKS.index(held) >= _RANKS.index(wanted)

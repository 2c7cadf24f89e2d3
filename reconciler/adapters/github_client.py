"""PyGithub, set up so that a pass never sleeps, and its failures mapped to ours.

Protects: a rate limit is an answer and not a wait (invariant 2: PyGithub's own retry would wait for up to an hour),
writes are sent once, and no answer of GitHub reaches a log unscrubbed (invariant 11).
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reconciler.adapters.github_budget import limited, reset_of
from reconciler.adapters.reasons import in_short
from reconciler.adapters.tokens import secret
from reconciler.errors import Conflict, ReconcilerError, Refusal, SourceError, Unauthorized, foreign_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from github import Github, GithubException
    from github.Auth import Auth
    from github.Requester import Requester
    from urllib3.util import Retry

    from reconciler.adapters.github_budget import Budget
    from reconciler.adapters.tokens import Secret
    from reconciler.settings import ForgeSettings

# GitHub asks for a second between writes from those who write many. We write three times for a pull request, and
# `guards.pull_requests_per_hour` counts those, so a pass need not wait.
_BETWEEN_WRITES = 0.1

USER_AGENT = "reconciler"

_AGAIN = "nothing to do: the next pass asks again"
_REMEDIES = {
    401: "the forge's token is wrong or expired: make a new one and put it where the settings say",
    403: "give the token `Contents` and `Pull requests: read and write`, and its user the role Write; "
    "where the organisation uses single sign-on, authorise the token for it; a workflow's own token needs the job's "
    "`permissions`, and Settings, Actions, General: Allow GitHub Actions to create and approve pull requests",
    404: "check forge.repository and forge.url; a private repository that the token may not see is 404 as well",
}
_REFUSED = frozenset({400, 405, 413, 422})


def connect(settings: ForgeSettings, token: str | Secret, *, per_page: int, budget: Budget | None = None) -> Github:
    """Build the client; only reads are repeated, briefly, and only after a 5xx or a lost connection.

    All clients of a process share one budget, and one token, or what gives it.
    """
    from github import Consts, Github

    source = secret(token)
    client = Github(
        auth=_auth(source),
        base_url=(settings.url or Consts.DEFAULT_BASE_URL).rstrip("/"),
        timeout=math.ceil(settings.timeout.total_seconds()),
        per_page=per_page,
        user_agent=USER_AGENT,
        lazy=True,
        retry=briefly(),
        seconds_between_requests=None,
        seconds_between_writes=_BETWEEN_WRITES,
    )
    _watch(client.requester, source, budget)
    return client


def briefly() -> Retry:
    """Return how PyGithub may repeat a request."""
    from urllib3.util import Retry

    return Retry(
        total=2,
        connect=1,
        read=1,
        backoff_factor=0.2,
        allowed_methods=("GET",),
        status_forcelist=(500, 502, 503, 504),
        respect_retry_after_header=False,
        raise_on_status=False,
    )


def _auth(source: Secret) -> Auth:
    """Return PyGithub's view of a token that may be another one with each request."""
    from github.Auth import Auth

    class Renewed(Auth):
        @property
        def token_type(self) -> str:
            return "token"

        @property
        def token(self) -> str:
            return source.token()

        @property
        def _masked_token(self) -> str:
            return "token (removed)"

    return Renewed()


def _watch(requester: Requester, source: Secret, budget: Budget | None) -> None:
    """Stand around each request: PyGithub makes its Requester itself, and this is the method that all of them pass.

    Its own check of links lets the token go to any host below ours, and from https to http.
    """
    ask, home = requester.requestJson, _origin(requester.base_url)

    def watched(verb: str, url: str, *args: Any, **named: Any) -> tuple[int, dict[str, Any], str]:  # noqa: ANN401
        if not url.startswith("/") and _origin(url) != home:
            raise SourceError(
                code="github.foreign_link",
                message=f"GitHub's answer links to {foreign_text(urlsplit(url).netloc)}, which gets no token of ours",
                remedy="check that forge.url is GitHub's own address, and not that of a proxy that does not mend links",
            )
        if budget is not None:
            budget.check()
        status, headers, body = ask(verb, url, *args, **named)
        if budget is not None:
            budget.note(status, headers, body if status >= HTTPStatus.BAD_REQUEST else "")
        if status == HTTPStatus.UNAUTHORIZED:
            source.refused()
        return status, headers, body

    requester.requestJson = watched  # type: ignore[method-assign]


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


@contextmanager
def asking(what: str, *, writing: bool = False) -> Iterator[None]:
    """Map PyGithub's failures, here and nowhere else; `what` continues "GitHub was asked …"."""
    try:
        yield
    except ReconcilerError:
        raise
    except Exception as error:
        ours = _mapped(error, what, writing=writing)
        if ours is None:
            raise
        raise ours from error


def _mapped(error: Exception, what: str, *, writing: bool) -> ReconcilerError | None:
    """Return our error for one of PyGithub's; None for one that is no failure of GitHub's."""
    from github import BadAttributeException, GithubException
    from requests import RequestException

    if isinstance(error, GithubException):
        return _answered(error, what, writing=writing)
    if isinstance(error, RequestException):
        return SourceError(
            code="github.unreachable",
            message=f"GitHub did not answer when asked {what}: {in_short(error)}",
            remedy="check forge.url, and that the network lets us reach it",
        )
    # PyGithub reads an answer as it is used, so that nonsense shows as whatever Python makes of it;
    # RuntimeError is its word for a redirect to another host.
    nonsense = (BadAttributeException, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
    if isinstance(error, nonsense):
        return SourceError(
            code="github.bad_answer",
            message=f"GitHub's answer makes no sense when asked {what}: {foreign_text(error)}",
            remedy="check that forge.url is the address of GitHub's API, and not of a proxy or login page",
        )
    return None


def _answered(error: GithubException, what: str, *, writing: bool) -> ReconcilerError:
    status = error.status
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    message = f"GitHub answered {status} when asked {what}: {foreign_text(_said(error))}"
    code = f"github.http_{status}"
    if _is_rate_limit(error, headers):
        wait, ends = headers.get("retry-after"), reset_of(headers)
        remedy = _AGAIN
        if wait:
            remedy = f"{_AGAIN}, not before {foreign_text(wait)} s"
        elif ends and headers.get("x-ratelimit-remaining") == "0":
            remedy = limited("", ends).remedy
        return SourceError(code="github.rate_limited", message=message, remedy=remedy)
    remedy = _REMEDIES.get(status, _AGAIN)
    if status in {401, 403}:
        return Unauthorized(code=code, message=message, remedy=remedy)
    if status in {409, 412}:
        return Conflict(code=code, message=message, remedy=remedy)
    if status in _REFUSED and writing:
        return Refusal(code=code, message=message, remedy="mend what GitHub complains of, then run again")
    return SourceError(code=code, message=message, remedy=remedy)


def _is_rate_limit(error: GithubException, headers: dict[str, str]) -> bool:
    """Tell a limit from a missing permission: both are 403, and a limit goes away by itself."""
    from github import RateLimitExceededException

    if isinstance(error, RateLimitExceededException):
        return True
    spent = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    return error.status == HTTPStatus.TOO_MANY_REQUESTS or (error.status == HTTPStatus.FORBIDDEN and spent)


def _said(error: GithubException) -> str:
    """Return GitHub's sentence with its details: of a 422, only the details say what is wrong."""
    data = error.data
    if not isinstance(data, dict):
        return str(data)
    details = data.get("errors")
    words = [str(data.get("message") or data.get("data") or "no text")]
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            words.append(str(detail.get("message") or f"{detail.get('field')} {detail.get('code')}"))
        else:
            words.append(str(detail))
    return "; ".join(words)


def given(value: str) -> str:
    """Return what PyGithub types as a string; it makes None of what an answer lacks."""
    if not isinstance(value, str):
        raise ValueError("a field is missing")  # noqa: TRY004 - `asking` makes it one error with all other nonsense
    return value

"""What all forges share: which pull request counts, and the extras that may fail without harm.

Protects: a pull request from a fork is never taken for ours, and a missing label never fails a proposal.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import ConfigurationError, ReconcilerError, Refusal, Unauthorized
from reconciler.model.proposal import PullRequestState
from reconciler.ports import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reconciler.adapters.tokens import Secret
    from reconciler.model.proposal import PullRequest
    from reconciler.settings import ForgeSettings

_NOTHING_DONE = ("http_404", "http_429", "rate_limited")  # ends of codes


S = TypeVar("S", bound="str | Secret")


def checked_token(settings: ForgeSettings, token: S) -> S | str:
    """Return the token without the newline that ends a secret's file; what gives tokens is returned as it is.

    Raises ConfigurationError when it is empty.
    """
    if not isinstance(token, str):
        return token
    if not token.strip():
        raise ConfigurationError(
            code="forge.no_token",
            message=f"there is no token for {settings.kind}",
            remedy=f"set ${settings.token_env}, or forge.token_file to the path of a file that holds it",
        )
    return token.strip()


def ours(found: Iterable[PullRequest], prefix: str) -> tuple[PullRequest, ...]:
    """Return those of this very repository whose branch is below the prefix, newest first, each once."""
    wanted = {p.number: p for p in found if p.same_repository and p.branch.startswith(f"{prefix}/")}
    return tuple(wanted[number] for number in sorted(wanted, reverse=True))


def newest(found: Iterable[PullRequest], branch: str) -> PullRequest | None:
    """Return the branch's newest pull request, but rather an open one: a person may have reopened an older."""
    candidates = [p for p in found if p.same_repository and p.branch == branch]
    return max(candidates, key=lambda p: (p.state is PullRequestState.OPEN, p.number), default=None)


def may_have_happened(error: ReconcilerError) -> bool:
    """Tell whether a pull request may exist although opening it failed: a duplicate, or an answer that got lost."""
    return not isinstance(error, Unauthorized) and not error.code.endswith(_NOTHING_DONE)


def decorate(
    number: int, settings: ForgeSettings, *, label: Callable[[], object], ask: Callable[[Sequence[str]], object]
) -> None:
    """Put on labels and ask for reviews: requests of their own, and neither is worth failing for."""
    if settings.labels:
        try:
            label()
        except ReconcilerError as error:
            _warn(number, "labels", error)
    if settings.reviewers:
        _ask_reviewers(number, settings.reviewers, ask)


def check_push(source: str, settings: ForgeSettings, *, archived: bool, push: bool) -> str:
    """Say that we may push, or raise what keeps us from it."""
    if archived:
        raise Refusal(
            code=f"{source}.archived",
            message=f"{settings.repository} is archived, so nothing can be written to it",
            remedy="unarchive the repository, or name another one in the settings",
        )
    if not push:
        raise Unauthorized(
            code=f"{source}.no_push",
            message=f"our user may not push to {settings.repository}",
            remedy="give it the role Write on the repository, and the token the right to write contents",
        )
    return "our user may push"


def examined(subject: str, attempt: Callable[[], str], *, remedy: str = "", required: bool = True) -> Diagnosis:
    """Turn one attempt into a line of `doctor`: its sentence, or the error; `remedy` replaces the error's own."""
    try:
        detail = attempt()
    except ReconcilerError as error:
        return Diagnosis(
            subject=subject, works=False, detail=str(error), remedy=remedy or error.remedy, required=required
        )
    return Diagnosis(subject=subject, works=True, detail=detail, required=required)


def _ask_reviewers(number: int, reviewers: Sequence[str], ask: Callable[[Sequence[str]], object]) -> None:
    """Ask for reviews in one request; forges refuse all for one bad name, so then each alone."""
    try:
        ask(reviewers)
    except ReconcilerError as error:
        if len(reviewers) == 1 or not error.code.endswith(("http_404", "http_422")):
            _warn(number, f"review by {', '.join(reviewers)}", error)
            return
        for reviewer in reviewers:
            _ask_reviewers(number, (reviewer,), ask)


def _warn(number: int, what: str, error: ReconcilerError) -> None:
    failed = {"pull_request": number, "extra": what, "code": error.code, "reason": error.message}
    logging.getLogger(__name__).warning("pull_request_extra_failed", extra=failed)

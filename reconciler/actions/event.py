"""Is this event one to wake up for? Events only wake: what to do is read from the world, in every run alike.

Protects: no text of an event decides, is run or is shown. A close by which somebody else's pull request ended starts
nothing, and an event that strangers can cause with their own code in it is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.actions.runner import Mode
from reconciler.errors import ConfigurationError, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.actions.runner import Runner
    from reconciler.settings import Settings

_WAKING = ("schedule", "workflow_dispatch", "repository_dispatch", "pull_request")


def mode_of(runner: Runner) -> Mode:
    """Return what is to be done: what the step says, else what whoever started it by hand chose, else a run.

    Raises ConfigurationError for anything but run and plan.
    """
    chosen = runner.mode
    if not chosen and runner.event_name == "workflow_dispatch":
        chosen = _text(runner.event(), "inputs", "mode")
    try:
        return Mode(chosen or Mode.RUN)
    except ValueError:
        raise ConfigurationError(
            code="actions.mode",
            message="the mode is neither run nor plan",
            remedy="set the input `mode` to one of them, or leave it out",
        ) from None


def reason_to_rest(runner: Runner, settings: Settings) -> str | None:
    """Return why there is nothing to do for this event, None when a pass is due.

    Raises Refusal for an event that must not start one.
    """
    if runner.event_name not in _WAKING:
        raise Refusal(
            code="actions.event",
            message="this workflow was started by an event that the action does not take",
            remedy=f"start it by {', '.join(_WAKING[:-1])} or {_WAKING[-1]} (closed)",
        )
    event = runner.event()
    if _at(event, "repository", "fork") is True and not _is_configured(runner, settings):
        return "nothing to do: this is a fork of a repository, and another one is configured"
    return _about(event, runner, settings) if runner.event_name == "pull_request" else None


def _about(event: Mapping[str, Any], runner: Runner, settings: Settings) -> str | None:
    """Look at a pull request's event: only the close of one of ours is news."""
    if _text(event, "action") != "closed":
        return "nothing to do: only the close of a pull request is news"
    home, head = (_at(event, "pull_request", end, "repo", "id") for end in ("base", "head"))
    if home is None or home != head:
        raise Refusal(
            code="actions.fork",
            message="this pull request comes from a fork, whose runs get no secrets and may not write",
            remedy="leave such events out by the job's `if`, as docs/guides/github-actions.md shows; a scheduled run"
            " sees whatever there is to see",
        )
    if not _is_configured(runner, settings):
        return "nothing to do: the pull request is of another repository than the configured one"
    if not _text(event, "pull_request", "head", "ref").startswith(f"{settings.forge.branch_prefix}/"):
        return "nothing to do: the pull request that was closed is none of ours"
    return None


def _is_configured(runner: Runner, settings: Settings) -> bool:
    return runner.repository.lower() == settings.forge.repository.lower()


def _at(event: Mapping[str, Any], *steps: str) -> object:
    found: object = event
    for step in steps:
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _text(event: Mapping[str, Any], *steps: str) -> str:
    found = _at(event, *steps)
    return found if isinstance(found, str) else ""

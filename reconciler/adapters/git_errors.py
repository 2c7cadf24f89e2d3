"""What can go wrong with a remote Git server, in our words; libgit2's errors are mapped here and nowhere else.

Protects: the token reaches no text, not even where the server echoes it; a lost race is told from a rejection, and
a refused identity from a failure, because only some of them are worth another try.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.errors import Conflict, ReconcilerError, Refusal, SourceError, Unauthorized, foreign_text
from reconciler.model.objects import CommitId

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HEADS = "refs/heads/"
_STATUS = re.compile(r"status code: (\d{3})")

# What servers say when another push won between their advertisement and ours (git, GitHub, GitLab), and the one
# case that sounds alike but stays: a branch stands where a folder of branches would have to be.
_RACE = re.compile(r"cannot lock ref|failed to update ref|incorrect old value|already exists|stale info|fetch first")
_BLOCKED = re.compile(r"cannot create")

# GitHub's words (GH006) for the branch of a pull request that is in a merge queue: a rule that goes away by itself.
_QUEUED = re.compile(r"added to a merge queue|queued\s+for\s+merging", re.IGNORECASE)

# Gitea lets anybody who may read begin a push, and says this at its end.
_FORBIDDEN = re.compile(r"permission denied", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where the repository is and how we get in; `hint` says where the token comes from, for remedies."""

    url: str
    username: str
    token: str = field(repr=False)
    hint: str
    timeout: timedelta

    def scrubbed(self, text: object) -> str:
        """Return the server's text without our token, and otherwise fit to be shown."""
        return foreign_text(str(text).replace(self.token, "***") if self.token else text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What must be true of a remote reference for our push to happen."""

    reference: str  # its full name
    commit: CommitId
    expected: CommitId | None

    @property
    def shown(self) -> str:
        """The branch or other reference, in words."""
        branch = self.reference.removeprefix(_HEADS)
        return f"the reference {branch}" if branch == self.reference else f"the branch {branch}"


@contextmanager
def mapped(access: Access) -> Iterator[None]:
    """Turn what libgit2 raises about the server into our errors."""
    import pygit2

    try:
        yield
    except ReconcilerError:
        raise
    except (pygit2.GitError, LookupError, ValueError, OSError) as error:
        # Where the server echoed the token, the original may not be shown either.
        cause = None if access.token and access.token in str(error) else error
        raise failed(access, error) from cause


def failed(access: Access, error: Exception) -> SourceError:
    """Say how an exchange failed."""
    import pygit2

    text = access.scrubbed(error)
    status = _STATUS.search(text)
    if isinstance(error, pygit2.errors.AuthError) or (status and status[1] in ("401", "403")):
        return unauthorized(access, text)
    if status and status[1] == "404":
        return SourceError(
            code="git.not_found",
            message=f"there is no Git repository at {access.url}",
            remedy=f"check repository.url; a token that may not read it gets the same answer ({access.hint})",
        )
    if "timed out" in text:
        return timed_out(access)
    if "content-type" in text:
        return SourceError(
            code="git.failed",
            message=f"what answers at {access.url} is no Git server; it may be a web page",
            remedy="set repository.url to the address that `git clone` takes; it often ends in .git",
        )
    return SourceError(
        code="git.failed",
        message=f"talking to the Git server at {access.url} failed: {text}",
        remedy="check the address, the server and room on the disk; if all are well, stop the reconciler and delete"
        " the folder repository.mirror, it is made again",
    )


def unauthorized(access: Access, why: str) -> Unauthorized:
    """Return the error for a refused identity; trying again cannot help."""
    return Unauthorized(
        code="git.unauthorized",
        message=f"the Git server does not let us in: {why}",
        remedy=f"put a token that may read and write this repository into {access.hint}",
    )


def timed_out(access: Access) -> SourceError:
    """Return the error for an exchange that took too long; a push may have happened all the same."""
    return SourceError(
        code="git.timeout",
        message=f"the Git server was not done within {access.timeout.total_seconds():g} s",
        remedy="try again, or raise repository.timeout",
    )


def redirected(access: Access, host: str) -> SourceError:
    """Return the error for a server that sends us, and with us the token, to another one."""
    return SourceError(
        code="git.redirected",
        message=f"the Git server sends us on to {access.scrubbed(host)}, which gets no token",
        remedy="set repository.url to the repository's final address",
    )


def moved(lease: Lease, why: str) -> Conflict:
    """Return the error for a reference that is not where we saw it."""
    return Conflict(
        code="git.branch_moved",
        message=f"{lease.shown} was expected at {lease.expected or 'nothing'}, but {why}",
        remedy="nothing was overwritten; the next pass looks again",
    )


def rejected(access: Access, lease: Lease, answer: str, said: Sequence[str]) -> ReconcilerError:
    """Say why the server did not take a reference: another push was faster, or we or anybody may not."""
    text = access.scrubbed(f"{answer}: {''.join(said)}" if said else answer)
    if _RACE.search(text) and not _BLOCKED.search(text):
        return moved(lease, f"the server says: {text}")
    if _FORBIDDEN.search(text):
        return unauthorized(access, text)
    if _QUEUED.search(text):
        return Conflict(
            code="git.queued",
            message=f"the Git server keeps {lease.shown} as it is while its pull request is in the merge queue",
            remedy="nothing to do: it is merged as it is, or looked at again when it leaves the queue",
        )
    return Refusal(
        code="git.push_rejected",
        message=f"the Git server rejected {lease.shown}: {text}",
        remedy="let the repository's rules (hooks, protected branches) admit our branches and our token's user",
    )

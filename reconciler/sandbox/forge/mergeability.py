"""Whether a pull request can be merged: unknown at first, worked out when somebody asks again, as on GitHub."""

from __future__ import annotations

from reconciler.sandbox.forge import gates, objects
from reconciler.sandbox.forge.merging import Words
from reconciler.sandbox.forge.model import Issue, PullRequest, Repository, Trial
from reconciler.sandbox.forge.state import FORGE, State, person


def forget(pull: PullRequest) -> None:
    """Let it be unknown again: head or base has moved. The old trial's commit stays in sight, as on GitHub."""
    pull.asked = False


def known(repository: Repository, pull: PullRequest) -> Trial | None:
    """Return the trial of the present head and base, if it was made."""
    trial = pull.trial
    here = (repository.git.head(pull.base.ref), pull.head.sha)
    return trial if trial is not None and (trial.base, trial.head) == here else None


def asked(state: State, repository: Repository, issue: Issue, pull: PullRequest) -> None:
    """Somebody reads it: the first time nothing is known, the next time it was worked out."""
    if not issue.is_open:
        return
    if pull.asked:
        worked_out(state, repository, issue, pull)
    pull.asked = True


def worked_out(state: State, repository: Repository, issue: Issue, pull: PullRequest) -> Trial:
    """Return the trial of the present head and base, making it if need be."""
    found = known(repository, pull)
    if found is not None:
        return found
    base = repository.git.head(pull.base.ref) or pull.base.sha
    words = Words(f"Merge {pull.head.sha} into {base}", person(issue.user), FORGE, state.now())
    merge = objects.trial_merge(repository.git, base, pull.head.sha, words)
    pull.trial = Trial(base=base, head=pull.head.sha, merge=merge)
    pull.asked = True
    if merge is not None:
        name = f"refs/pull/{issue.number}/merge"
        repository.git.set_ref(name, merge, expected=repository.git.ref(name))
    return pull.trial


def word(state: State, repository: Repository, issue: Issue, pull: PullRequest) -> str:
    """Return `mergeable_state`: clean, blocked, behind, dirty, draft, unstable or unknown."""
    trial = known(repository, pull) if issue.is_open else None
    if trial is None:
        return "unknown"
    if trial.merge is None:
        return "dirty"
    if pull.draft:
        return "draft"
    rules = gates.rules_of(repository, pull.base.ref)
    if gates.unmet(state, repository, pull, rules) or rules.locked:
        return "blocked"
    if rules.strict and is_behind(repository, pull):
        return "behind"
    return "clean" if _all_succeed(repository, pull.head.sha) else "unstable"


def is_behind(repository: Repository, pull: PullRequest) -> bool:
    """Tell whether base has commits that head lacks."""
    base = repository.git.head(pull.base.ref)
    return base is not None and not repository.git.is_ancestor(base, pull.head.sha)


def _all_succeed(repository: Repository, sha: str) -> bool:
    contexts = gates.reported_contexts(repository, sha)
    return all(gates.state_of(repository, sha, context) == "success" for context in contexts)

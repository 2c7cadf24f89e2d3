"""Branch protection and rulesets as GitHub's JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge.model import Protection
from reconciler.sandbox.forge.rest import answers
from reconciler.sandbox.forge.rest.view import View, stamp
from reconciler.sandbox.forge.urls import escaped, node_id

if TYPE_CHECKING:
    from reconciler.sandbox.forge.model import Json, Repository, Ruleset


def protection(view: View, repository: Repository, branch: str, found: Protection) -> Json:
    """Return a branch's protection; what is off is left out."""
    url = protection_url(view, repository, branch)
    shown: Json = {
        "url": url,
        "required_signatures": {"url": f"{url}/required_signatures", "enabled": False},
        "enforce_admins": enforce_admins(view, repository, branch, found),
        "required_linear_history": {"enabled": found.linear},
        "allow_force_pushes": {"enabled": found.force_pushes},
        "allow_deletions": {"enabled": found.deletions},
        "block_creations": {"enabled": False},
        "required_conversation_resolution": {"enabled": False},
        "lock_branch": {"enabled": found.locked},
        "allow_fork_syncing": {"enabled": False},
    }
    if found.contexts is not None:
        shown["required_status_checks"] = required_checks(view, repository, branch, found)
    if found.reviews is not None:
        shown["required_pull_request_reviews"] = required_reviews(view, repository, branch, found)
    if found.pushers is not None:
        shown["restrictions"] = _restrictions(view, url, found)
    return shown


def protection_url(view: View, repository: Repository, branch: str) -> str:
    """Return where a branch's protection is."""
    return view.api(f"/repos/{repository.full_name}/branches/{escaped(branch)}/protection")


def required_checks(view: View, repository: Repository, branch: str, found: Protection) -> Json:
    """Return the checks that must succeed."""
    url = f"{protection_url(view, repository, branch)}/required_status_checks"
    return {"url": url, "strict": found.strict, "contexts_url": f"{url}/contexts"} | _checks(found)


def required_reviews(view: View, repository: Repository, branch: str, found: Protection) -> Json:
    """Return what is demanded of reviews."""
    return {
        "url": f"{protection_url(view, repository, branch)}/required_pull_request_reviews",
        "dismiss_stale_reviews": found.dismiss_stale,
        "require_code_owner_reviews": found.code_owners,
        "require_last_push_approval": found.last_push_approval,
        "required_approving_review_count": found.reviews or 0,
    }


def enforce_admins(view: View, repository: Repository, branch: str, found: Protection) -> Json:
    """Return whether protection binds administrators too."""
    url = f"{protection_url(view, repository, branch)}/enforce_admins"
    return {"url": url, "enabled": found.enforce_admins}


def protection_summary(repository: Repository, branch: str) -> Json:
    """Return what a branch tells of its protection to everybody."""
    found = repository.protections.get(branch)
    level, checks = "off", Protection()
    if found is not None and found.contexts is not None:
        level, checks = "everyone" if found.enforce_admins else "non_admins", found
    return {"enabled": found is not None, "required_status_checks": {"enforcement_level": level} | _checks(checks)}


def ruleset(view: View, repository: Repository, found: Ruleset, *, whole: bool = True) -> Json:
    """Return a ruleset; lists leave out its rules."""
    shown: Json = {
        "id": found.id,
        "name": found.name,
        "target": found.target,
        "source_type": "Repository",
        "source": repository.full_name,
        "enforcement": found.enforcement,
        "node_id": node_id("RepositoryRuleset", found.id),
        "_links": {
            "self": {"href": view.api(f"/repos/{repository.full_name}/rulesets/{found.id}")},
            "html": {"href": view.web(f"/{repository.full_name}/rules/{found.id}")},
        },
        "created_at": stamp(found.created_at),
        "updated_at": stamp(found.updated_at),
    }
    if whole:
        names = {"include": list(found.include), "exclude": list(found.exclude)}
        shown |= {"conditions": {"ref_name": names}, "rules": list(found.rules), "bypass_actors": []}
        shown["current_user_can_bypass"] = "never"
    return shown


def rule(repository: Repository, number: int, found: Json) -> Json:
    """Return one rule that applies to a branch, with where it comes from."""
    source = {"ruleset_source_type": "Repository", "ruleset_source": repository.full_name, "ruleset_id": number}
    return found | source


def _checks(found: Protection) -> Json:
    contexts = found.contexts or ()
    checks = [{"context": context, "app_id": app} for context, app in contexts]
    return {"contexts": [context for context, _ in contexts], "checks": checks}


def _restrictions(view: View, url: str, found: Protection) -> Json:
    pushers = [view.state.user(login) for login in found.pushers or ()]
    links = {f"{kind}_url": f"{url}/restrictions/{kind}" for kind in ("users", "teams", "apps")}
    users = [answers.user(view, pusher) for pusher in pushers if pusher is not None]
    return {"url": f"{url}/restrictions", "users": users, "teams": [], "apps": []} | links

"""People and repositories as GitHub's JSON: every property that its description requires."""

from __future__ import annotations

from reconciler.sandbox.forge.model import Json, Permission, Repository, User
from reconciler.sandbox.forge.rest.view import View, stamp
from reconciler.sandbox.forge.urls import escaped, node_id

# Links of a repository, below its own; braces are the client's to fill.
_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}

# Settings that only those who may write are told.
_CHOICES = (
    "allow_merge_commit",
    "allow_squash_merge",
    "allow_rebase_merge",
    "delete_branch_on_merge",
    "allow_update_branch",
    "squash_merge_commit_title",
    "squash_merge_commit_message",
    "merge_commit_title",
    "merge_commit_message",
)


def user(view: View, shown: User) -> Json:
    """Return somebody, briefly."""
    api = view.api(f"/users/{escaped(shown.login)}")
    return {
        "login": shown.login,
        "id": shown.id,
        "node_id": node_id(shown.kind, shown.id),
        "avatar_url": view.web(f"/avatars/u/{shown.id}"),
        "gravatar_id": "",
        "url": api,
        "html_url": view.web(f"/{escaped(shown.login)}"),
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": shown.kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def user_or_none(view: View, shown: User | None) -> Json | None:
    """Return somebody briefly, or null."""
    return None if shown is None else user(view, shown)


def account(view: View, shown: User) -> Json:
    """Return somebody's public profile, and what only they themselves may see."""
    owned = [repository for repository in view.state.repositories.values() if repository.owner is shown]
    public = sum(not repository.private for repository in owned)
    profile = user(view, shown) | dict.fromkeys(("company", "location", "hireable", "bio", "twitter_username"))
    profile |= {"name": shown.login, "blog": "", "email": None, "public_repos": public, "public_gists": 0}
    profile |= {"followers": 0, "following": 0, "created_at": stamp(shown.created_at)}
    profile |= {"updated_at": stamp(shown.created_at)}
    if shown is not view.viewer:
        return profile
    private = len(owned) - public
    mine = {"private_gists": 0, "total_private_repos": private, "owned_private_repos": private, "disk_usage": 0}
    return profile | mine | {"collaborators": 0, "two_factor_authentication": False, "email": shown.email}


def organization(view: View, shown: User) -> Json:
    """Return an organization."""
    api = view.api(f"/orgs/{shown.login}")
    owned = [repository for repository in view.state.repositories.values() if repository.owner is shown]
    return {
        "login": shown.login,
        "id": shown.id,
        "node_id": node_id("Organization", shown.id),
        "url": api,
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events",
        "hooks_url": f"{api}/hooks",
        "issues_url": f"{api}/issues",
        "members_url": f"{api}/members{{/member}}",
        "public_members_url": f"{api}/public_members{{/member}}",
        "avatar_url": view.web(f"/avatars/u/{shown.id}"),
        "description": None,
        "name": shown.login,
        "has_organization_projects": True,
        "has_repository_projects": True,
        "public_repos": sum(not repository.private for repository in owned),
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "html_url": view.web(f"/{shown.login}"),
        "type": "Organization",
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.created_at),
        "archived_at": None,
    }


def permissions(permission: Permission) -> dict[str, bool]:
    """Return a permission as the API's five words."""
    return {
        "admin": permission >= Permission.ADMIN,
        "maintain": permission >= Permission.MAINTAIN,
        "push": permission >= Permission.WRITE,
        "triage": permission >= Permission.TRIAGE,
        "pull": permission >= Permission.READ,
    }


def collaborator(view: View, shown: User, permission: Permission) -> Json:
    """Return somebody with what they may do in a repository."""
    return user(view, shown) | {"permissions": permissions(permission), "role_name": permission.role}


def repository(view: View, shown: Repository) -> Json:
    """Return a repository as lists and pull requests show it."""
    api, web = view.api(f"/repos/{shown.full_name}"), view.web(f"/{shown.full_name}")
    answer = _names(view, shown, api, web) | {key: f"{api}{path}" for key, path in _LINKS.items()}
    answer |= _addresses(shown, web) | _figures(view, shown) | _features(shown)
    if view.viewer is not None:
        answer["permissions"] = permissions(view.permission(shown))
    return answer


def full_repository(view: View, shown: Repository) -> Json:
    """Return a repository with everything."""
    answer = repository(view, shown) | {"subscribers_count": 0, "network_count": len(forks_of(view, shown))}
    if view.permission(shown) >= Permission.WRITE:
        answer |= {name: getattr(shown.settings, name) for name in _CHOICES}
        answer |= {"allow_auto_merge": False, "use_squash_pr_title_as_default": False}
    if shown.owner.kind == "Organization":
        answer["organization"] = user(view, shown.owner)
    if shown.parent is not None:
        answer |= {"parent": repository(view, shown.parent), "source": repository(view, shown.network)}
    return answer


def forks_of(view: View, shown: Repository) -> list[Repository]:
    """Return the forks of a repository, oldest first."""
    return [each for each in view.state.repositories.values() if each.parent is shown]


def _names(view: View, shown: Repository, api: str, web: str) -> Json:
    return {
        "id": shown.id,
        "node_id": node_id("Repository", shown.id),
        "name": shown.name,
        "full_name": shown.full_name,
        "private": shown.private,
        "owner": user(view, shown.owner),
        "html_url": web,
        "description": shown.description,
        "fork": shown.parent is not None,
        "url": api,
    }


def _addresses(shown: Repository, web: str) -> Json:
    plain = web.partition("://")[2]
    host, _, path = plain.partition("/")
    return {
        "git_url": f"git://{plain}.git",
        "ssh_url": f"git@{host.partition(':')[0]}:{path}.git",
        "clone_url": f"{web}.git",
        "svn_url": web,
        "mirror_url": None,
        "homepage": shown.settings.homepage,
    }


def _figures(view: View, shown: Repository) -> Json:
    unclosed = sum(issue.is_open for issue in shown.issues.values())
    forks = len(forks_of(view, shown))
    return {
        "language": None,
        "license": None,
        "forks": forks,
        "forks_count": forks,
        "stargazers_count": 0,
        "watchers": 0,
        "watchers_count": 0,
        "size": 0,
        "open_issues": unclosed,
        "open_issues_count": unclosed,
        "topics": [],
        "pushed_at": stamp(shown.pushed_at or shown.created_at),
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.updated_at),
    }


def _features(shown: Repository) -> Json:
    settings = shown.settings
    return {
        "default_branch": shown.git.default_branch,
        "is_template": False,
        "has_issues": settings.has_issues,
        "has_projects": settings.has_projects,
        "has_wiki": settings.has_wiki,
        "has_pages": False,
        "has_downloads": True,
        "has_discussions": settings.has_discussions,
        "archived": shown.archived,
        "disabled": False,
        "visibility": "private" if shown.private else "public",
        "allow_forking": True,
        "web_commit_signoff_required": False,
    }

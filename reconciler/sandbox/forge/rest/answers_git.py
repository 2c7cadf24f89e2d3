"""Commits, trees, references and files as GitHub's JSON."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from reconciler.sandbox.forge import gates, objects
from reconciler.sandbox.forge.rest import answers, answers_rules
from reconciler.sandbox.forge.rest.view import View, stamp
from reconciler.sandbox.forge.urls import escaped, node_id

if TYPE_CHECKING:
    from reconciler.sandbox.forge.model import Json, Repository
    from reconciler.sandbox.forge.nouns import CommitView, FileChange, Signed, TreeEntry

UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
_SUBMODULE, _SYMLINK = 0o160000, 0o120000


def api(view: View, repository: Repository, path: str) -> str:
    """Return a link into a repository's part of the API."""
    return view.api(f"/repos/{repository.full_name}{path}")


def web(view: View, repository: Repository, path: str) -> str:
    """Return a link to a page of a repository."""
    return view.web(f"/{repository.full_name}{path}")


def signed(found: Signed) -> Json:
    """Return a name in a commit."""
    return {"name": found.name, "email": found.email, "date": stamp(found.at)}


def commit(view: View, repository: Repository, found: CommitView) -> Json:
    """Return a commit as lists show it."""
    url = api(view, repository, f"/commits/{found.sha}")
    return {
        "sha": found.sha,
        "node_id": node_id("Commit", found.sha),
        "commit": {
            "author": signed(found.author),
            "committer": signed(found.committer),
            "message": found.message,
            "tree": tree_link(view, repository, found.tree),
            "url": api(view, repository, f"/git/commits/{found.sha}"),
            "comment_count": 0,
            "verification": verification(repository, found),
        },
        "url": url,
        "html_url": web(view, repository, f"/commit/{found.sha}"),
        "comments_url": f"{url}/comments",
        "author": answers.user_or_none(view, view.state.by_email(found.author.email)),
        "committer": answers.user_or_none(view, view.state.by_email(found.committer.email)),
        "parents": [_parent(view, repository, sha, "commits") for sha in found.parents],
    }


def commit_with_files(view: View, repository: Repository, found: CommitView) -> Json:
    """Return a commit with what it changed."""
    changes = repository.git.changed_files(found.parents[0], found.sha, three_dots=False) if found.parents else []
    additions, deletions = sum(c.additions for c in changes), sum(c.deletions for c in changes)
    stats = {"additions": additions, "deletions": deletions, "total": additions + deletions}
    files = [file_change(view, repository, change, found.sha) for change in changes]
    return commit(view, repository, found) | {"stats": stats, "files": files}


def git_commit(view: View, repository: Repository, found: CommitView) -> Json:
    """Return a commit as Git's own object."""
    return {
        "sha": found.sha,
        "node_id": node_id("Commit", found.sha),
        "url": api(view, repository, f"/git/commits/{found.sha}"),
        "html_url": web(view, repository, f"/commit/{found.sha}"),
        "author": signed(found.author),
        "committer": signed(found.committer),
        "tree": tree_link(view, repository, found.tree),
        "message": found.message,
        "parents": [_parent(view, repository, sha, "git/commits") for sha in found.parents],
        "verification": verification(repository, found),
    }


def verification(repository: Repository, found: CommitView) -> Json:
    """Return what the forge says of a commit's signature."""
    sealed = objects.signature_of(repository.git, found.sha)
    if sealed is None:
        return UNSIGNED
    signature, payload = sealed
    at = stamp(found.committer.at)
    return {"verified": True, "reason": "valid", "signature": signature, "payload": payload, "verified_at": at}


def tree_link(view: View, repository: Repository, sha: str) -> Json:
    """Return a link to a tree."""
    return {"sha": sha, "url": api(view, repository, f"/git/trees/{sha}")}


def reference(view: View, repository: Repository, name: str, sha: str) -> Json:
    """Return a reference, by its full name."""
    kind = objects.kind_of(repository.git, sha) or "commit"
    return {
        "ref": name,
        "node_id": node_id("Ref", f"{repository.id}:{name}"),
        "url": api(view, repository, f"/git/{escaped(name)}"),
        "object": {"sha": sha, "type": kind, "url": api(view, repository, f"/git/{kind}s/{sha}")},
    }


def tag(view: View, repository: Repository, sha: str, found: objects.Tag) -> Json:
    """Return an annotated tag."""
    target = api(view, repository, f"/git/{found.kind}s/{found.target}")
    return {
        "node_id": node_id("Tag", sha),
        "tag": found.name,
        "sha": sha,
        "url": api(view, repository, f"/git/tags/{sha}"),
        "message": found.message,
        "tagger": signed(found.tagger),
        "object": {"sha": found.target, "type": found.kind, "url": target},
        "verification": UNSIGNED,
    }


def tree(view: View, repository: Repository, sha: str, entries: list[TreeEntry]) -> Json:
    """Return a tree."""
    shown = [_tree_entry(view, repository, entry) for entry in entries]
    return tree_link(view, repository, sha) | {"tree": shown, "truncated": False}


def blob(view: View, repository: Repository, sha: str, content: bytes) -> Json:
    """Return a blob."""
    return {
        "sha": sha,
        "node_id": node_id("Blob", sha),
        "size": len(content),
        "url": api(view, repository, f"/git/blobs/{sha}"),
        "content": wrapped(content),
        "encoding": "base64",
    }


def branch(view: View, repository: Repository, name: str, sha: str) -> Json:
    """Return a branch with its newest commit."""
    url = api(view, repository, f"/branches/{escaped(name)}")
    return _short_branch(view, repository, name) | {
        "commit": commit(view, repository, repository.git.commit(sha)),
        "_links": {"self": url, "html": web(view, repository, f"/tree/{escaped(name)}")},
    }


def short_branch(view: View, repository: Repository, name: str, sha: str) -> Json:
    """Return a branch as lists show it."""
    url = api(view, repository, f"/commits/{sha}")
    return _short_branch(view, repository, name) | {"commit": {"sha": sha, "url": url}}


def file_change(view: View, repository: Repository, change: FileChange, sha: str) -> Json:
    """Return what became of a file; `sha` is the commit after the change."""
    path = escaped(change.path)
    shown: Json = {
        "sha": change.blob,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": web(view, repository, f"/blob/{sha}/{path}"),
        "raw_url": web(view, repository, f"/raw/{sha}/{path}"),
        "contents_url": api(view, repository, f"/contents/{path}?ref={sha}"),
    }
    if change.patch:
        shown["patch"] = change.patch
    if change.previous:
        shown["previous_filename"] = change.previous
    return shown


def content(view: View, repository: Repository, entry: TreeEntry, ref: str) -> Json:
    """Return a file, a folder or a link in a listing: without its content."""
    path = escaped(entry.path)
    kinds = {"tree": ("dir", "trees", "tree"), "commit": ("submodule", "trees", "tree")}
    kind, store, page = kinds.get(entry.kind, ("file", "blobs", "blob"))
    if entry.mode == _SYMLINK:
        kind = "symlink"
    url = api(view, repository, f"/contents/{path}?ref={escaped(ref)}")
    git, html = api(view, repository, f"/git/{store}/{entry.sha}"), web(view, repository, f"/{page}/{ref}/{path}")
    return {
        "name": entry.path.rpartition("/")[2],
        "path": entry.path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": url,
        "html_url": html,
        "git_url": git,
        "download_url": web(view, repository, f"/raw/{ref}/{path}") if entry.kind == "blob" else None,
        "type": kind,
        "_links": {"self": url, "git": git, "html": html},
    }


def wrapped(content: bytes) -> str:
    """Return bytes in base64, in lines of sixty as GitHub writes them."""
    text = base64.b64encode(content).decode()
    return "".join(f"{text[start : start + 60]}\n" for start in range(0, len(text), 60))


def _short_branch(view: View, repository: Repository, name: str) -> Json:
    url = api(view, repository, f"/branches/{escaped(name)}/protection")
    return {
        "name": name,
        "protected": gates.rules_of(repository, name).protected,
        "protection": answers_rules.protection_summary(repository, name),
        "protection_url": url,
    }


def _tree_entry(view: View, repository: Repository, entry: TreeEntry) -> Json:
    shown: Json = {"path": entry.path, "mode": f"{entry.mode:06o}", "type": entry.kind, "sha": entry.sha}
    if entry.size is not None:
        shown["size"] = entry.size
    if entry.mode != _SUBMODULE:
        shown["url"] = api(view, repository, f"/git/{entry.kind}s/{entry.sha}")
    return shown


def _parent(view: View, repository: Repository, sha: str, where: str) -> Json:
    url = api(view, repository, f"/{where}/{sha}")
    return {"sha": sha, "url": url, "html_url": web(view, repository, f"/commit/{sha}")}

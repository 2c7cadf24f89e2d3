"""Files over the API: read at any commit, written as commits of one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge import gates, objects, pushes
from reconciler.sandbox.forge.refusals import Refused, malformed, not_found
from reconciler.sandbox.forge.rest import answers_git
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.fields import NEEDED, STRING, THING
from reconciler.sandbox.forge.rest.git_data import from_base64, signed
from reconciler.sandbox.forge.rest.routes import get, write

if TYPE_CHECKING:
    from reconciler.sandbox.forge.model import Json
    from reconciler.sandbox.forge.nouns import TreeEntry
    from reconciler.sandbox.forge.rest.call import Call

_LARGE = 1024 * 1024  # bytes that GitHub still shows in JSON
_SYMLINK = 0o120000


def _read(call: Call) -> object:
    git, path = call.repository.git, call.parts.get("path", "").strip("/")
    ref = call.request.first("ref") or git.default_branch
    commit = git.resolve(ref) or objects.full_sha(git, ref)
    if commit is None:
        raise not_found(
            f"No commit found for the ref {ref}" if "ref" in call.request.query else "This repository is empty."
        )
    entry = git.entry(commit, path) if path else None
    if path and entry is None:
        raise not_found()
    if entry is None or entry.kind == "tree":
        tree = git.tree(entry.sha if entry else commit)
        return [answers_git.content(call.view, call.repository, _below(path, each), ref) for each in tree]
    return _file(call, entry, ref)


def _below(folder: str, entry: TreeEntry) -> TreeEntry:
    from dataclasses import replace

    return replace(entry, path=f"{folder}/{entry.path}") if folder else entry


def _file(call: Call, entry: TreeEntry, ref: str) -> object:
    answer = answers_git.content(call.view, call.repository, entry, ref)
    if entry.kind == "commit":
        return answer | {"submodule_git_url": answer["git_url"]}
    content = call.repository.git.blob(entry.sha)
    if call.accepts_raw():
        return Reply(content)
    if entry.mode == _SYMLINK:
        return answer | {"target": content.decode(errors="replace")}
    if len(content) > _LARGE:
        return answer | {"content": "", "encoding": "none"}
    return answer | {"content": answers_git.wrapped(content), "encoding": "base64"}


def _write(call: Call) -> Reply:
    branch, before = _place(call)
    path, given = call.parts["path"], call.given
    existing = call.repository.git.entry(before, path) if before else None
    if existing is not None:
        _check_sha(path, given.get("sha"), existing)
    if existing is not None and existing.kind != "blob":
        raise Refused(422, f"{path} is not a file")
    content = from_base64(given["content"])
    made = _committed(call, branch, before, {path: content}, "update" if existing else "create")
    entry = call.repository.git.entry(made, path)
    shown = None if entry is None else answers_git.content(call.view, call.repository, entry, branch)
    commit = answers_git.git_commit(call.view, call.repository, call.repository.git.commit(made))
    return Reply({"content": shown, "commit": commit}, 200 if existing else 201)


def _delete(call: Call) -> Json:
    branch, before = _place(call)
    path = call.parts["path"]
    existing = call.repository.git.entry(before, path) if before else None
    if existing is None or existing.kind != "blob":
        raise not_found()
    _check_sha(path, call.given["sha"], existing)
    made = _committed(call, branch, before, {path: None}, "delete")
    commit = answers_git.git_commit(call.view, call.repository, call.repository.git.commit(made))
    return {"content": None, "commit": commit}


def _place(call: Call) -> tuple[str, str | None]:
    """Return the branch to write to and where it is; only an empty repository's may be missing."""
    git = call.repository.git
    branch = call.given.get("branch", git.default_branch)
    before = git.head(branch)
    if before is None and git.refs():
        raise not_found(f"Branch {branch} not found")
    return branch, before


def _check_sha(path: str, given: str | None, existing: TreeEntry) -> None:
    if given is None:
        raise malformed('"sha" wasn\'t supplied.')
    if given != existing.sha:
        raise Refused(409, f"{path} does not match {given}")


def _committed(call: Call, branch: str, before: str | None, edits: dict[str, bytes | None], verb: str) -> str:
    repository, given = call.repository, call.given
    git, ref = repository.git, f"{pushes.HEADS}{branch}"
    author = signed(call, given.get("author") or given.get("committer"))
    committer = signed(call, given.get("committer") or given.get("author"))
    try:
        tree = git.write_tree(before, edits)
    except ValueError:
        raise Refused(422, "path contains a malformed path component") from None
    parents = [before] if before else []
    made = objects.write_commit(git, tree, parents, given["message"], author, committer)
    reason = gates.refused_push(call.state, call.me, repository, branch, old=before, new=made)
    if reason is not None:
        raise Refused(409, f"Could not {verb} file: {reason}")
    git.set_ref(ref, made, expected=before)
    pushes.followed(call.state, repository, ref, before, made, call.me)
    return made


_PEOPLE = {"author": THING, "committer": THING}
_NEW = {"message": NEEDED, "content": NEEDED, "sha": STRING, "branch": STRING} | _PEOPLE
_GONE = {"message": NEEDED, "sha": NEEDED, "branch": STRING} | _PEOPLE
_PATH = "/repos/{owner}/{repo}/contents/{path+}"

ROUTES = (
    get("/repos/{owner}/{repo}/contents", _read, query=("ref",)),
    get("/repos/{owner}/{repo}/contents/", _read, query=("ref",)),
    get(_PATH, _read, query=("ref",)),
    write("PUT", _PATH, _write, _NEW, status=201),
    write("DELETE", _PATH, _delete, _GONE),
)

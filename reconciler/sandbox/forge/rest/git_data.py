"""Git's own objects over the API: references, commits, trees, blobs and tags."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.forge import gates, objects, pushes
from reconciler.sandbox.forge.nouns import NotThere, Signed
from reconciler.sandbox.forge.objects import Entry
from reconciler.sandbox.forge.refusals import Refused, malformed, not_found
from reconciler.sandbox.forge.repository import RefRefused
from reconciler.sandbox.forge.rest import answers_git
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.fields import FLAG, LIST, NEEDED, STRING, THING, Field, one_of
from reconciler.sandbox.forge.rest.routes import PAGES, get, write
from reconciler.sandbox.forge.state import FORGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.forge.model import Json
    from reconciler.sandbox.forge.rest.call import Call

_GIT = "/repos/{owner}/{repo}/git"
_KINDS = {"100644": "blob", "100755": "blob", "040000": "tree", "160000": "commit", "120000": "blob"}
_STEPS = 3  # refs/heads/main


def _ref(call: Call) -> Json:
    name, sha = _existing(call, 404, "Not Found")
    return answers_git.reference(call.view, call.repository, name, sha)


def _matching(call: Call) -> Reply:
    found = call.repository.git.refs(f"refs/{call.parts.get('ref', '')}")
    return call.paged(
        list(found.items()), lambda each: answers_git.reference(call.view, call.repository, each[0], each[1])
    )


def _create_ref(call: Call) -> Json:
    name, sha = call.given["ref"], call.given["sha"]
    if not name.startswith("refs/") or len(name.split("/")) < _STEPS:
        raise Refused(422, "Reference name must start with 'refs/'." if "/" not in name else "Reference update failed")
    if call.repository.git.ref(name) is not None:
        raise Refused(422, "Reference already exists")
    if not call.repository.git.has(sha):
        raise Refused(422, "Object does not exist")
    _move(call, name, None, sha)
    return answers_git.reference(call.view, call.repository, name, sha)


def _update_ref(call: Call) -> Json:
    name, old = _existing(call, 422, "Reference does not exist")
    new, git = call.given["sha"], call.repository.git
    if not git.has(new):
        raise Refused(422, "Object does not exist")
    if not call.given.get("force") and not git.is_ancestor(old, new):
        raise Refused(422, "Update is not a fast forward")
    _move(call, name, old, new)
    return answers_git.reference(call.view, call.repository, name, new)


def _delete_ref(call: Call) -> Reply:
    name, old = _existing(call, 422, "Reference does not exist")
    if name == f"{pushes.HEADS}{call.repository.git.default_branch}":
        raise Refused(422, "Cannot delete the default branch")
    _move(call, name, old, None)
    return Reply(status=204)


def _existing(call: Call, status: int, message: str) -> tuple[str, str]:
    name = f"refs/{call.parts['ref']}"
    found = call.repository.git.ref(name)
    if found is None:
        raise Refused(status, message)
    return name, found


def _move(call: Call, name: str, old: str | None, new: str | None) -> None:
    repository = call.repository
    if name.startswith("refs/pull/"):
        raise Refused(422, "Reference update failed")
    if name.startswith(pushes.HEADS):
        branch = name.removeprefix(pushes.HEADS)
        reason = gates.refused_push(call.state, call.me, repository, branch, old=old, new=new)
        if reason is not None:
            raise Refused(422, reason)
    try:
        repository.git.set_ref(name, new, expected=old)
    except RefRefused:
        raise Refused(422, "Reference update failed") from None
    pushes.followed(call.state, repository, name, old, new, call.me)


def _commit(call: Call) -> Json:
    try:
        found = call.repository.git.commit(call.parts["sha"])
    except NotThere:
        raise not_found() from None
    return answers_git.git_commit(call.view, call.repository, found)


def _create_commit(call: Call) -> Json:
    git, given = call.repository.git, call.given
    parents = given.get("parents", [])
    if objects.kind_of(git, given["tree"]) != "tree":
        raise Refused(422, "Tree SHA does not exist")
    for parent in parents:
        if objects.kind_of(git, parent) != "commit":
            raise Refused(422, "Parent SHA does not exist or is not a commit object")
    author = signed(call, given.get("author"))
    committer = signed(call, given.get("committer")) if given.get("committer") else author
    by_app = call.me.app is not None and not given.get("author") and not given.get("committer")
    if by_app:
        committer = Signed(FORGE.name, FORGE.email, author.at)
    sha = objects.write_commit(git, given["tree"], parents, given["message"], author, committer)
    if by_app:
        sha = objects.write_signed_commit(git, sha)
    return answers_git.git_commit(call.view, call.repository, git.commit(sha))


def _tree(call: Call) -> Json:
    git, wanted = call.repository.git, call.parts["sha"]
    sha = git.resolve(wanted) or wanted
    try:
        entries = git.tree(sha, recursive="recursive" in call.request.query)
    except NotThere:
        raise not_found() from None
    tree = git.commit(sha).tree if objects.kind_of(git, sha) == "commit" else sha
    return answers_git.tree(call.view, call.repository, tree, entries)


def _create_tree(call: Call) -> Json:
    git, base = call.repository.git, call.given.get("base_tree")
    if base is not None and objects.kind_of(git, base) not in ("tree", "commit"):
        raise Refused(422, f"base_tree {base} is not a valid tree oid")
    entries = [_entry(call, each) for each in call.given["tree"]]
    try:
        sha = objects.write_tree(git, base, entries)
    except (NotThere, ValueError, OSError) as error:
        raise Refused(422, f"tree contains an entry that cannot be: {error}") from None
    return answers_git.tree(call.view, call.repository, sha, git.tree(sha))


def _entry(call: Call, given: Mapping[str, Any]) -> Entry:
    path, mode = given.get("path"), given.get("mode", "100644")
    if not path or mode not in _KINDS:
        raise malformed(f"For 'properties/tree', {path!r} with the mode {mode!r} is not an entry.")
    if "content" in given:
        return Entry(path, int(mode, 8), call.repository.git.write_blob(str(given["content"]).encode()))
    sha = given.get("sha")
    if sha is not None and mode != "160000" and objects.kind_of(call.repository.git, sha) != _KINDS[mode]:
        raise Refused(422, f"tree.sha {sha} is not a valid {_KINDS[mode]}")
    return Entry(path, int(mode, 8), sha)


def _blob(call: Call) -> Reply | Json:
    try:
        content = call.repository.git.blob(call.parts["sha"])
    except NotThere:
        raise not_found() from None
    if call.accepts_raw():
        return Reply(content)
    return answers_git.blob(call.view, call.repository, call.parts["sha"], content)


def _create_blob(call: Call) -> Json:
    content, encoding = call.given["content"], call.given.get("encoding", "utf-8")
    data = from_base64(content) if encoding == "base64" else content.encode()
    sha = call.repository.git.write_blob(data)
    return {"sha": sha, "url": answers_git.api(call.view, call.repository, f"/git/blobs/{sha}")}


def _tag(call: Call) -> Json:
    sha = call.parts["sha"]
    found = objects.tag(call.repository.git, sha)
    if found is None:
        raise not_found()
    return answers_git.tag(call.view, call.repository, sha, found)


def _create_tag(call: Call) -> Json:
    given, git = call.given, call.repository.git
    if objects.kind_of(git, given["object"]) != given["type"]:
        raise Refused(422, "Object does not exist")
    tagger = signed(call, given.get("tagger"))
    tag = objects.Tag(given["tag"], given["message"], tagger, given["object"], given["type"])
    return answers_git.tag(call.view, call.repository, objects.write_tag(git, tag), tag)


def from_base64(text: str) -> bytes:
    """Return what a text in base64 stands for."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(422, "content is not valid Base64") from None


def signed(call: Call, given: Mapping[str, Any] | None) -> Signed:
    """Return a commit's author or committer as given; what is missing is who asks, and now."""
    found = given or {}
    name, email = found.get("name", call.me.login), found.get("email", call.me.email)
    if not found.get("date"):
        return Signed(name, email, call.state.now())
    try:
        return Signed(name, email, datetime.fromisoformat(found["date"]).astimezone(UTC))
    except (ValueError, TypeError):
        raise malformed(f"For 'properties/date', {found['date']} is not a valid date.") from None


_ENTRIES = Field("array", required=True)
_PARENTS = {"message": NEEDED, "tree": NEEDED, "parents": LIST, "author": THING, "committer": THING}
_TAG = {"tag": NEEDED, "message": NEEDED, "object": NEEDED, "type": one_of("commit", "tree", "blob", required=True)}

ROUTES = (
    get(f"{_GIT}/ref/{{ref+}}", _ref),
    get(f"{_GIT}/matching-refs/{{ref+}}", _matching, query=PAGES),
    get(f"{_GIT}/refs", _matching, query=PAGES),
    get(f"{_GIT}/refs/{{ref+}}", _ref),  # the address of old, which clients still use
    write("POST", f"{_GIT}/refs", _create_ref, {"ref": NEEDED, "sha": NEEDED}, status=201),
    write("PATCH", f"{_GIT}/refs/{{ref+}}", _update_ref, {"sha": NEEDED, "force": FLAG}),
    write("DELETE", f"{_GIT}/refs/{{ref+}}", _delete_ref, status=204),
    get(f"{_GIT}/commits/{{sha}}", _commit),
    write("POST", f"{_GIT}/commits", _create_commit, _PARENTS, status=201),
    get(f"{_GIT}/trees/{{sha+}}", _tree, query=("recursive",)),
    write("POST", f"{_GIT}/trees", _create_tree, {"tree": _ENTRIES, "base_tree": STRING}, status=201),
    get(f"{_GIT}/blobs/{{sha}}", _blob),
    write("POST", f"{_GIT}/blobs", _create_blob, {"content": NEEDED, "encoding": STRING}, status=201),
    get(f"{_GIT}/tags/{{sha}}", _tag),
    write("POST", f"{_GIT}/tags", _create_tag, _TAG | {"tagger": THING}, status=201),
)

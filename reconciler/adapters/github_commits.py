"""Commits that GitHub makes and signs for a GitHub App, so that they show as Verified.

The draft is written into the mirror as always; GitHub is given its files and words and makes a commit of them, by the
App's bot and signed. That very object is then put into the mirror, and pushed like any other: the lease of a push is
the only compare-and-set that GitHub has, and whoever dies before it leaves nothing but a commit that no branch names.
Protects: what is pushed does exactly what the draft does, on its very base (the ids of tree and commit prove it), and
is verified; a commit is ours by GitHub's word, not because somebody wrote our bot's name into it.
Source: docs.github.com, "About commit signature verification", section on bots.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reconciler.adapters import git_objects
from reconciler.adapters.github_client import asking
from reconciler.errors import ConfigurationError, Refusal, SourceError, foreign_text
from reconciler.model.objects import CommitId

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from urllib.parse import SplitResult

    import pygit2
    from github import Github

    from reconciler.adapters.github_app import AppTokens
    from reconciler.model.proposal import CommitInfo
    from reconciler.settings import ForgeSettings, RepositorySettings


_PASSING = ("gpgverify_error", "gpgverify_unavailable")  # GitHub's reasons that are about its own service


def refuse_other_place(forge: ForgeSettings, repository: RepositorySettings) -> None:
    """Raise ConfigurationError where the App's token would go to another place than its forge and repository."""
    api, git, host = _address(forge), urlsplit(repository.url), _host(forge)
    path = git.path.strip("/").removesuffix(".git").casefold()
    if (git.scheme, git.hostname, path) == (api.scheme, host, forge.repository.casefold()):
        return
    raise ConfigurationError(
        code="github.other_place",
        message=f"repository.url is not the address of {forge.repository} on {api.scheme}://{host}",
        remedy=f"with a GitHub App, set it to {api.scheme}://{host}/{forge.repository}.git, or mend forge.url and"
        " forge.repository: the App's token is sent to no other place",
    )


def _address(forge: ForgeSettings) -> SplitResult:
    from github import Consts

    return urlsplit(forge.url or Consts.DEFAULT_BASE_URL)


def _host(forge: ForgeSettings) -> str:
    return (_address(forge).hostname or "").removeprefix("api.")


class AppCommits:
    """A `Signer`: the App's commits on GitHub."""

    def __init__(self, client: Github, settings: ForgeSettings, tokens: AppTokens) -> None:
        self._requester = client.requester
        self._git = f"/repos/{settings.repository}/git"
        self._tokens = tokens
        self._hosts = "|".join(re.escape(host) for host in ("github.com", _host(settings)))

    def make(self, mirror: pygit2.Repository, draft: CommitId) -> CommitId:
        """Have GitHub make the draft's commit, and put it into the mirror; no branch names it yet.

        Raises Refusal where GitHub makes none or does not sign it, SourceError where it does not answer or makes
        another one.
        """
        wanted = git_objects.commit_of(mirror, draft)
        tree = self._post("for a tree", "trees", _tree(mirror, wanted))
        if tree.get("sha") != str(wanted.tree_id):
            raise _other("a tree")
        commit = {
            "message": wanted.message,
            "tree": str(wanted.tree_id),
            "parents": [str(each) for each in wanted.parent_ids],
        }
        made = _brought(mirror, self._post("for a commit", "commits", commit))
        if not git_objects.alike(mirror, made, draft):
            raise _other("a commit")
        return made

    def vouches(self, found: CommitInfo) -> bool:
        """Tell whether GitHub has verified a commit that carries our bot's name; asks only about such a one.

        Verified means: signed by whom the committer's e-mail belongs to. So that has to be GitHub's, or a person's own
        key would do for a commit that names our bot as its author.
        """
        bot = rf"\d+\+{re.escape(self._tokens.slug)}\[bot\]@users\.noreply\.(?:{self._hosts})"
        forge = rf"noreply@(?:{self._hosts})"
        if not re.fullmatch(bot, found.author_email) or not re.fullmatch(rf"{bot}|{forge}", found.committer_email):
            return False
        with asking(f"who made the commit {found.commit[:12]}"):
            _, answer = self._requester.requestJsonAndCheck("GET", f"{self._git}/commits/{found.commit}")
            return answer["verification"]["verified"] is True

    def _post(self, what: str, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
        with asking(what, writing=True):
            _, answer = self._requester.requestJsonAndCheck("POST", f"{self._git}/{kind}", input=body)
            if not isinstance(answer, dict):
                raise TypeError("an object was expected")
            return answer


def _tree(mirror: pygit2.Repository, wanted: pygit2.Commit) -> dict[str, Any]:
    """Return the draft's tree as GitHub is asked for it: base's, with the changed files."""
    entries = [
        {
            "path": file.path,
            "mode": f"{file.mode:06o}",
            "type": "blob",
            "content": _text(file.path, git_objects.content(mirror, file.blob)),
        }
        for file in git_objects.changed_files(mirror, wanted)
    ]
    return {"base_tree": str(wanted.parents[0].tree_id), "tree": entries}


def _text(path: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Refusal(
            code="github.no_text",
            message=f"{foreign_text(path)} is no UTF-8, so GitHub cannot be asked to commit it",
            remedy="set repository.commits to push for this repository",
        ) from None


def _brought(mirror: pygit2.Repository, answer: Mapping[str, Any]) -> CommitId:
    """Put the commit of GitHub's answer into the mirror, byte for byte: its id proves that it is the same."""
    import pygit2

    sha, sealed = answer.get("sha"), answer.get("verification")
    if not isinstance(sha, str) or not isinstance(sealed, dict):
        raise _other("a commit")
    if sealed.get("reason") in _PASSING:
        raise SourceError(
            code="github.unverified_now",
            message=f"GitHub cannot tell now whether our commit is verified: {sealed['reason']}",
            remedy="nothing to do: nothing was pushed, and the next pass tries again",
        )
    if sealed.get("verified") is not True:
        raise Refusal(
            code="github.unverified",
            message=f"GitHub made our commit without a signature of its own: {foreign_text(sealed.get('reason'))}",
            remedy="set repository.commits to push; GitHub Enterprise signs only where its administrator set that up",
        )
    for content in _objects(str(sealed.get("payload")), str(sealed.get("signature"))):
        if hashlib.sha1(b"commit %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == sha:
            return CommitId(str(mirror.odb.write(pygit2.enums.ObjectType.COMMIT, content)))
    raise _other("a commit")


def _objects(payload: str, signature: str) -> Iterator[bytes]:
    """Yield what the signed commit may be: Git puts the signature into its head, with or without its last line end."""
    head, _, message = payload.partition("\n\n")
    for text in dict.fromkeys((signature, signature.rstrip("\n"), f"{signature}\n")):
        folded = text.replace("\n", "\n ")
        yield f"{head}\ngpgsig {folded}\n\n{message}".encode()


def _other(what: str) -> SourceError:
    return SourceError(
        code="github.other_object",
        message=f"GitHub made {what} that is not the one it was asked for",
        remedy="nothing was pushed, and the next pass tries again; if it stays so, set repository.commits to push",
    )

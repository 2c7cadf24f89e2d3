"""The Git repository that delivery reads, through a bare mirror and libgit2; there is never a checkout.

The mirror is a cache: it is made when missing and may be deleted at any time. Nothing in it is a secret.
Protects: what the mirror lacks is unknown, not absent (invariant 3); the base branch is never pushed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import urlsplit

from reconciler.adapters import git_errors, git_mirror, git_objects, git_pushes, git_remote
from reconciler.adapters.git_folders import Folders, Wanted
from reconciler.adapters.git_judgements import Judgements
from reconciler.errors import ConfigurationError, ReconcilerError, Refusal, SourceError
from reconciler.manifests.files.folder import MANIFESTS
from reconciler.manifests.files.links import LINKS
from reconciler.manifests.rendering.kustomize import KUSTOMIZATIONS
from reconciler.manifests.rendering.source_ignore import IGNORE_FILES
from reconciler.model.facts import Fact, Unknown
from reconciler.plain import counted
from reconciler.ports import Diagnosis
from reconciler.settings import CommitsBy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pygit2

    from reconciler.adapters.git_remote import Connection
    from reconciler.adapters.tokens import Secret
    from reconciler.manifests.files.folder import Folder
    from reconciler.model.objects import CommitId
    from reconciler.model.proposal import CommitInfo, TreeFile
    from reconciler.ports import Repository
    from reconciler.settings import RepositorySettings

T = TypeVar("T")

_HEADS, _TRACKED = "refs/heads/", "refs/remotes/origin/"
_REMEMBERED = 4096  # answers of `contains`; they never change, so only memory limits them


class Signer(Protocol):
    """A forge that makes our commits itself, or made them once."""

    def make(self, mirror: pygit2.Repository, draft: CommitId) -> CommitId:
        """Have the forge make a commit like the draft; bring it into the mirror and return it. No branch moves."""
        ...

    def vouches(self, found: CommitInfo) -> bool:
        """Tell whether the forge says that a commit is of its making, for us."""
        ...


def git_bare(
    settings: RepositorySettings,
    prefix: str,
    token: str | Secret,
    told: Callable[[str], None] = lambda _: None,
    *,
    signer: Signer | None = None,
) -> Repository:
    """Return the configured repository; nothing is read or written before it is asked something.

    `told` hears, in words, of work that takes its time. Raises ConfigurationError for what cannot be worked with.
    """
    refuse_unusable(settings)
    if settings.commits is CommitsBy.API and signer is None:
        raise ConfigurationError(
            code="git.commits_by_api",
            message="repository.commits is api, but only GitHub makes verified commits, and only for a GitHub App",
            remedy="set forge.kind to github and forge.app_id and app_key_file to an App's, or repository.commits to"
            " push",
        )
    return GitBare(settings, prefix, token, told, signer)


def refuse_unusable(settings: RepositorySettings) -> None:
    """Raise ConfigurationError for an address or an author that cannot be worked with."""
    parts = urlsplit(settings.url)
    if "@" in parts.netloc:
        raise ConfigurationError(
            code="git.credentials_in_url",
            message="repository.url holds credentials",
            remedy="write the address without them, and the token into repository.token_file or token_env",
        )
    if parts.scheme not in ("https", "http", "file") and not settings.url.startswith("/"):
        raise ConfigurationError(
            code="git.url_unsupported",
            message="repository.url is not an https:// address",
            remedy="write the repository's https:// address; SSH is not supported",
        )
    if any(not text.strip() or set(text) & set("<>\n\0") for text in (settings.author_name, settings.author_email)):
        raise ConfigurationError(
            code="git.author_invalid",
            message="repository.author_name and author_email must be filled, in one line, without < and >",
            remedy="set them to what our commits shall show",
        )


class GitBare:
    """A `Repository` on libgit2; may be used from several threads."""

    def __init__(
        self,
        settings: RepositorySettings,
        prefix: str,
        token: str | Secret,
        told: Callable[[str], None],
        signer: Signer | None = None,
    ) -> None:
        self._settings = settings
        self._prefix = f"{prefix}/"
        self._mirror = git_mirror.Mirror(Path(settings.mirror), settings.url)
        self._author = git_objects.Author(settings.author_name, settings.author_email)
        self._remote = git_remote.remote(settings, token)
        self._pushes = git_pushes.Pushes(self._mirror, self._remote)
        self._signer = signer
        self._by_forge = signer if settings.commits is CommitsBy.API else None
        self._folders = Folders(Judgements(Path(settings.mirror) / "manifests.db"), told)
        self._default: str | None = None  # the remote's own base branch, once it told us
        self._descends = lru_cache(_REMEMBERED)(self._ask_descends)

    @property
    def url(self) -> str:
        """The remote's address without credentials."""
        return self._settings.url

    @property
    def base(self) -> str:
        """The base branch: the configured one, or the remote's own default."""
        if self._settings.base is None and self._default is None:
            self._listing()
        return self._base_now()

    def heads(self) -> Fact[Mapping[str, CommitId]]:
        """Ask the remote for its branches."""
        try:
            return self._listing()
        except ReconcilerError as error:
            return Unknown("git", error.message, error.remedy)

    def fetch(self) -> CommitId:
        """Bring base and our own branches into the mirror, history and all, and return base's head."""
        return self._exchange(self._fetch)

    def files(self, commit: CommitId, under: str) -> Iterator[TreeFile]:
        """Yield every entry below a folder, with the path from the root; nothing where there is no such folder."""
        with self._mirror.answering() as mirror:
            root = git_objects.commit_of(mirror, commit).tree
            folder = git_objects.subtree(root, under)
            if folder is not None:
                yield from git_objects.walk(folder, git_objects.normalized(under))

    def manifests(self, commit: CommitId, under: str, *, deep: bool, max_bytes: int) -> Folder:
        """Return the manifests of a folder, each judged once for all commits; empty where there is no such folder."""
        with self._mirror.answering() as mirror:
            root = git_objects.commit_of(mirror, commit).tree
            return self._folders.at(mirror, root, Wanted(MANIFESTS, under, max_bytes, deep))

    def kustomizations(self, commit: CommitId, *, max_bytes: int) -> Folder:
        """Return every kustomization of a commit with what it names, each judged once for all commits."""
        with self._mirror.answering() as mirror:
            root = git_objects.commit_of(mirror, commit).tree
            return self._folders.at(mirror, root, Wanted(KUSTOMIZATIONS, "", max_bytes))

    def ignore_files(self, commit: CommitId, *, max_bytes: int) -> Folder:
        """Return every `.sourceignore` of a commit with its lines, each read once for all commits."""
        with self._mirror.answering() as mirror:
            root = git_objects.commit_of(mirror, commit).tree
            return self._folders.at(mirror, root, Wanted(IGNORE_FILES, "", max_bytes))

    def links(self, commit: CommitId, *, max_bytes: int) -> Folder:
        """Return every symbolic link of a commit with where it leads, each judged once for all commits."""
        with self._mirror.answering() as mirror:
            root = git_objects.commit_of(mirror, commit).tree
            return self._folders.at(mirror, root, Wanted(LINKS, "", max_bytes))

    def beside(self, commit: CommitId, path: str) -> Iterator[TreeFile]:
        """Yield everything in the folders that lead to a path, folders included."""
        with self._mirror.answering() as mirror:
            yield from git_objects.beside(git_objects.commit_of(mirror, commit).tree, path)

    def entry(self, commit: CommitId, path: str) -> TreeFile | None:
        """Return one file, symlink or submodule of a commit's tree, or None."""
        with self._mirror.answering() as mirror:
            return git_objects.find(git_objects.commit_of(mirror, commit).tree, path)

    def read(self, blob: str) -> bytes:
        """Return a blob's content."""
        with self._mirror.answering() as mirror:
            return git_objects.content(mirror, blob)

    def contains(self, descendant: CommitId, ancestor: CommitId) -> Fact[bool]:
        """Tell whether `descendant` is `ancestor` or comes after it; unknown when the mirror lacks either."""
        try:
            with self._mirror.answering():
                return self._descends(descendant, ancestor)
        except ReconcilerError as error:
            return Unknown("git", error.message, error.remedy)

    def describe(self, commit: CommitId) -> CommitInfo:
        """Return authorship and trailers of a commit in the mirror."""
        with self._mirror.answering() as mirror:
            found = git_objects.info(git_objects.commit_of(mirror, commit), self._author)
        if self._signer is not None and (self._by_forge is not None or not found.by_us):
            # Anybody can write our e-mail into a commit; where the forge makes ours, its word alone counts.
            return replace(found, by_us=self._signer.vouches(found))
        return found

    def commit(self, base: CommitId, files: Mapping[str, bytes], message: str) -> CommitId:
        """Write one commit on top of `base` in which these files hold this; equal arguments give an equal id."""
        with self._mirror.answering() as mirror:
            return git_objects.write_commit(mirror, base, files, message, self._author)

    def is_same(self, published: CommitId, commit: CommitId) -> bool:
        """Tell whether a remote's commit is this one, or the forge's own making of it."""
        if published == commit or self._by_forge is None:
            return published == commit
        with self._mirror.answering() as mirror:
            return git_objects.alike(mirror, published, commit)

    def push(self, branch: str, commit: CommitId, *, expected: CommitId | None) -> CommitId:
        """Point one of our remote branches to the commit, if it is still at `expected` or there already.

        Where the forge makes our commits, nothing of that is seen before this push: it alone moves the branch, under
        the same lease as any other, for REST has no compare-and-set.
        """
        if not branch.startswith(self._prefix) or branch == self.base:
            raise git_pushes.not_ours(branch, self._prefix)
        if self._by_forge is not None:
            with self._mirror.answering() as mirror:
                commit = self._by_forge.make(mirror, commit)
        self._pushes.push(git_errors.Lease(reference=f"{_HEADS}{branch}", commit=commit, expected=expected))
        return commit

    def examine(self) -> Sequence[Diagnosis]:
        """Try the mirror, the remote, base and a push that sends nothing; never raises."""
        found = [_diagnosis("git mirror", self._mirror.try_writing), _diagnosis("git remote", self._try_remote)]
        if found[-1].works:
            found.append(_diagnosis("git base branch", self._try_base))
            found.append(_diagnosis("git push", self._try_push))
        return found

    def _try_remote(self) -> str:
        return f"{self.url} answers with {counted(len(self._listing()), 'branch', plural='branches')}"

    def _try_base(self) -> str:
        heads = self._listing()
        return f"{self._base_now()} is at {self._head_of_base(heads)[:12]}"

    def _try_push(self) -> str:
        heads = self._listing(to_push=True)
        blocker = self._prefix.removesuffix("/")
        if blocker in heads:
            raise Refusal(
                code="git.prefix_taken",
                message=f"a branch named {blocker} exists, so there can be none below {self._prefix}",
                remedy="rename that branch, or set forge.branch_prefix",
            )
        return "the server lets us begin a push; whether its rules take a branch shows only when we push one"

    def _listing(self, *, to_push: bool = False) -> Mapping[str, CommitId]:
        return self._exchange(lambda mirror: self._connected(mirror, to_push=to_push).heads)

    def _exchange(self, work: Callable[[pygit2.Repository], T]) -> T:
        return self._remote.within_limit(self._mirror, work)

    def _connected(self, mirror: pygit2.Repository, *, to_push: bool = False) -> Connection:
        connection = self._remote.connect(mirror, to_push=to_push)
        self._default = connection.default or self._default  # a pusher is not told the default
        return connection

    def _fetch(self, mirror: pygit2.Repository) -> CommitId:
        connection = self._connected(mirror)
        base, head = self._base_now(), self._head_of_base(connection.heads)
        ours = f"+{_HEADS}{self._prefix}*:{_TRACKED}{self._prefix}*"
        with self._mirror.updating():
            connection.fetch([f"+{_HEADS}{base}:{_TRACKED}{base}", ours])  # transfers nothing that the mirror has
        with self._mirror.answering(mirror):
            git_objects.commit_of(mirror, head)
        return head

    def _base_now(self) -> str:
        base = self._settings.base or self._default
        if base is None:
            raise SourceError(
                code="git.no_base",
                message=f"{self.url} has no default branch yet",
                remedy="push a first commit, or set repository.base",
            )
        return base

    def _head_of_base(self, heads: Mapping[str, CommitId]) -> CommitId:
        base = self._base_now()
        if base not in heads:
            raise SourceError(
                code="git.base_missing",
                message=f"{self.url} has no branch {base}",
                remedy="push that branch, or set repository.base to the one that delivery reads",
            )
        return heads[base]

    def _ask_descends(self, descendant: CommitId, ancestor: CommitId) -> bool:
        return git_objects.descends(self._mirror.open(), descendant, ancestor)


def _diagnosis(subject: str, attempt: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(subject=subject, works=True, detail=attempt())
    except ReconcilerError as error:
        return Diagnosis(subject=subject, works=False, detail=error.message, remedy=error.remedy)

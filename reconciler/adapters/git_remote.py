"""Talk to the remote Git server: list, fetch and push, with credentials, a time limit and a lease.

Protects: the token goes to the configured server and nowhere else; a branch moves only from where we saw it; a
rejection by the server's rules is an error, although libgit2 calls such a push a success; no exchange lasts for ever.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from threading import BoundedSemaphore, Thread
from time import monotonic
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from reconciler.adapters import git_errors
from reconciler.adapters.tokens import secret
from reconciler.errors import ReconcilerError, Unauthorized
from reconciler.model.objects import CommitId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pygit2
    from pygit2.remotes import PushUpdate, TransferProgress

    from reconciler.adapters.git_errors import Access, Lease
    from reconciler.adapters.git_mirror import Mirror
    from reconciler.adapters.tokens import Secret
    from reconciler.settings import RepositorySettings

T = TypeVar("T")

_HEADS = "refs/heads/"
_FETCH, _PUSH = 0, 1  # libgit2's GIT_DIRECTION_*
_NOBODY = "0" * 40  # what a server advertises for a branch that does not exist
_PORTS = {"http": 80, "https": 443}
_CALLBACKS = ("credentials", "push_negotiation", "push_update_reference", "sideband_progress", "transfer_progress")
_EXCHANGES = 8  # at once, abandoned ones included


def remote(settings: RepositorySettings, token: str | Secret) -> Remote:
    """Return the configured server, not asked anything yet."""
    place = settings.token_file or f"${settings.token_env}"
    access = git_errors.Access(
        url=settings.url,
        username=settings.username,
        token="",
        hint=place if isinstance(token, str) else "the configuration, by forge.app_id and its key",
        timeout=settings.timeout,
    )
    return Remote(access, secret(token))


class Conversation:
    """Our side of one exchange with the server; libgit2 calls these methods."""

    def __init__(self, access: Access, leases: Sequence[Lease] = ()) -> None:
        self._access = access
        self._leases = {lease.reference: lease for lease in leases}
        self._asked = False
        self._deadline = monotonic() + access.timeout.total_seconds()
        self.said: list[str] = []
        self.answers: dict[str, str | None] = {}

    def credentials(self, url: str, _username: str | None, _allowed: object) -> pygit2.UserPass:
        """Give the token once, and only to the configured server; libgit2 would ask again for ever."""
        import pygit2

        if _origin(url) != _origin(self._access.url):
            raise git_errors.redirected(self._access, urlsplit(url).netloc)
        if self._asked or not self._access.token:
            why = "it refused our token" if self._asked else "it wants a token, and there is none"
            raise git_errors.unauthorized(self._access, why)
        self._asked = True
        return pygit2.UserPass(self._access.username, self._access.token)

    def push_negotiation(self, updates: list[PushUpdate]) -> None:
        """Send nothing unless the old ids that libgit2 is about to send are those of the leases.

        The server compares them again, which makes the lease hold; the listing alone that we chose by would not.
        """
        for update in updates:
            lease = self._leases[update.dst_refname]
            now = None if str(update.src) == _NOBODY else CommitId(str(update.src))
            if now != lease.expected:
                raise git_errors.failed(self._access, ValueError("it advertises other commits than it listed"))

    def push_update_reference(self, refname: str, message: str | None) -> None:
        """Note the server's answer for one branch; None means accepted."""
        self.answers[refname] = message

    def sideband_progress(self, string: str) -> None:
        """Note what the server prints: a hook explains its no here."""
        self.said.append(string)

    def transfer_progress(self, _stats: TransferProgress) -> None:
        """End a transfer that nobody waits for any more."""
        if monotonic() > self._deadline:
            raise git_errors.timed_out(self._access)


class Connection:
    """A remote that told us its references and now waits for what we want of it."""

    def __init__(self, remote: pygit2.Remote, access: Access) -> None:
        self._remote = remote
        self._access = access
        listed = remote.list_heads(connect=False)
        named = self.named = {head.name: CommitId(str(head.oid)) for head in listed if head.name}
        default = next((head.symref_target for head in listed if head.name == "HEAD"), None)
        self.heads = {name.removeprefix(_HEADS): head for name, head in named.items() if name.startswith(_HEADS)}
        self.default = default.removeprefix(_HEADS) if default else None  # the branch that the remote's HEAD names

    def fetch(self, refspecs: Sequence[str]) -> None:
        """Bring branches into the mirror over the same connection, and prune those that are gone."""
        from pygit2.enums import FetchPrune

        with git_errors.mapped(self._access):
            talk = Conversation(self._access)
            self._remote.fetch(list(refspecs), callbacks=_callbacks(talk), prune=FetchPrune.PRUNE)


class Remote:
    """The server, asked within a time limit, with the token that is good at that time."""

    def __init__(self, access: Access, source: Secret) -> None:
        self._access = access
        self._source = source
        self._slots = BoundedSemaphore(_EXCHANGES)

    def within_limit(self, mirror: Mirror, exchange: Callable[[pygit2.Repository], T]) -> T:
        """Run one exchange on a view of the mirror in a thread of its own, and stop waiting when the time is up.

        libgit2's limit is for each read of the socket, so a server that trickles could hold a pass for hours. An
        abandoned exchange may still end well: a push is then found done by the next one.
        """
        result: Future[T] = Future()

        def run() -> None:
            try:
                with mirror.visited() as view:
                    done = exchange(view)
                result.set_result(done)
            except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
                result.set_exception(error)
            finally:
                self._slots.release()

        if not self._slots.acquire(blocking=False):  # bounded also when the server never lets go
            raise git_errors.timed_out(self._access)
        Thread(target=run, name="git", daemon=True).start()
        try:
            return result.result(self._access.timeout.total_seconds())
        except TimeoutError:
            raise git_errors.timed_out(self._access) from None

    def connect(self, mirror: pygit2.Repository, *, to_push: bool = False) -> Connection:
        """Ask for the branches; `to_push` asks as a pusher would, and changes nothing either."""
        with self._let_in() as access:
            remote = self._anonymous(mirror)
            callbacks = _callbacks(Conversation(access))
            remote.connect(callbacks=callbacks, direction=_PUSH if to_push else _FETCH)
            return Connection(remote, access)

    def require_time(self, *, since: float) -> None:
        """Raise SourceError when what began at that monotonic time has used up the limit of one exchange."""
        if monotonic() - since > self._access.timeout.total_seconds():
            raise git_errors.timed_out(self._access)

    def push(self, mirror: pygit2.Repository, leases: Sequence[Lease]) -> dict[str, ReconcilerError | None]:
        """Point remote references to commits, in one push; return by reference what went wrong with it.

        A reference at its commit already is done, one that is not where its lease expects it is a Conflict, and
        neither is sent. Raises SourceError when the server does not even say where they are.
        """
        access = self._access_now()
        talk = Conversation(access, leases)
        callbacks = _callbacks(talk)
        with self._let_in(access):
            remote = self._anonymous(mirror)
            remote.connect(callbacks=callbacks, direction=_PUSH)
            named = Connection(remote, access).named
        errors = {lease.reference: _unsendable(lease, named.get(lease.reference)) for lease in leases}
        sent = [lease for lease in leases if named.get(lease.reference) == lease.expected != lease.commit]
        if not sent:
            return errors
        try:
            with self._let_in(access):
                # Forced, because a proposal on a newer base does not descend from the older one.
                remote.push([f"+{lease.commit}:{lease.reference}" for lease in sent], callbacks=callbacks)
        except ReconcilerError as error:
            return errors | {lease.reference: error for lease in sent}
        said = talk.said if len(sent) == 1 else ()  # what a hook prints does not say of which reference it speaks
        return errors | {lease.reference: _answered(access, lease, talk, said) for lease in sent}

    def _access_now(self) -> Access:
        return replace(self._access, token=self._source.token())

    @contextmanager
    def _let_in(self, access: Access | None = None) -> Iterator[Access]:
        """Lend the token of now; one that the server does not take is given up."""
        lent = access or self._access_now()
        try:
            with git_errors.mapped(lent):
                yield lent
        except Unauthorized:
            self._source.refused()
            raise

    def _anonymous(self, mirror: pygit2.Repository) -> pygit2.Remote:
        """Return a remote that is nowhere written down; libgit2 keeps its time limits for the whole process."""
        import pygit2

        limit = max(1, int(self._access.timeout.total_seconds() * 1000))
        pygit2.settings.server_connect_timeout = limit
        pygit2.settings.server_timeout = limit
        return mirror.remotes.create_anonymous(self._access.url)


def _unsendable(lease: Lease, now: CommitId | None) -> ReconcilerError | None:
    if now in (lease.expected, lease.commit):
        return None
    return git_errors.moved(lease, f"it is at {now or 'nothing'}")


def _answered(access: Access, lease: Lease, talk: Conversation, said: Sequence[str]) -> ReconcilerError | None:
    if lease.reference not in talk.answers:
        return git_errors.failed(access, ValueError("it did not say whether it took the branch"))
    answer = talk.answers[lease.reference]
    return None if answer is None else git_errors.rejected(access, lease, answer, said)


def _callbacks(talk: Conversation) -> pygit2.RemoteCallbacks:
    """Return libgit2's callbacks, answered by us; no subclass, so that importing this file does not load libgit2."""
    import pygit2

    callbacks = pygit2.RemoteCallbacks()
    for name in _CALLBACKS:
        setattr(callbacks, name, getattr(talk, name))
    return callbacks


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)

"""An SMTP server on loopback that keeps what it is sent."""

from __future__ import annotations

import socket
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Self

from reconciler.sandbox.wire import LOOPBACK

if TYPE_CHECKING:
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import SMTP, Envelope, Session

    from reconciler.sandbox.clock import SandboxClock

KEPT = 1_000  # mails; the oldest are forgotten
LARGEST = 1_000_000  # bytes of one mail


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, and for whom it was."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    at: datetime


class Mailbox:
    """An SMTP server without STARTTLS and without users; `refused` are the recipients that it does not know."""

    def __init__(self, clock: SandboxClock, *, port: int = 0) -> None:
        self.mails: deque[Mail] = deque(maxlen=KEPT)
        self.refused: set[str] = set()
        self.host = LOOPBACK
        self._clock = clock
        self._asked = port
        self._controller: Controller | None = None

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        return self._asked if self._controller is None else int(self._controller.port)

    def start(self) -> Self:
        """Receive from now on. Raises OSError when the port that was asked for is taken."""
        from aiosmtpd.controller import Controller

        listening = socket.create_server((LOOPBACK, self._asked))

        class OnSocket(Controller):
            """Listens on a socket that is bound already, so that the port is free and known."""

            def _create_server(self) -> Any:  # noqa: ANN401 - the library's own type is as wide
                return self.loop.create_server(self._factory_invoker, sock=listening)

        port = listening.getsockname()[1]
        self._controller = OnSocket(
            self, hostname=LOOPBACK, port=port, server_hostname="localhost", data_size_limit=LARGEST
        )
        self._controller.start()
        return self

    def stop(self) -> None:
        """Receive no more."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_RCPT(  # noqa: N802 - the library's name and arguments
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a recipient, or not."""
        del server, session
        if address in self.refused:
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Keep a mail."""
        del server, session
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content or "").encode()
        message = message_from_bytes(content.replace(b"\r\n", b"\n"), policy=policy.default)  # CRLF is the wire's
        recipients = tuple(envelope.rcpt_tos)
        with self._clock.lock:
            self.mails.append(Mail(envelope.mail_from or "", recipients, message, self._clock.now()))
        return "250 2.0.0 kept"

"""What `reconciler doctor` says about webhooks: is there a secret, and may the address be listened on."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.ports import Diagnosis
from reconciler.webhooks.listening import bound, split
from reconciler.webhooks.receiving import PATH
from reconciler.webhooks.wire import MARK

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATIENCE = 2.0  # seconds for whoever holds the address
_ENOUGH = 512  # bytes; our name is in the first lines
_QUESTION = f"GET {PATH} HTTP/1.1\r\nHost: doctor\r\n\r\n".encode()


class Doorbell:
    """The address and the secrets of webhooks."""

    def __init__(self, address: str, secrets: tuple[str, ...]) -> None:
        self._address = address
        self._secrets = len(secrets)

    def examine(self) -> Sequence[Diagnosis]:
        """Hold the address for a moment; where somebody does, ask whether that is a loop of ours."""
        known = f"{self._secrets} secret{'s' if self._secrets > 1 else ''}"
        try:
            bound(self._address).close()
        except ConfigurationError as error:
            if self._is_ours():
                return (self._works(f"a running reconciler listens on {self._address}; {known}"),)
            return (Diagnosis(subject="webhooks", works=False, detail=error.message, remedy=error.remedy),)
        return (self._works(f"{self._address} is free for `reconciler run --interval`; {known}"),)

    def _works(self, detail: str) -> Diagnosis:
        return Diagnosis(subject="webhooks", works=True, detail=detail)

    def _is_ours(self) -> bool:
        heard = b""
        with suppress(OSError), socket.create_connection(split(self._address), _PATIENCE) as connection:
            connection.sendall(_QUESTION)
            heard = connection.recv(_ENOUGH)
        return f"\r\nServer: {MARK}\r\n".encode() in heard

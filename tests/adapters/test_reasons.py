"""Why nobody answered, in words that a person can use; real libraries ask ports where nobody is."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest
import requests
import urllib3

from reconciler.adapters.reasons import in_short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def rude() -> Iterator[str]:
    """Serve a port that takes a connection and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def hang_up() -> None:
            listener.settimeout(0.2)
            while not over.is_set():
                try:
                    listener.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


def by_urllib3(url: str) -> object:
    """Ask with urllib3, as our own clients do."""
    return urllib3.PoolManager(retries=False).request("GET", url, timeout=2)


def by_requests(url: str) -> object:
    """Ask with requests, as Prometheus' and GitHub's clients do."""
    return requests.get(url, timeout=2)


@pytest.mark.parametrize("ask", [by_urllib3, by_requests])
def test_a_closed_port_refuses(ask: Callable[[str], object]) -> None:
    """The same words whichever library asked, without pools, ports and queries."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each library has its own
        ask("http://127.0.0.1:9/api/v1/query?query=a%28b%29")

    assert in_short(caught.value) == "Connection refused"


@pytest.mark.parametrize("ask", [by_urllib3, by_requests])
def test_a_connection_that_is_hung_up_says_so(rude: str, ask: Callable[[str], object]) -> None:
    """Either end of the hanging up may be seen first."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each library has its own
        ask(rude)

    assert in_short(caught.value) in {
        "Remote end closed connection without response",
        "Connection reset by peer",
    }


def test_an_untrusted_certificate_is_called_one() -> None:
    """OpenSSL's file names and line numbers help nobody."""
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1006)")
    error.verify_message = "self-signed certificate"

    assert in_short(urllib3.exceptions.SSLError(error)) == "its certificate is not trusted: self-signed certificate"


def test_what_has_no_cause_keeps_its_own_words() -> None:
    """Without the name of the pool before them."""
    assert in_short(ValueError("HTTPConnectionPool(host='a', port=1): Read timed out.")) == "Read timed out."
    assert in_short(KeyError()) == "KeyError"


def test_credentials_do_not_get_out() -> None:
    """Invariant 11: an address with a password in it is shown without."""
    assert in_short(ValueError("no answer from https://bot:hunter2@git.example.com")) == (
        "no answer from https://git.example.com"
    )

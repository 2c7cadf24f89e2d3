"""Webhooks on the command line: what is wrong is one error, and nothing listens that nobody asked for."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING

import pytest

from reconciler.composition import Composition
from reconciler.configuration import load, read_secrets
from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.desk import Desk
    from tests.cli.served import Served

SECRET = {"RECONCILER_WEBHOOK_SECRET": "one of sixteen or more"}


@pytest.fixture
def taken() -> Iterator[str]:
    """Return an address that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_taken_port_is_one_error_before_any_pass(served: Served, taken: str) -> None:
    """Exit code 2, with how to find out who holds it."""
    served.configure(webhooks={"listen": taken})

    result = served.run("run", "--interval", "30s", **SECRET)

    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert first == f"error: cannot listen on {taken}: address already in use [webhooks.listen]"
    assert second.startswith("remedy: stop what listens there (`ss -ltnp 'sport = :")
    assert served.wire.requests == []


@pytest.mark.parametrize(
    ("secret", "said"), [("", "holds no secret"), ("short\n" + "x" * 40, "holds a secret below 16 characters")]
)
def test_without_a_good_secret_nothing_listens(served: Served, secret: str, said: str) -> None:
    """Whoever could guess it could wake us; exit code 2."""
    served.configure(webhooks={"listen": "127.0.0.1:0"})

    result = served.run("run", "--interval", "30s", RECONCILER_WEBHOOK_SECRET=secret)

    assert result.exit_code == 2
    assert f"environment variable RECONCILER_WEBHOOK_SECRET {said} [configuration.secret]" in result.stderr
    assert "short" not in result.stderr


def test_a_single_pass_does_not_listen(served: Served, taken: str) -> None:
    """There is nothing to wake: the taken address does not matter, nor that there is no secret."""
    served.configure(webhooks={"listen": taken})

    assert served.run("run", "--once").exit_code == 0


def test_the_listener_ends_with_the_loop(served: Served) -> None:
    """One signal ends both: exit code 0, and the address is free again."""
    served.configure(webhooks={"listen": "127.0.0.1:0"})
    process = served.start("run", "--interval", "60s", **SECRET)
    try:
        assert process.stderr
        assert process.stdout
        first = process.stderr.readline()
        process.stdout.readline()  # of the first pass
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()

    host, port = first.strip().removeprefix("listening for webhooks on http://").removesuffix("/webhooks").split(":")
    assert (process.returncode, said.splitlines()[-1]) == (0, "stopped")
    socket.create_server((host, int(port))).close()


def test_doctor_has_a_line_where_webhooks_are_wanted(desk: Desk, taken: str) -> None:
    """Not where they are off; a missing secret and a taken address are missing things."""

    def lines(**environ: str) -> list[tuple[bool, str]]:
        made = Composition(load(desk.folder / "reconciler.yaml", environ), environ)
        built = [build() for subject, build in made.examined() if subject == "webhooks"]
        return [(line.works, line.detail) for one in built for line in one.examine()]

    assert lines() == []
    assert lines(RECONCILER_WEBHOOKS__LISTEN="127.0.0.1:0", **SECRET) == [
        (True, "127.0.0.1:0 is free for `reconciler run --interval`; 1 secret")
    ]
    assert lines(RECONCILER_WEBHOOKS__LISTEN=taken, **SECRET) == [
        (False, f"cannot listen on {taken}: address already in use")
    ]
    with pytest.raises(ConfigurationError, match="holds no secret"):
        lines(RECONCILER_WEBHOOKS__LISTEN="127.0.0.1:0")


def test_secrets_stand_one_a_line(tmp_path: Path) -> None:
    """While the forge gets a new one both count; a file wins over the environment."""
    file = tmp_path / "secrets"
    file.write_text("the old one, still known\n\n  the new one, not yet set \n")

    assert read_secrets(str(file), "S", {"S": "x" * 20}) == ("the old one, still known", "the new one, not yet set")
    assert read_secrets(None, "S", {"S": "x" * 20}) == ("x" * 20,)
    with pytest.raises(ConfigurationError, match=r"the secret file .* cannot be read") as raised:
        read_secrets(str(tmp_path / "none"), "S", {})
    assert raised.value.remedy.startswith("check secret_file ")


@pytest.mark.parametrize("address", ["8093", "localhost", "127.0.0.1:", "127.0.0.1:65536", "::1:8093", "http://a:1"])
def test_an_address_is_host_and_port(desk: Desk, address: str) -> None:
    """Anything else is a mistake in the configuration, said with an example."""
    with pytest.raises(ConfigurationError, match="not host:port, such as 127"):
        load(desk.folder / "reconciler.yaml", {"RECONCILER_WEBHOOKS__LISTEN": address})


@pytest.mark.parametrize("address", ["127.0.0.1:8093", "[::1]:0", "localhost:80", "reconciler.example:8093"])
def test_addresses_are_names_or_numbers(desk: Desk, address: str) -> None:
    """IPv6 stands in brackets."""
    settings = load(desk.folder / "reconciler.yaml", {"RECONCILER_WEBHOOKS__LISTEN": address})

    assert settings.webhooks.listen == address

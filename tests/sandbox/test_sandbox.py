"""The sandbox as a whole: what it leaves behind, and whom it tells of what happened on its forge."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
import urllib3

from reconciler.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_of_a_sandbox_outlives_it(tmp_path: Path) -> None:
    """Clients that keep their connections, and watches, are cut off: no thread, no port, no answer remains."""
    before = set(threading.enumerate())
    with urllib3.PoolManager(retries=False, timeout=5.0) as pool:
        with Sandbox(tmp_path) as sandbox:
            pods = f"{sandbox.kubernetes.url}/api/v1/pods"
            headers = {"Authorization": f"Bearer {sandbox.cluster.tokens['admin']}"}
            kept = socket.create_connection(("127.0.0.1", sandbox.prometheus.port), timeout=5.0)
            kept.sendall(b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert kept.recv(64).startswith(b"HTTP/1.1 200")
            watch = pool.request("GET", f"{pods}?watch=1", headers=headers, preload_content=False)
            assert watch.status == 200
        with pytest.raises(urllib3.exceptions.NewConnectionError):
            pool.request("GET", pods, headers=headers)
        kept.settimeout(5.0)
        while kept.recv(4096):  # what was on its way; then the end
            pass
        kept.close()
        watch.close()

    assert [thread.name for thread in set(threading.enumerate()) - before] == []

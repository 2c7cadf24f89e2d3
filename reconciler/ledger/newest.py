"""A glance at the newest operations, for a shell that completes their ids while somebody types.

Nothing is verified, and nothing is written: the command that gets the id reads the ledger whole.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

_MOST = 100  # nobody reads a longer list
_WAIT = 0.2  # seconds; somebody is typing
_OPENED = """
SELECT operation, json_extract(data, '$.remedy.finding.summary') FROM events
WHERE kind = 'operation_opened' AND substr(operation, 1, length(:start)) = :start
  AND (:ended OR operation NOT IN (SELECT operation FROM events WHERE kind = 'operation_closed'))
ORDER BY sequence DESC LIMIT :most
"""


def newest_operations(path: Path, *, start: str, ended: bool) -> list[tuple[str, str]]:
    """Return ids that start so, newest first, each with what it is about; `ended` asks for those that are over too.

    Raises sqlite3.Error where there is no ledger.
    """
    whole = not path.with_name(f"{path.name}-wal").exists()  # then SQLite need not make its files beside it
    address = f"file:{quote(str(path.absolute()))}?mode=ro" + ("&immutable=1" if whole else "")
    with closing(sqlite3.connect(address, uri=True, timeout=_WAIT)) as connection:
        wanted = {"start": start, "ended": ended, "most": _MOST}
        return [(str(operation), str(summary or "")) for operation, summary in connection.execute(_OPENED, wanted)]

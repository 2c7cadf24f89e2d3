"""A process that appends to a ledger, run by the tests: `appender.py PATH once|forever|hold`.

It says `ready`, waits for a line, and prints each acknowledged sequence number, or the code of the error.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reconciler.errors import ReconcilerError
from reconciler.ledger.sqlite import SqliteLedger
from tests.ledger.examples import NOON, intent


def main(path: str, manner: str) -> None:
    """Append once at the start of the chain, or on and on, or only hold the ledger."""
    ledger = SqliteLedger(Path(path))
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        if manner == "hold":
            with ledger.exclusive():
                print("held", flush=True)
                sys.stdin.readline()
        last = 0
        while manner != "hold":
            last = ledger.append([intent(last + n) for n in range(3)], at=NOON, expected=last)[-1].sequence
            print(last, flush=True)
            if manner == "once":
                return
    except ReconcilerError as error:
        print(error.code, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A process that appends to a ledger, run by the tests: `appender.py SHELF once|forever|hold`.

It says `ready`, waits for a line, and prints each acknowledged sequence number, or the code of the error.
"""

from __future__ import annotations

import json
import os
import sys

from reconciler.errors import ReconcilerError
from tests.ledger.examples import NOON, intent
from tests.ledger.stores import Shelf


def main(written: str, manner: str) -> None:
    """Append once at the start of the chain, or on and on, or only hold the ledger."""
    shelf = Shelf(**json.loads(written))
    ledger = shelf.open("here" if manner == "hold" else f"machine-{os.getpid()}")
    if manner == "once":
        ledger.events()  # so that whoever starts first has not won yet
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

"""`python -m reconciler.actions`."""

import sys

from reconciler.actions.turn import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m reconciler.actions`."""

import sys

from reconciler.actions.turn import main
from reconciler.cli.stopping import is_interrupted, leave

if __name__ == "__main__":
    code = main()
    if is_interrupted(code):
        leave(code)  # a cancelled job is killed after 10 seconds, and a server may answer later than that
    sys.exit(code)

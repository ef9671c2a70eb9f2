"""Print the matrix as it is on real sockets: python -m tests.roles.run; ends with one line of figures."""

import sys
import tempfile
from pathlib import Path

from tests.roles.cells import Doors, try_all
from tests.roles.matrix import HAND


def main() -> int:
    """Try every cell; exit code 1 when one is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        doors = Doors(Path(folder))
        try:
            done = try_all(doors)
        finally:
            doors.close()
    print(HAND.strip())
    for fault in done.wrong:
        print(f"wrong: {fault}")
    print(done.line())
    return 1 if done.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

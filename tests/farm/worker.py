"""A worker whose process runs toys: python -m tests.farm.worker --config FILE --number N."""

import sys

from services.backtest_worker import __main__ as worker

if __name__ == "__main__":
    worker.CHILD = (sys.executable, "-m", "tests.farm.toy")
    sys.exit(worker.guarded(worker.main))

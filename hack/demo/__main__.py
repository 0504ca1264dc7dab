"""`python3 hack/demo`."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from common.console import main_guard  # noqa: E402
from demo.scenario import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main_guard(main))

"""`python3 hack/test_servers.py`: have the servers that tests run for real, from the distribution."""

import sys
from pathlib import Path

from cluster.packages import ensure
from common.console import main_guard


def main() -> int:
    """Install what is missing; exit status 0."""
    has_postgresql = any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    ensure({}, [] if has_postgresql else ["postgresql"])
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))

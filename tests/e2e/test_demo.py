"""What `make demo` shows, on the tests' cluster; and what `helm test` asks."""

import subprocess
import sys

from tests.cluster_tool import ROOT
from tests.e2e.system import System


def test_helm_test_finds_everything_at_work(system: System) -> None:
    assert "Phase:          Succeeded" in system.helm("test", "tailrace", "--timeout", "2m")


def test_the_demo_runs_the_examples_twice(system: System) -> None:
    done = subprocess.run(
        [sys.executable, "hack/demo", "--name", system.name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"amount": 117.5, "big": true, "customer": "Bob"' in done.stdout
    assert ": SUCCESS, " in done.stdout
    assert done.stdout.count("note   http.request") == 2

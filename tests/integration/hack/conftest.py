import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "hack"))


@dataclass(frozen=True)
class Tool:
    """`hack/cluster` as a person calls it, for one cluster whose state is in a directory of the test's."""

    name: str
    state: Path

    def call(self, *arguments):
        return subprocess.run(
            [sys.executable, "hack/cluster", *arguments, "--name", self.name],
            cwd=ROOT,
            env={**os.environ, "XDG_STATE_HOME": str(self.state)},
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )

    def __call__(self, *arguments):
        """The command's output; it has to succeed."""
        done = self.call(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def kubectl(self, *arguments, stdin=""):
        program = Path(self("tools")) / "kubectl"
        kubeconfig = self("kubeconfig")
        return subprocess.run(
            [program, f"--kubeconfig={kubeconfig}", "--request-timeout=20s", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def processes_of(directory):
    """Those whose command line names the directory."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = command.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(f"{directory}/".encode() in word for word in words):
            found.append(int(command.parent.name))
    return sorted(found)


@pytest.fixture(scope="module")
def cluster_tool(tmp_path_factory):
    return lambda name: Tool(name, tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def find_processes():
    return processes_of

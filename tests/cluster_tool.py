"""The development cluster as the tests use it: `hack/cluster`, called as a person calls it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def run(*arguments: str, timeout: float = 600, **options: Any) -> str:
    """A command's standard output; its error output is in the exception where it fails."""
    done = subprocess.run(
        arguments, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False, **options
    )
    if done.returncode:
        raise AssertionError(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def cluster(*arguments: str, timeout: float = 3000) -> str:
    """`python3 hack/cluster …`; its standard output, while progress goes to the terminal."""
    done = subprocess.run(
        [sys.executable, "hack/cluster", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"hack/cluster {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}")
    return done.stdout.strip()


@dataclass(frozen=True)
class Kubectl:
    """kubectl, bound to one kubeconfig."""

    kubeconfig: str

    def __call__(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Standard output; AssertionError with the error output where it fails."""
        done = self.attempt(*arguments, stdin=stdin, timeout=timeout)
        if done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}{done.stdout}")
        return done.stdout

    def attempt(
        self, *arguments: str, stdin: str | None = None, timeout: float = 120
    ) -> "subprocess.CompletedProcess[str]":
        """The finished process, whatever its exit code."""
        program = Path(cluster_tools()) / "kubectl"
        return subprocess.run(
            [str(program), "--kubeconfig", self.kubeconfig, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        """The output of `-o json`, parsed."""
        return json.loads(self(*arguments, "-o", "json"))

    def apply(self, document: Any, *arguments: str) -> str:
        """Apply one object given as data."""
        return self("apply", "-f", "-", *arguments, stdin=json.dumps(document))


_tools: list[str] = []


def cluster_tools() -> str:
    """The folder with kubectl and helm."""
    if not _tools:
        _tools.append(cluster("tools"))
    return _tools[0]

"""Commands that are shown before they are run, so that a person can run them again."""

import shlex
from collections.abc import Sequence

from common.process import run
from install.kubernetes import Kubernetes


def show(*words: str) -> None:
    """Print a command as it would be typed."""
    print(f"\n$ {shlex.join(words)}", flush=True)


def kubectl(kubernetes: Kubernetes, *arguments: str) -> str:
    """Show a kubectl command, run it, show its output; the output."""
    show("kubectl", *arguments)
    said = kubernetes.kubectl(*arguments)
    print(said.rstrip(), flush=True)
    return said


def curl(*arguments: str) -> str:
    """Show a curl command and run it; the body of the answer. ToolError where it is an error."""
    show("curl", "-s", *arguments)
    command: Sequence[str] = ("curl", "-sS", "--fail-with-body", "--max-time", "30", *arguments)
    return run(command)

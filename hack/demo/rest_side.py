"""The facade from this machine: a port that kubectl forwards for a while, and an execution that is polled."""

import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from common.console import ToolError
from demo.shell import curl
from install.kubernetes import Kubernetes
from install.release import NAMESPACE

ADDRESS = "http://127.0.0.1:8080"
ENDED = {"SUCCESS", "FAILED", "CANCELLED", "TIMED_OUT"}
START_SECONDS = 15.0
RUN_SECONDS = 120.0


@contextlib.contextmanager
def port_forward(kubernetes: Kubernetes) -> Iterator[None]:
    """The facade on 127.0.0.1:8080 while the block runs."""
    arguments = ("port-forward", "-n", NAMESPACE, "service/tailrace", "8080:8080")
    process = subprocess.Popen(
        kubernetes.kubectl_command(*arguments),
        env=kubernetes.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _await_answer(process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def flow_id(title: str) -> str:
    """The facade's id of the flow of that name."""
    answer = json.loads(curl(f"{ADDRESS}/api/v1/flows"))
    flows = answer if isinstance(answer, list) else answer["flows"]
    found = [flow["id"] for flow in flows if flow["name"] == title]
    if not found:
        raise ToolError(f"the facade lists no flow {title!r}")
    return str(found[0])


def execute(flow: str, inputs: dict[str, Any]) -> str:
    """Start the flow; the execution's id."""
    body = json.dumps({"inputs": inputs})
    headers = ("-H", "Content-Type: application/json")
    answer = curl("-X", "POST", f"{ADDRESS}/api/v1/flows/{flow}/execute", *headers, "-d", body)
    print(answer)
    return str(json.loads(answer)["executionId"])


def ended(execution: str) -> dict[str, Any]:
    """The execution once it has ended, whatever its end."""
    deadline = time.monotonic() + RUN_SECONDS
    url = f"{ADDRESS}/api/v1/executions/{execution}"
    while True:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - the address above
            body: dict[str, Any] = json.load(answer)
        if body["execution"]["status"] in ENDED:
            return body
        if time.monotonic() > deadline:
            raise ToolError(f"execution {execution} is still {body['execution']['status']}")
        time.sleep(0.25)


def _await_answer(process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        if process.poll() is not None:
            said = process.stderr.read().strip() if process.stderr else ""
            raise ToolError(f"kubectl port-forward ended: {said}")
        try:
            with urllib.request.urlopen(f"{ADDRESS}/healthz", timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise ToolError(f"{ADDRESS} does not answer: {error}") from error
        time.sleep(0.1)

"""The facade from this machine: a port that kubectl forwards for a while, and an execution that is polled."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

from common.console import ToolError
from demo.shell import curl, request, show
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
    flows = json.loads(curl("GET", f"{ADDRESS}/api/v1/flows"))
    print(", ".join(flow["name"] for flow in flows))
    found = [flow["id"] for flow in flows if flow["name"] == title]
    if not found:
        raise ToolError(f"the facade lists no flow {title!r}")
    return str(found[0])


def execute(flow: str, inputs: dict[str, Any]) -> str:
    """Start the flow; the execution's id."""
    answer = curl("POST", f"{ADDRESS}/api/v1/flows/{flow}/execute", inputs)
    print(answer)
    return str(json.loads(answer)["executionId"])


def ended(execution: str) -> dict[str, Any]:
    """The execution once it has ended, whatever its end."""
    deadline = time.monotonic() + RUN_SECONDS
    url = f"{ADDRESS}/api/v1/executions/{execution}"
    show("curl", "-s", url)
    while True:
        body: dict[str, Any] = json.loads(request("GET", url))
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
            request("GET", f"{ADDRESS}/healthz")
        except ToolError:
            if time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(0.1)

"""Tailrace on a real cluster, as its users reach it: kubectl, helm and HTTP."""

import contextlib
import json
import os
import re
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.cluster_tool import Kubectl, cluster_tools

SYSTEM = "tailrace-system"
TENANT = "default"
ENDED = {"Succeeded", "Partial", "Failed", "Cancelled", "TimedOut"}


def eventually(what: str, probe: Callable[[], Any], timeout: float = 60, pause: float = 0.2) -> Any:
    """The probe's first true answer; AssertionError with its last one after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:.0f} s: {what}; last seen: {answer!r}")
        time.sleep(pause)


@dataclass(frozen=True)
class System:
    """One installation."""

    name: str
    kubectl: Kubectl

    def flow(self, *tasks: dict[str, Any], **spec: Any) -> str:
        """Apply a Flow of these tasks and wait until the operator has accepted it; its name."""
        name = f"e2e-{uuid.uuid4().hex[:8]}"
        self.apply("Flow", name, {"tasks": list(tasks), **spec})
        self.kubectl("wait", "--for=condition=Ready", "--timeout=30s", f"flow/{name}", "-n", TENANT)
        return name

    def apply(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        """Apply one of our resources in the tenant's namespace."""
        metadata = {"name": name, "namespace": TENANT}
        self.kubectl.apply(
            {"apiVersion": "tailrace.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
        )

    def ready(self, kind: str, name: str) -> dict[str, Any] | None:
        """The resource's Ready condition, once there is one."""
        status = self.kubectl.json("get", kind, name, "-n", TENANT).get("status", {})
        return next((item for item in status.get("conditions", []) if item["type"] == "Ready"), None)

    def create_run(self, flow: str, **spec: Any) -> str:
        """`kubectl create` a Run; its name."""
        document = {
            "apiVersion": "tailrace.dev/v1alpha1",
            "kind": "Run",
            "metadata": {"generateName": f"{flow}-", "namespace": TENANT},
            "spec": {"flow": flow, **spec},
        }
        return (
            self.kubectl("create", "-f", "-", "-o", "name", stdin=json.dumps(document)).strip().split("/")[1]
        )

    def run(self, name: str) -> dict[str, Any]:
        """The Run as it is now."""
        found: dict[str, Any] = self.kubectl.json("get", "run", name, "-n", TENANT)
        return found

    def phase(self, name: str) -> str:
        """The Run's phase now; empty before the operator has seen it."""
        return str(self.run(name).get("status", {}).get("phase", ""))

    def ended(self, name: str, timeout: float = 90) -> dict[str, Any]:
        """The Run once it has ended."""

        def probe() -> dict[str, Any] | None:
            run = self.run(name)
            return run if run.get("status", {}).get("phase") in ENDED else None

        found: dict[str, Any] = eventually(f"the end of run {name}", probe, timeout)
        return found

    def runner_pod(self, run: str, timeout: float = 60) -> str:
        """The name of the pod that has claimed the Run."""

        def probe() -> Any:
            return self.run(run).get("status", {}).get("claim", {}).get("pod")

        return str(eventually(f"a claim on run {run}", probe, timeout))

    @contextlib.contextmanager
    def rest(self) -> Iterator[httpx2.Client]:
        """A client of the facade's open routes, through `kubectl port-forward`."""
        with self.port_forward() as address, httpx2.Client(base_url=address, timeout=30) as client:
            yield client

    @contextlib.contextmanager
    def port_forward(self) -> Iterator[str]:
        """The address on this machine that reaches the facade."""
        program = Path(cluster_tools()) / "kubectl"
        process = subprocess.Popen(
            [
                program,
                "--kubeconfig",
                self.kubectl.kubeconfig,
                "-n",
                SYSTEM,
                "port-forward",
                "svc/tailrace",
                ":8080",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"127\.0\.0\.1:(\d+)", line)
            assert found, f"kubectl port-forward said: {line}"
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()
            process.wait(timeout=10)

    def helm(self, *arguments: str, timeout: float = 300) -> str:
        """Helm's standard output."""
        done = subprocess.run(
            [Path(cluster_tools()) / "helm", *arguments, "--namespace", SYSTEM],
            env={**os.environ, "KUBECONFIG": self.kubectl.kubeconfig},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"helm {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout

    def diagnosis(self) -> str:
        """What explains a failure: the logs of operator and facade, the pods, the events."""
        parts = [
            ("operator", ["logs", "-n", SYSTEM, "-l", "app.kubernetes.io/component=operator", "--tail=60"]),
            ("facade", ["logs", "-n", SYSTEM, "-l", "app.kubernetes.io/component=api", "--tail=60"]),
            (
                "runners",
                ["logs", "-n", TENANT, "-l", "app.kubernetes.io/component=runner", "--tail=20", "--prefix"],
            ),
            ("pods", ["get", "pods", "-A", "-o", "wide"]),
            ("resources", ["get", "tailrace,jobs", "-A"]),
            ("events", ["get", "events", "-A", "--sort-by=.lastTimestamp"]),
        ]
        text = ""
        for title, arguments in parts:
            done = self.kubectl.attempt(*arguments)
            text += f"\n--- {title}\n{(done.stdout + done.stderr)[-8000:]}"
        return text


def log(name: str, message: str, **more: Any) -> dict[str, Any]:
    """A task that writes a line."""
    return {"name": name, "type": "util.log", "properties": {"message": message}, **more}


def sleep(name: str, duration: str, **more: Any) -> dict[str, Any]:
    """A task that waits."""
    return {"name": name, "type": "util.sleep", "properties": {"duration": duration}, **more}

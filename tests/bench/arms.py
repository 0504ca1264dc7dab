"""What is compared: each arm submits a piece of work and tells when its code began and when it ended."""

import asyncio
import json
import re
import time
import uuid
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from tailrace_kube.client import Client
from tailrace_kube.errors import KubeError, NotFound
from tailrace_kube.resources import FLOWS, JOBS, PODS, RUNS, Resource

SYSTEM = "tailrace-system"
ENDED = {"Succeeded", "Partial", "Failed", "Cancelled", "TimedOut"}
LIMIT = 180.0
SAMPLE = re.compile(r"^apiserver_request_total\{(?P<labels>.*)\} (?P<count>\S+)$")
LABEL = re.compile(r'(\w+)="([^"]*)"')
WRITES = {"POST", "PUT", "PATCH", "APPLY", "DELETE"}
NOT_OF_THE_WORK = {"leases", "nodes", "tokenreviews", "subjectaccessreviews", "serviceaccounts"}


class Arm(ABC):
    """One way to get work done on the cluster."""

    name: str
    resource: Resource

    def __init__(self, kube: Client, namespace: str, metrics: Callable[[], Awaitable[str]]) -> None:
        self.kube = kube
        self.metrics = metrics
        self.namespace = namespace
        self.image = ""
        self.label = f"bench-{uuid.uuid4().hex[:6]}"

    async def prepare(self) -> None:
        """Find the image that Tailrace itself runs."""
        listed = await self.kube.list(PODS, SYSTEM, label_selector="app.kubernetes.io/component=operator")
        self.image = listed["items"][0]["spec"]["containers"][0]["image"]

    @abstractmethod
    def body(self, name: str) -> dict[str, Any]:
        """The object to submit."""

    @abstractmethod
    def has_ended(self, thing: dict[str, Any]) -> bool:
        """Whether the object has reached a terminal state."""

    @abstractmethod
    async def code_began(self, thing: dict[str, Any]) -> float:
        """When the user's code ran its first instruction, in Unix seconds."""

    async def once(self) -> tuple[float, float]:
        """Seconds from submit to user code, and to the terminal state."""
        name = f"{self.label}-{uuid.uuid4().hex[:8]}"
        ends = asyncio.create_task(self._watch_ends({name}))
        await asyncio.sleep(0.05)
        submitted = time.time()
        await self.kube.create(self.resource, self.body(name), self.namespace)
        [(ended, thing)] = (await asyncio.wait_for(ends, LIMIT)).values()
        began = await self.code_began(thing)
        await self.kube.delete(self.resource, name, self.namespace)
        await asyncio.sleep(0.3)
        return began - submitted, ended - submitted

    async def drain(self, count: int) -> float:
        """Seconds from the first submit to the last terminal state."""
        names = {f"{self.label}-{uuid.uuid4().hex[:8]}" for _ in range(count)}
        ends = asyncio.create_task(self._watch_ends(set(names)))
        await asyncio.sleep(0.05)
        started = time.time()
        for name in names:
            await self.kube.create(self.resource, self.body(name), self.namespace)
        await asyncio.wait_for(ends, LIMIT)
        return time.time() - started

    async def _watch_ends(self, names: set[str]) -> dict[str, tuple[float, dict[str, Any]]]:
        ended: dict[str, tuple[float, dict[str, Any]]] = {}
        while True:
            try:
                async for _, thing in self.kube.watch(self.resource, self.namespace):
                    name = thing["metadata"].get("name")
                    if name in names and name not in ended and self.has_ended(thing):
                        ended[name] = (time.time(), thing)
                    if len(ended) == len(names):
                        return ended
            except KubeError:
                await asyncio.sleep(0.1)

    async def pod_log(self, selector: str) -> str:
        """The log of the one pod with these labels; a Run has ended before the kubelet says so of its pod."""
        for _ in range(200):
            listed = await self.kube.list(PODS, self.namespace, label_selector=selector)
            pod = listed["items"][0]
            if pod["status"].get("phase") in {"Succeeded", "Failed"}:
                return await self.kube.log(pod["metadata"]["name"], self.namespace)
            await asyncio.sleep(0.1)
        raise TimeoutError(f"no pod of {selector} has ended")

    async def writes(self) -> Counter[str]:
        """How many writes the API server has stored, by verb and resource, such as `PATCH runs/status`."""
        found: Counter[str] = Counter()
        for sample in map(SAMPLE.match, (await self.metrics()).splitlines()):
            labels = dict(LABEL.findall(sample["labels"])) if sample else {}
            if sample is None or labels["verb"] not in WRITES or not labels["code"].startswith("2"):
                continue
            if labels["resource"] not in NOT_OF_THE_WORK:
                what = "/".join(filter(None, (labels["resource"], labels["subresource"])))
                found[f"{labels['verb']} {what}"] += int(float(sample["count"]))
        return found

    async def clean(self) -> None:
        """Delete what the arm made."""
        listed = await self.kube.list(self.resource, self.namespace)
        for thing in listed["items"]:
            if thing["metadata"]["name"].startswith(self.label):
                await self.kube.delete(self.resource, thing["metadata"]["name"], self.namespace)


class BareJob(Arm):
    """A Job, posted as it is: what Kubernetes alone needs."""

    name = "bare Job"
    resource = JOBS

    def body(self, name: str) -> dict[str, Any]:
        """A Job that prints the time, with the service account's token that Kubernetes mounts by default."""
        container = {
            "name": "main",
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["python3", "-c", "import time; print(time.time())"],
        }
        pod = {"restartPolicy": "Never", "containers": [container]}
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name},
            "spec": {"backoffLimit": 0, "template": {"spec": pod}},
        }

    def has_ended(self, thing: dict[str, Any]) -> bool:
        """Complete or Failed."""
        conditions = thing.get("status", {}).get("conditions", [])
        return any(item["type"] in {"Complete", "Failed"} and item["status"] == "True" for item in conditions)

    async def code_began(self, thing: dict[str, Any]) -> float:
        """What it printed."""
        return float(await self.pod_log(f"job-name={thing['metadata']['name']}"))


class TailraceRun(Arm):
    """A Run of a Flow with one task."""

    name = "Run"
    resource = RUNS

    async def prepare(self) -> None:
        """Apply the Flow and wait until it is Ready."""
        await super().prepare()
        task = {"name": "hello", "type": "util.log", "properties": {"message": "user code"}}
        flow = {
            "apiVersion": "tailrace.dev/v1alpha1",
            "kind": "Flow",
            "metadata": {"name": self.label},
            "spec": {"tasks": [task]},
        }
        await self.kube.create(FLOWS, flow, self.namespace)
        for _ in range(100):
            stored = await self.kube.get(FLOWS, self.label, self.namespace)
            if any(item["status"] == "True" for item in stored.get("status", {}).get("conditions", [])):
                return
            await asyncio.sleep(0.1)
        raise TimeoutError(f"flow {self.label} is not Ready")

    def body(self, name: str) -> dict[str, Any]:
        """A Run."""
        return {
            "apiVersion": "tailrace.dev/v1alpha1",
            "kind": "Run",
            "metadata": {"name": name},
            "spec": {"flow": self.label},
        }

    def has_ended(self, thing: dict[str, Any]) -> bool:
        """In a terminal phase."""
        return thing.get("status", {}).get("phase") in ENDED

    async def code_began(self, thing: dict[str, Any]) -> float:
        """The time of the task's own line in the pod's log."""
        text = await self.pod_log(f"tailrace.dev/run={thing['metadata']['name']}")
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        [line] = [line for line in lines if line.get("message") == "user code"]
        return datetime.fromisoformat(line["time"]).timestamp()

    async def clean(self) -> None:
        """Delete the Runs and the Flow."""
        await super().clean()
        try:
            await self.kube.delete(FLOWS, self.label, self.namespace)
        except NotFound:
            return

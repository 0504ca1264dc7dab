"""A Job controller, a kubelet and runners played against a real API server that has none of them."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tailrace_kube import Client, Informer, errors
from tailrace_kube.resources import JOBS, PODS, RUNS

Object = dict[str, Any]


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def precisely_now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Node:
    """Makes a pod for every Job; where `runs` is true for a Run, its pod claims and ends it."""

    def __init__(self, client: Client, *, runs: Callable[[Object], bool] = lambda run: True) -> None:
        self.client = client
        self.runs = runs
        self.makes_pods = True
        self.seconds = 0.0
        self.longest_wait = 0.0
        self.executed: Counter[str] = Counter()
        self._jobs = Informer(client, JOBS, on_change=self._job_changed)
        self._runs = Informer(client, RUNS, on_change=self._run_changed)
        self._work: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._jobs.run())
            group.create_task(self._runs.run())

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _job_changed(self, kind: str, old: Object | None, new: Object | None) -> None:
        if kind == "ADDED" and new is not None and self.makes_pods:
            self._start(self.make_pod(new))
        if kind == "DELETED" and old is not None:
            self._start(self._collect(old))

    async def _collect(self, job: Object) -> None:
        """What the garbage collector does."""
        name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
        pods = await self.client.list(PODS, namespace, label_selector=f"batch.kubernetes.io/job-name={name}")
        for pod in pods["items"]:
            await self.client.delete(PODS, pod["metadata"]["name"], namespace, grace=0)

    async def make_pod(self, job: Object) -> Object:
        await asyncio.sleep(random.uniform(0, self.longest_wait))  # noqa: S311 - no secret hangs on it
        template, metadata = job["spec"]["template"], job["metadata"]
        labels = {**template["metadata"]["labels"], "batch.kubernetes.io/job-name": metadata["name"]}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{metadata['name']}-{uuid.uuid4().hex[:5]}",
                "labels": labels,
                "annotations": template["metadata"]["annotations"],
            },
            "spec": template["spec"],
        }
        made = await self.client.create(PODS, pod, metadata["namespace"])
        await self.pod_status(
            made, {"phase": "Running", "containerStatuses": [container(running={"startedAt": now()})]}
        )
        return made

    async def pod_status(self, pod: Object, status: Object) -> None:
        metadata = pod["metadata"]
        await self.client.patch(
            PODS, metadata["name"], {"status": status}, metadata["namespace"], subresource="status"
        )

    async def end_job(self, job: Object, *, failed: bool = False) -> None:
        if (job.get("status") or {}).get("conditions"):
            return
        kind, reason = ("Failed", "BackoffLimitExceeded") if failed else ("Complete", "CompletionsReached")
        before = "FailureTarget" if failed else "SuccessCriteriaMet"
        conditions = [
            {"type": type_, "status": "True", "reason": reason, "message": "", "lastTransitionTime": now()}
            for type_ in (before, kind)
        ]
        status: Object = {
            "startTime": now(),
            "conditions": conditions,
            "failed" if failed else "succeeded": 1,
        }
        if not failed:
            status["completionTime"] = now()
        metadata = job["metadata"]
        await self.client.patch(
            JOBS, metadata["name"], {"status": status}, metadata["namespace"], subresource="status"
        )

    def _run_changed(self, kind: str, old: Object | None, new: Object | None) -> None:
        assigned = ((new or {}).get("status") or {}).get("assigned")
        before = ((old or {}).get("status") or {}).get("assigned")
        ended = "completionTime" in ((new or {}).get("status") or {})
        if new is not None and assigned and assigned != before and not ended and self.runs(new):
            self._start(self.execute(new))

    async def claim(self, run: Object) -> Object:
        assigned = run["status"]["assigned"]
        status = {"claim": assigned, "phase": "Running", "startTime": run["status"].get("startTime") or now()}
        return await self.patch_run(run, status)

    async def execute(self, run: Object) -> None:
        """What the runner does, once for each Run: whoever does it a second time is counted."""
        try:
            claimed = await self.claim(run)
        except (errors.Conflict, errors.NotFound):
            return
        self.executed[run["metadata"]["name"]] += 1
        await asyncio.sleep(self.seconds)
        await self.end(claimed)

    async def end(self, run: Object, phase: str = "Succeeded") -> None:
        condition = {
            "type": "Complete" if phase == "Succeeded" else "Failed",
            "status": "True",
            "reason": phase,
            "message": "",
            "lastTransitionTime": now(),
        }
        status = {
            "phase": phase,
            "conditions": [condition],
            "completionTime": precisely_now(),
            "durationMs": 5,
            "progress": "1/1",
        }
        await self.patch_run(run, status)
        name = run["status"]["assigned"]["pod"].rsplit("-", 1)[0]
        try:
            await self.end_job(await self.client.get(JOBS, name, run["metadata"]["namespace"]))
        except errors.NotFound:
            return

    async def patch_run(self, run: Object, status: Object) -> Object:
        metadata = run["metadata"]
        body = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "status": status}
        while True:
            try:
                return await self.client.patch(
                    RUNS, metadata["name"], body, metadata["namespace"], subresource="status"
                )
            except errors.Unavailable:
                await asyncio.sleep(0.5)


def container(**state: Object) -> Object:
    return {
        "name": "runner",
        "image": "x",
        "imageID": "x",
        "ready": True,
        "restartCount": 0,
        "state": state,
    }

"""What the operator and a runner do to resources, done by a test: the facade is tested without either."""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from tailrace_kube import config
from tailrace_kube.client import Client
from tailrace_kube.errors import NotFound
from tailrace_kube.resources import CONTROLLER_REVISIONS, CREDENTIALS, FLOWS, PODS, RUNS, TRIGGERS, Resource
from tests.cluster_tool import Kubectl

Object = dict[str, Any]
T = TypeVar("T")

KINDS: dict[str, Resource] = {"flow": FLOWS, "run": RUNS, "trigger": TRIGGERS, "credential": CREDENTIALS}


def ask(kubectl: Kubectl, question: Callable[[Client], Awaitable[T]]) -> T:
    """One question to the API server as its administrator, without starting kubectl."""

    async def asking() -> T:
        async with Client(config.load(kubectl.kubeconfig)) as client:
            return await question(client)

    return asyncio.run(asking())


def empty(kubectl: Kubectl) -> None:
    """Remove every Flow with its revisions (nothing else collects them here), Run, Trigger and Credential."""

    async def remove(client: Client) -> None:
        for resource in (*KINDS.values(), CONTROLLER_REVISIONS):
            for item in (await client.list(resource))["items"]:
                try:
                    await client.delete(resource, item["metadata"]["name"], item["metadata"]["namespace"])
                except NotFound:
                    continue

    ask(kubectl, remove)


@dataclass(frozen=True)
class Operator:
    """Pins revisions, assigns and claims Runs, ends them."""

    kubectl: Kubectl

    def pin(self, namespace: str, flow: str) -> str:
        """Keep a ControllerRevision of a flow as it is, and say so in its status; the revision's name."""
        stored = ask(self.kubectl, lambda client: client.get(FLOWS, flow, namespace))
        digest = hashlib.sha256(json.dumps(stored["spec"], sort_keys=True).encode()).hexdigest()[:10]
        name = f"{flow}-{digest}"
        selector = f"tailrace.dev/flow={flow}"
        present = ask(
            self.kubectl,
            lambda client: client.list(CONTROLLER_REVISIONS, namespace, label_selector=selector),
        )["items"]
        own = [
            item
            for item in present
            if item["metadata"]["ownerReferences"][0]["uid"] == stored["metadata"]["uid"]
        ]
        if name not in {item["metadata"]["name"] for item in own}:
            number = max([item["revision"] for item in own], default=0) + 1
            self._create_revision(stored, name, number)
        generation = stored["metadata"]["generation"]
        self.status("flow", namespace, flow, {"observedGeneration": generation, "revision": name})
        return name

    def status(self, kind: str, namespace: str, name: str, status: Object) -> None:
        """Merge this into an object's status."""
        ask(
            self.kubectl,
            lambda client: client.patch(
                KINDS[kind], name, {"status": status}, namespace, subresource="status"
            ),
        )

    def create_run(self, namespace: str, name: str, flow: str, **spec: Any) -> Object:
        """A Run as kubectl creates it."""
        body = {
            "apiVersion": "tailrace.dev/v1alpha1",
            "kind": "Run",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"flow": flow, **spec},
        }
        return ask(self.kubectl, lambda client: client.create(RUNS, body, namespace))

    def run_of(self, uid: str) -> Object:
        """The Run with this UID."""
        for item in ask(self.kubectl, lambda client: client.list(RUNS))["items"]:
            if item["metadata"]["uid"] == uid:
                return dict(item)
        raise AssertionError(f"no Run with the UID {uid}")

    def start_pod(self, namespace: str, name: str, account: str = "tailrace-runner") -> tuple[str, str]:
        """A pod of an account (no node runs it): its UID, and a token for us that is bound to it."""
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"serviceAccountName": account, "containers": [{"name": "runner", "image": "none"}]},
        }
        created = ask(self.kubectl, lambda client: client.create(PODS, pod, namespace))
        uid = created["metadata"]["uid"]
        token = self.kubectl(
            "create", "token", account, "-n", namespace, "--audience", "tailrace-internal",
            "--bound-object-kind", "Pod", "--bound-object-name", name, "--bound-object-uid", uid,
        )  # fmt: skip
        return uid, token.strip()

    def assign(self, namespace: str, run: str, pod: str, uid: str, **status: Any) -> None:
        """Give a Run to a pod."""
        assigned = {"pod": pod, "podUID": uid, "attempt": 1}
        self.status("run", namespace, run, {"phase": "Queued", "attempt": 1, "assigned": assigned, **status})

    def claim(self, namespace: str, run: str, pod: str, uid: str) -> None:
        """Let a pod have it."""
        claim = {"pod": pod, "podUID": uid, "attempt": 1}
        self.status(
            "run", namespace, run, {"phase": "Running", "claim": claim, "startTime": "2026-03-25T10:00:01Z"}
        )

    def _create_revision(self, flow: Object, name: str, number: int) -> None:
        metadata = flow["metadata"]
        owner = {
            "apiVersion": flow["apiVersion"],
            "kind": "Flow",
            "name": metadata["name"],
            "uid": metadata["uid"],
            "controller": True,
        }
        revision = {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": name,
                "namespace": metadata["namespace"],
                "labels": {"tailrace.dev/flow": metadata["name"]},
                "ownerReferences": [owner],
            },
            "revision": number,
            "data": {"spec": flow["spec"]},
        }
        ask(
            self.kubectl,
            lambda client: client.create(CONTROLLER_REVISIONS, revision, metadata["namespace"]),
        )


def eventually(check: Any, seconds: float = 10) -> Any:
    """The first truthy result of a check, asked again until then."""
    deadline = time.monotonic() + seconds
    while True:
        result = check()
        if result or time.monotonic() > deadline:
            assert result, "it did not happen in time"
            return result
        time.sleep(0.05)

"""An operator at work against a real API server, with an internal API and a node that are played."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tailrace_kube import Client, errors, load
from tailrace_kube.resources import CREDENTIALS, FLOWS, JOBS, NAMESPACES, PODS, RUNS, TRIGGERS
from tests.integration.operator.internal_server import InternalServer
from tests.integration.operator.node import Node

Object = dict[str, Any]


class Process:
    """The operator's program, started as its pod starts it."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment = environment
        self.log = log
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **settings: str) -> None:
        port = _free_port()
        environment = self.environment | settings | {"TAILRACE_PORT": str(port)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tailrace_operator.main"],
                env=os.environ | environment,
                stdout=log,
                stderr=log,
            )
        self.port = port

    async def ready(self) -> None:
        await eventually(lambda: self.probe("readyz"), lambda answer: answer[0] == 200, within=30)

    async def probe(self, path: str) -> tuple[int, str]:
        assert self._process is not None
        assert self._process.poll() is None, f"the operator has exited with {self._process.returncode}"
        async with aiohttp.ClientSession() as session:
            try:
                async with session.get(f"http://127.0.0.1:{self.port}/{path}") as response:
                    return response.status, await response.text()
            except aiohttp.ClientError as error:
                return 0, str(error)

    async def stop(self, number: int = signal.SIGTERM) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        code = await asyncio.to_thread(self._process.wait, 20)
        self._process = None
        return code

    async def ended(self) -> int:
        assert self._process is not None
        code = await asyncio.to_thread(self._process.wait, 30)
        self._process = None
        return code


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def eventually(
    read: Callable[[], Awaitable[Any]], right: Callable[[Any], Any] = bool, *, within: float = 15
) -> Any:
    """What `read` returns once it is right; AssertionError with the last value where it never is."""
    end = time.monotonic() + within
    value: Any = None
    while time.monotonic() < end:
        with contextlib.suppress(errors.NotFound):
            value = await read()
            if right(value):
                return value
        await asyncio.sleep(0.05)
    raise AssertionError(f"not within {within} s; the last value: {value}")


class World:
    """A tenant's namespace, and short ways to act in it."""

    def __init__(
        self, client: Client, namespace: str, internal: InternalServer, node: Node, operator: Process
    ):
        self.client, self.namespace = client, namespace
        self.internal, self.node, self.operator = internal, node, operator

    async def flow(self, name: str = "hello", **spec: Any) -> Object:
        tasks = [{"name": "say", "type": "util.log", "properties": {"message": "hi"}}]
        body = {
            "apiVersion": "tailrace.dev/v1alpha1",
            "kind": "Flow",
            "metadata": {"name": name},
            "spec": {"tasks": tasks, **spec},
        }
        return await self.client.create(FLOWS, body, self.namespace)

    async def run(self, name: str, flow: str = "hello", **spec: Any) -> Object:
        body = {
            "apiVersion": "tailrace.dev/v1alpha1",
            "kind": "Run",
            "metadata": {"name": name},
            "spec": {"flow": flow, **spec},
        }
        return await self.client.create(RUNS, body, self.namespace)

    async def status(self, name: str, right: Callable[[Object], Any], *, within: float = 15) -> Object:
        """The status of a Run once it is right."""

        async def read() -> Object:
            run = await self.client.get(RUNS, name, self.namespace)
            return dict(run.get("status") or {})

        found: Object = await eventually(read, right, within=within)
        return found

    async def ended(self, name: str, *, within: float = 15) -> Object:
        return await self.status(name, lambda status: "completionTime" in status, within=within)


@pytest.fixture
async def client(kube_config: str) -> AsyncIterator[Client]:
    async with Client(load(kube_config)) as client:
        yield client


@pytest.fixture
async def internal(tmp_path: Path) -> AsyncIterator[InternalServer]:
    server = InternalServer(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    """A tenant's namespace; afterwards it is none, and nothing is left for the next test's operator."""
    name = f"operator-{uuid.uuid4().hex[:8]}"
    labels = {"tailrace.dev/tenant": "true"}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    await client.create(NAMESPACES, body)
    yield name
    await client.patch(NAMESPACES, name, {"metadata": {"labels": {"tailrace.dev/tenant": None}}})
    for kind in (FLOWS, TRIGGERS, CREDENTIALS, RUNS, JOBS, PODS):
        for item in (await client.list(kind, name))["items"]:
            with contextlib.suppress(errors.NotFound):
                await client.delete(kind, item["metadata"]["name"], name, grace=0)


@pytest.fixture
async def node(client: Client) -> AsyncIterator[Node]:
    node = Node(client)
    task = asyncio.create_task(node.run())
    yield node
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def operator(
    kube_config: str, client: Client, internal: InternalServer, tmp_path: Path
) -> AsyncIterator[Process]:
    """The program's environment is set, its own namespace is there; tests start it."""
    own = f"tailrace-{uuid.uuid4().hex[:8]}"
    await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": own}})
    environment = {
        "KUBECONFIG": kube_config,
        "POD_NAME": "operator-a",
        "POD_NAMESPACE": own,
        "TAILRACE_INTERNAL_URL": internal.url,
        "TAILRACE_INTERNAL_CA_FILE": str(internal.ca_file),
        "TAILRACE_INTERNAL_TOKEN_FILE": str(internal.token_file),
        "TAILRACE_LEASE_SECONDS": "5",
        "TAILRACE_LEASE_RENEW_SECONDS": "1",
        "TAILRACE_CANCEL_GRACE": "3",
    }
    process = Process(environment, tmp_path / "operator.log")
    yield process
    await process.stop(signal.SIGKILL)
    # pytest shows it where the test has failed.
    sys.stderr.write(process.log.read_text() if process.log.exists() else "")


@pytest.fixture
async def world(
    client: Client, internal: InternalServer, node: Node, operator: Process, namespace: str
) -> World:
    """An operator that is ready, in a namespace of its own."""
    operator.start()
    await operator.ready()
    return World(client, namespace, internal, node, operator)

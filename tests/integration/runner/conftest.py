"""A real runner process, in a pod's place, between a real API server and an internal API over TLS.

The runner has a token that is bound to a Pod object, the rights of the chart's ClusterRole, and the admission
policy that guards claims. The test plays the operator.
"""

import asyncio
import base64
import datetime as dt
import ipaddress
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tailrace_kube import Client, Impersonation, load
from tailrace_kube.resources import NAMESPACES, PODS, RUNS, SERVICE_ACCOUNTS
from tests.cluster_tool import ROOT, Kubectl, cluster_tools
from tests.integration.runner.internal_stand_in import InternalStandIn

OPERATOR = Impersonation(
    "system:serviceaccount:tailrace-system:tailrace-operator", groups=("system:masters",)
)
HELLO = {
    "tasks": [{"name": "hello", "type": "util.log", "properties": {"message": "Hello {{ inputs.who }}"}}]
}


def sleeping(seconds: float, **fields):
    task = {"name": "sleep", "type": "util.sleep", "properties": {"duration": f"{round(seconds * 1000)}ms"}}
    return {"tasks": [task], **fields}


class Proxy:
    """A way to a server that can be cut: open connections are dropped, new ones refused."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        with suppress(OSError):
            writer.close()


class Pod:
    """A Pod object, and the runner's process in its place."""

    def __init__(self, world: "World", name: str, uid: str, directory: Path) -> None:
        self.world = world
        self.name = name
        self.uid = uid
        self.directory = directory
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, **environment: str) -> None:
        settings = {
            "POD_NAME": self.name,
            "POD_NAMESPACE": self.world.namespace,
            "POD_UID": self.uid,
            "TAILRACE_INTERNAL_URL": self.world.internal.url,
            "TAILRACE_API_SERVER": f"https://127.0.0.1:{self.world.proxy.port}",
            "TAILRACE_MOUNT": str(self.directory),
            "TAILRACE_WORKDIR": str(self.directory),
            **environment,
        }
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tailrace_runner.main",
            env={**os.environ, **settings},
            stdout=(self.directory / "stdout").open("ab"),
            stderr=(self.directory / "stderr").open("ab"),
        )

    async def exit_code(self, seconds: float = 40) -> int:
        assert self.process is not None
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    @property
    def output(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.directory / "stdout").read_text().splitlines()]

    @property
    def errors(self) -> str:
        path = self.directory / "stderr"
        return path.read_text() if path.exists() else ""


class World:
    """Everything around a runner."""

    def __init__(
        self, client: Client, namespace: str, internal: InternalStandIn, proxy: Proxy, ca: bytes
    ) -> None:
        self.client = client
        self.namespace = namespace
        self.internal = internal
        self.proxy = proxy
        self._kube_ca = ca
        self.directory = Path()
        self.pods: list[Pod] = []

    async def pod(self, name: str = "") -> Pod:
        """Another pod of the runner's service account, with files as its projected volume has them."""
        name = name or f"pod-{uuid.uuid4().hex[:6]}"
        spec = {"serviceAccountName": "tailrace-runner", "containers": [{"name": "runner", "image": "none"}]}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        made = await self.client.create(PODS, body, self.namespace)
        directory = self.directory / name
        directory.mkdir()
        (directory / "kube-ca.crt").write_bytes(self._kube_ca)
        (directory / "internal-ca.crt").write_bytes((self.directory / "ca.crt").read_bytes())
        (directory / "internal-token").write_text(f"internal-token-of-{name}")
        (directory / "token").write_text(await self._token(name, made["metadata"]["uid"]))
        pod = Pod(self, name, made["metadata"]["uid"], directory)
        self.pods.append(pod)
        return pod

    async def run(self, spec: dict[str, Any], **fields: Any) -> str:
        """A Run of a flow with this spec, not assigned yet."""
        name = f"run-{uuid.uuid4().hex[:6]}"
        body = {
            "apiVersion": "tailrace.dev/v1alpha1",
            "kind": "Run",
            "metadata": {"name": name},
            "spec": {"flow": "flow", **fields},
        }
        made = await self.client.create(RUNS, body, self.namespace)
        self.internal.plan = {
            "run": made,
            "flow": {"name": "flow", "spec": spec},
            "revision": {"name": "flow-1", "number": 1},
        }
        return name

    async def assign(self, run: str, pod: Pod, attempt: int = 1) -> None:
        """What the operator writes once the Job's pod is there."""
        assigned = {"pod": pod.name, "podUID": pod.uid, "attempt": attempt}
        status = {"attempt": attempt, "revision": "flow-1", "launch": "Job", "assigned": assigned}
        if attempt == 1:
            status["phase"] = "Queued"
        await self.write(run, status)

    async def write(self, run: str, status: dict[str, Any]) -> None:
        await self.client.patch(
            RUNS, run, {"status": status}, self.namespace, subresource="status", impersonate=OPERATOR
        )

    async def cancel(self, run: str) -> None:
        await self.client.patch(RUNS, run, {"spec": {"cancel": True}}, self.namespace)

    async def get(self, run: str) -> dict[str, Any]:
        return await self.client.get(RUNS, run, self.namespace)

    async def status(self, run: str) -> dict[str, Any]:
        status: dict[str, Any] = (await self.get(run)).get("status") or {}
        return status

    async def until(self, run: str, *phases: str, seconds: float = 30) -> dict[str, Any]:
        """The status once the Run is in one of the phases."""
        before = time.monotonic()
        while True:
            status = await self.status(run)
            if status.get("phase") in phases:
                return status
            if time.monotonic() - before > seconds:
                errors = "\n".join(pod.errors for pod in self.pods)
                raise AssertionError(f"run {run} is not {phases} after {seconds} s: {status}\n{errors}")
            await asyncio.sleep(0.05)

    async def first_task_runs(self, run: str, *, seconds: float = 30) -> None:
        """Return once the status shows that the Run's first task is under way."""
        before = time.monotonic()
        while True:
            status = await self.status(run)
            if [task["phase"] for task in status.get("tasks", [])][:1] == ["Running"]:
                return
            assert time.monotonic() - before < seconds, status
            await asyncio.sleep(0.05)

    async def execute(self, spec: dict[str, Any], *, seconds: float = 30, **fields: Any) -> tuple[str, Pod]:
        """A Run from its creation to the exit of its runner, which must be 0."""
        pod = await self.pod()
        name = await self.run(spec, **fields)
        await pod.start()
        await self.assign(name, pod)
        assert await pod.exit_code(seconds) == 0, pod.errors
        return name, pod

    async def _token(self, pod: str, uid: str) -> str:
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": pod, "uid": uid}},
        }
        kubectl = _KUBECTL[0]
        path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/tailrace-runner/token"
        answer = await asyncio.to_thread(
            kubectl, "create", "--raw", path, "-f", "-", stdin=json.dumps(request)
        )
        return str(json.loads(answer)["status"]["token"])


async def eventually(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.05)


_KUBECTL: list[Kubectl] = []


@pytest.fixture(scope="session")
def guarded_api_server(kube_config: str) -> str:
    """The API server with the chart's role for runners, and its policy on claims for these tests."""
    kubectl = Kubectl(kube_config)
    _KUBECTL[:] = [kubectl]
    helm = subprocess.run(
        [
            Path(cluster_tools()) / "helm", "template", "tailrace", str(ROOT / "charts/tailrace"),
            "--namespace", "tailrace-system",
            "--show-only", "templates/admission/run-claim.yaml",
            "--show-only", "templates/roles/runner.yaml",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    documents = [document for document in yaml.safe_load_all(helm.stdout) if document]
    for document in documents:
        document["metadata"]["name"] += "-under-test"
        if document["kind"] == "ValidatingAdmissionPolicyBinding":
            document["spec"]["policyName"] += "-under-test"
            selector = {"namespaceSelector": {"matchLabels": {"tests": "runner"}}}
            document["spec"]["matchResources"] = selector
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(documents))
    return kube_config


@pytest.fixture
async def world(guarded_api_server: str, tmp_path: Path) -> AsyncIterator[World]:
    """A namespace with runners' account, an internal API, and a way to the API server that can be cut."""
    namespace = f"runner-{uuid.uuid4().hex[:6]}"
    config = load(guarded_api_server)
    address = urlsplit(config.server)
    proxy = Proxy(address.hostname or "", address.port or 443)
    await proxy.up()
    certificate, key = _certificate(tmp_path)
    internal = InternalStandIn(certificate, key)
    await internal.start()
    async with Client(config) as client:
        labels = {"tests": "runner"}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
        await client.create(NAMESPACES, body)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "tailrace-runner"}}
        await client.create(SERVICE_ACCOUNTS, account, namespace)
        _KUBECTL[0](
            "-n", namespace, "create", "rolebinding", "tailrace-runner",
            "--clusterrole=tailrace-runner-under-test", f"--serviceaccount={namespace}:tailrace-runner",
        )  # fmt: skip
        world = World(client, namespace, internal, proxy, _kube_ca(guarded_api_server))
        world.directory = tmp_path
        try:
            yield world
        finally:
            for pod in world.pods:
                if pod.process is not None and pod.process.returncode is None:
                    pod.process.kill()
                    await pod.process.wait()
            await proxy.down()
            await internal.stop()
            await client.delete(NAMESPACES, namespace)


def _kube_ca(kubeconfig: str) -> bytes:
    cluster = yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]
    if "certificate-authority-data" in cluster:
        return base64.b64decode(cluster["certificate-authority-data"])
    return Path(cluster["certificate-authority"]).read_bytes()


def _certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "internal")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "ca.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "ca.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return directory / "ca.crt", directory / "ca.key"

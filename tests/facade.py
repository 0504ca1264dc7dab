"""The facade as a program of its own, beside an API server: how the tests start it and talk to it."""

import base64
import contextlib
import datetime as dt
import ipaddress
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.cluster_tool import Kubectl

OWN_NAMESPACE = "tailrace-facade"
ACCOUNT = "tailrace-api"
READY_SECONDS = 60
KINDS = ["flows", "runs", "triggers", "credentials"]

RULES = [
    {"apiGroups": ["tailrace.dev"], "resources": KINDS, "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["apps"], "resources": ["controllerrevisions"], "verbs": ["get", "list"]},
    {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
    {
        "apiGroups": [""],
        "resources": ["serviceaccounts"],
        "resourceNames": [f"tailrace-{role}" for role in ("viewer", "executor", "editor", "admin")],
        "verbs": ["impersonate"],
    },
    {
        "apiGroups": ["authentication.k8s.io"],
        "resources": ["userextras/tailrace.dev/key"],
        "verbs": ["impersonate"],
    },
]
"""What docs/design/facade.md says that the facade needs: the tests run it with exactly this."""

EDITOR = [
    {
        "apiGroups": ["tailrace.dev"],
        "resources": KINDS,
        "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
    }
]


@dataclass
class Facade:
    """One running facade and its addresses."""

    kubectl: Kubectl
    base: str
    internal: str
    probes: str
    metrics: str
    environment: dict[str, str]
    directory: Path
    process: "subprocess.Popen[bytes]"

    @property
    def log(self) -> str:
        """What it has written so far."""
        return (self.directory / "log").read_text()

    def client(self, **options: Any) -> httpx2.Client:
        """A client of the open listener."""
        return httpx2.Client(base_url=self.base, timeout=30, **options)

    def internal_client(self, token: str | None) -> httpx2.Client:
        """A client of the internal API with this token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        trust = ssl.create_default_context(cafile=str(self.directory / "tls/tls.crt"))
        return httpx2.Client(
            base_url=f"{self.internal}/internal/v1", headers=headers, verify=trust, timeout=60
        )

    def restart(self, **environment: str) -> None:
        """Stop it and start it anew on the same addresses and data."""
        self.stop()
        self.process = _start({**self.environment, **environment}, self.directory)
        wait_ready(self)

    def stop(self) -> None:
        """SIGTERM, and wait."""
        self.process.terminate()
        self.process.wait(30)


def prepare(kubectl: Kubectl, *tenants: str) -> None:
    """The namespaces, accounts and rights that chart and operator would make."""
    items: list[dict[str, Any]] = []
    for name in (OWN_NAMESPACE, *tenants):
        labels = {"tailrace.dev/tenant": "true"} if name in tenants else {}
        items.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    items += [_account(OWN_NAMESPACE, ACCOUNT), _account(OWN_NAMESPACE, "tailrace-operator")]
    items += [_role("tailrace-api", RULES), _role("tailrace-editor", EDITOR)]
    items.append(_binding("ClusterRoleBinding", "tailrace-api", OWN_NAMESPACE, ACCOUNT, None))
    for name in tenants:
        items += [_account(name, "tailrace-runner"), _account(name, "tailrace-editor")]
        items.append(_binding("RoleBinding", "tailrace-editor", name, "tailrace-editor", name))
    kubectl.apply({"apiVersion": "v1", "kind": "List", "items": items})


@contextlib.contextmanager
def running(kubectl: Kubectl, directory: Path, database_url: str, **environment: str) -> Iterator[Facade]:
    """A facade with its own account's rights, ready to serve; stopped at the end."""
    ports = free_ports(4)
    (directory / "keys").mkdir(parents=True)
    (directory / "keys/key-1").write_bytes(base64.b64encode(secrets.token_bytes(32)))
    _certificate(directory / "tls")
    kubeconfig = _kubeconfig(kubectl, directory)
    variables = {
        **os.environ,
        "TAILRACE_NAMESPACE": OWN_NAMESPACE,
        "TAILRACE_POD_IP": "127.0.0.2",
        "TAILRACE_API_PORT": str(ports[0]),
        "TAILRACE_PROBE_PORT": str(ports[1]),
        "TAILRACE_METRICS_PORT": str(ports[2]),
        "TAILRACE_INTERNAL_PORT": str(ports[3]),
        "TAILRACE_DATABASE_URL": database_url,
        "TAILRACE_ENCRYPTION_KEYS": str(directory / "keys"),
        "TAILRACE_TLS_CERT": str(directory / "tls/tls.crt"),
        "TAILRACE_TLS_KEY": str(directory / "tls/tls.key"),
        "TAILRACE_KUBECONFIG": kubeconfig,
        **environment,
    }
    facade = Facade(
        kubectl=kubectl,
        base=f"http://127.0.0.1:{ports[0]}",
        probes=f"http://127.0.0.1:{ports[1]}",
        metrics=f"http://127.0.0.1:{ports[2]}",
        internal=f"https://127.0.0.1:{ports[3]}",
        environment=variables,
        directory=directory,
        process=_start(variables, directory),
    )
    try:
        wait_ready(facade)
        yield facade
    finally:
        facade.stop()


def wait_ready(facade: Facade) -> None:
    """Until the readiness probe says so; its log where it never does."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if facade.process.poll() is not None:
            break
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(f"{facade.probes}/readyz").status_code == 200:
                return
        time.sleep(0.1)
    facade.process.kill()
    raise AssertionError(f"the facade did not get ready:\n{facade.log}")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for bound in sockets:
            bound.bind(("127.0.0.1", 0))
        return [bound.getsockname()[1] for bound in sockets]


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server of our own; the URL of an empty database."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        raise AssertionError("PostgreSQL is not installed: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="tailrace-postgresql-") as directory:
        yield from _postgresql(programs[-1], Path(directory))


def _postgresql(program: Path, directory: Path) -> Iterator[str]:
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # it refuses to run as root
    if user:
        shutil.chown(directory, "postgres")
    data, port = directory / "data", free_ports(1)[0]

    def run(*arguments: str) -> None:
        done = subprocess.run([*user, *arguments], capture_output=True, text=True, check=False, cwd=directory)
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.stdout}{done.stderr}")

    run(str(program / "initdb"), "-D", str(data), "-A", "trust", "-U", "tailrace", "--no-sync", "-E", "UTF8")
    options = f"-p {port} -k {directory} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
    run(str(program / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(directory / "log"), "start")
    try:
        yield f"postgresql://tailrace@127.0.0.1:{port}/postgres"
    finally:
        run(str(program / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")


def token(kubectl: Kubectl, namespace: str, account: str, *arguments: str) -> str:
    """A token of an account, for the internal audience unless the arguments say otherwise."""
    given = arguments or ("--audience", "tailrace-internal")
    return kubectl("create", "token", "-n", namespace, account, *given).strip()


def _start(environment: dict[str, str], directory: Path) -> "subprocess.Popen[bytes]":
    with (directory / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tailrace_api.main"], env=environment, stdout=log, stderr=log
        )


def _kubeconfig(kubectl: Kubectl, directory: Path) -> str:
    """The administrator's kubeconfig with the facade's own token in place of the certificate."""
    document = yaml.safe_load(Path(kubectl.kubeconfig).read_text())
    mine = token(kubectl, OWN_NAMESPACE, ACCOUNT, "--duration", "24h")
    document["users"] = [{"name": item["name"], "user": {"token": mine}} for item in document["users"]]
    path = directory / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def _certificate(directory: Path) -> None:
    directory.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tailrace-internal")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (directory / "tls.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "tls.key").write_bytes(private)


def _account(namespace: str, name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def _role(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    }


def _binding(kind: str, role: str, namespace: str, account: str, within: str | None) -> dict[str, Any]:
    metadata = {"name": role, **({"namespace": within} if within else {})}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }

"""The chart, installed by helm on an API server of its own: its policies would get in other tests' way."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tailrace_kube import Client, Impersonation, load
from tests.cluster_tool import ROOT, Kubectl, cluster, cluster_tools

NAME = f"tailrace-chart-test-{os.getpid()}"
SYSTEM = "tailrace-system"
CHART = ROOT / "charts/tailrace"


@dataclass(frozen=True)
class Release:
    """The chart on that API server, which has no nodes: hooks, which are pods, are left out."""

    kubeconfig: str
    kubectl: Kubectl

    def helm(self, *arguments: str) -> str:
        done = subprocess.run(
            [Path(cluster_tools()) / "helm", "--kubeconfig", self.kubeconfig, "-n", SYSTEM, *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def install(self, *arguments: str) -> None:
        self.helm(
            "upgrade", "--install", "tailrace", str(CHART), "--create-namespace", "--no-hooks", *arguments
        )

    def uninstall(self) -> None:
        self.helm("uninstall", "tailrace", "--no-hooks")


@pytest.fixture(scope="session")
def release() -> Iterator[Release]:
    cluster("up", "--name", NAME, "--api-only")
    try:
        kubeconfig = cluster("kubeconfig", "--name", NAME)
        release = Release(kubeconfig, Kubectl(kubeconfig))
        release.install()
        release.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
        yield release
    finally:
        cluster("down", "--name", NAME)


@pytest.fixture
async def client(release: Release) -> AsyncIterator[Client]:
    """The cluster's administrator."""
    async with Client(load(release.kubeconfig)) as client:
        yield client


def account(name: str, namespace: str = "default", **extra: str) -> Impersonation:
    """A service account; pod and uid: whose token it is; key: the person whom the facade acts for."""
    keys = {
        "pod": "authentication.kubernetes.io/pod-name",
        "uid": "authentication.kubernetes.io/pod-uid",
        "key": "tailrace.dev/key",
    }
    return Impersonation(
        f"system:serviceaccount:{namespace}:{name}",
        extra={keys[key]: [value] for key, value in extra.items()},
    )

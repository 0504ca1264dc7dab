"""A real API server for the tests that need no more: apiserver and etcd, no node, no root."""

import os
from collections.abc import Iterator

import pytest

from tests.cluster_tool import ROOT, Kubectl, cluster

NAME = f"tailrace-api-test-{os.getpid()}"
"""Of this session alone: two at the same time must not take each other's server down."""


@pytest.fixture(scope="session")
def kube_config() -> Iterator[str]:
    """The path of an administrator's kubeconfig; the CRDs are applied."""
    cluster("up", "--name", NAME, "--api-only")
    path = cluster("kubeconfig", "--name", NAME)
    try:
        kubectl = Kubectl(path)
        kubectl("apply", "-f", str(ROOT / "crds/generated"))
        kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
        yield path
    finally:
        cluster("down", "--name", NAME)


@pytest.fixture(scope="session")
def kubectl(kube_config: str) -> Kubectl:
    """kubectl against that API server."""
    return Kubectl(kube_config)

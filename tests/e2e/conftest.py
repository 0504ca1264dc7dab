"""A development cluster of the tests' own with the chart installed; every other cluster is left alone.

With TAILRACE_KEEP=1 the cluster stays, and the next run of the tests upgrades what is there.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import httpx2
import pytest

from tests.cluster_tool import ROOT, Kubectl, cluster
from tests.e2e.system import System

NAME = "tailrace-test"


def install() -> None:
    """Image, load, helm, as `make up` does it, on the tests' cluster."""
    subprocess.run(
        [sys.executable, "hack/install", "up", "--own", "--name", NAME], cwd=ROOT, check=True, timeout=1800
    )


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """Tailrace, installed and ready."""
    try:
        install()
        yield System(NAME, Kubectl(cluster("kubeconfig", "--name", NAME)))
    finally:
        if not os.environ.get("TAILRACE_KEEP"):
            cluster("down", "--name", NAME)


@pytest.fixture
def rest(system: System) -> Iterator[httpx2.Client]:
    """The facade's open routes."""
    with system.rest() as client:
        yield client


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add to a failure what explains it."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    system = getattr(item, "funcargs", {}).get("system")
    if report.when == "call" and report.failed and system is not None:
        report.sections.append(("the cluster", system.diagnosis()))

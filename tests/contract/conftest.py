"""A facade to hold against the documents of the APIs that it speaks."""

from collections.abc import Iterator

import pytest

from tests import facade as program
from tests.cluster_tool import Kubectl
from tests.facade import Facade


@pytest.fixture(scope="session")
def facade(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facade]:
    """A facade beside a real API server."""
    directory = tmp_path_factory.mktemp("facade")
    program.prepare(kubectl, "default", "production")
    with program.running(kubectl, directory, f"sqlite:///{directory}/tailrace.db") as running:
        yield running

"""Databases and a running facade for the tests of the facade."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from tailrace_api.store import database, migrate, store
from tailrace_api.store.base import Base
from tailrace_api.store.store import Store
from tests import facade as program
from tests.cluster_tool import Kubectl
from tests.facade import Facade
from tests.operator_by_hand import Operator, empty

TENANTS = ("default", "production", "team-a")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with program.postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tailrace.db"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Store]:
    """A migrated, empty store with its writer at work."""
    opened = database.Database(database.engine(database_url))
    await migrate.upgrade(opened.engine)
    async with opened.engine.begin() as connection:
        for table in Base.metadata.tables:
            await connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own tables' names
    writer = asyncio.create_task(opened.run())
    yield store.over(opened)
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    await opened.close()


@pytest.fixture(scope="session")
def facade(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facade]:
    """A facade over SQLite, with nothing but the rights that it documents."""
    directory = tmp_path_factory.mktemp("facade")
    program.prepare(kubectl, *TENANTS)
    with program.running(kubectl, directory, f"sqlite:///{directory}/tailrace.db") as running:
        yield running


@pytest.fixture(scope="session")
def postgresql_facade(
    kubectl: Kubectl, postgresql_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Facade]:
    """The same over PostgreSQL."""
    program.prepare(kubectl, *TENANTS)
    with program.running(kubectl, tmp_path_factory.mktemp("facade"), postgresql_url) as running:
        yield running


@pytest.fixture
def client(facade: Facade, kubectl: Kubectl) -> Iterator[httpx2.Client]:
    """A client of the open listener; what a test makes is gone after it."""
    with facade.client() as client:
        yield client
    empty(kubectl)


@pytest.fixture
def operator(kubectl: Kubectl) -> Operator:
    """What the operator and a runner would do to resources."""
    return Operator(kubectl)

"""The migrations, against SQLite and PostgreSQL: they make what the tables say, and run once."""

import asyncio

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from tailrace_api.store import database, migrate
from tailrace_api.store import store as _tables  # noqa: F401 - imports every table
from tailrace_api.store.base import Base


@pytest.fixture
async def engine(database_url: str):
    made = database.engine(database_url)
    async with made.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    yield made
    await made.dispose()


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


async def test_the_migrations_make_what_the_tables_say(engine) -> None:
    await migrate.upgrade(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_several_programs_may_start_at_once(engine, database_url: str) -> None:
    others = [database.engine(database_url) for _ in range(3)]
    await asyncio.gather(*(asyncio.to_thread(asyncio.run, migrate.upgrade(other)) for other in others))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    for other in others:
        await other.dispose()


async def test_a_second_start_changes_nothing(engine) -> None:
    await migrate.upgrade(engine)
    await migrate.upgrade(engine)


async def test_a_migration_can_be_undone(engine) -> None:
    await migrate.upgrade(engine)

    def downgrade(connection: Connection) -> None:
        settings = migrate.config()
        settings.attributes["connection"] = connection
        command.downgrade(settings, "base")

    async with engine.begin() as connection:
        await connection.run_sync(downgrade)
        assert set(await connection.run_sync(lambda sync: inspect(sync).get_table_names())) <= {
            "alembic_version"
        }
    await migrate.upgrade(engine)

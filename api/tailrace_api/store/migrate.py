"""Brings the database to this program's schema, one program at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

LOCK = 0x7461696C  # any number that no other program's migration uses in this database


async def upgrade(engine: AsyncEngine, revision: str = "head") -> None:
    """Run the migrations that are missing, while no other facade can; safe to call at every start."""
    if engine.dialect.name == "postgresql":
        await _upgrade_postgresql(engine, revision)
        return
    file = engine.url.database
    with _locked(Path(f"{file}.lock") if file else None):
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, revision)


async def _upgrade_postgresql(engine: AsyncEngine, revision: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        await connection.run_sync(_upgrade, revision)


def config() -> Config:
    """Alembic's settings; the connection is handed over by `upgrade`."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return made


def _upgrade(connection: Connection, revision: str) -> None:
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, revision)


@contextmanager
def _locked(path: Path | None) -> Iterator[None]:
    """Hold an exclusive lock on a file beside the database; an in-memory database has none."""
    if path is None:
        yield
        return
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

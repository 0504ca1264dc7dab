"""One database: readers from a pool, and a single writer that commits what came together at once."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

T = TypeVar("T")
Operation = Callable[[AsyncConnection], Awaitable[T]]
Observe = Callable[[str, float], None]
"""Told of every read and commit: "read" or "commit", and its seconds."""

MAX_BATCH = 256
BUSY_SECONDS = 10


class Unavailable(Exception):  # noqa: N818 - named as what it tells its caller
    """The database does not answer; trying again later may help."""


def engine(url: str) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///path` or `postgresql+asyncpg://…`; plain schemes are completed."""
    address = make_url(url)
    if address.drivername in {"postgres", "postgresql"}:
        address = address.set(drivername="postgresql+asyncpg")
    if address.drivername == "sqlite":
        address = address.set(drivername="sqlite+aiosqlite")
    if address.drivername == "postgresql+asyncpg":
        return create_async_engine(address, pool_size=8, max_overflow=4, pool_pre_ping=True, pool_timeout=10)
    if address.drivername == "sqlite+aiosqlite":
        made = create_async_engine(address, pool_size=4, max_overflow=4, pool_timeout=10)
        event.listen(made.sync_engine, "connect", _prepare_sqlite)
        return made
    raise ValueError(
        f"database URL with the scheme {address.drivername}: sqlite:///… and postgresql://… are known"
    )


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # a journal entry that was confirmed survives a power cut
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


class Database:
    """Opens connections for the repositories; `run` must be running for writes to happen."""

    def __init__(self, engine: AsyncEngine, observe: Observe = lambda _kind, _seconds: None) -> None:
        self.engine = engine
        self._observe = observe
        self._waiting: deque[tuple[Operation[Any], asyncio.Future[Any]]] = deque()
        self._wake = asyncio.Event()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for SELECTs, each its own transaction."""
        started = asyncio.get_running_loop().time()
        try:
            async with self.engine.connect() as connection:
                yield await connection.execution_options(isolation_level="AUTOCOMMIT")
        except (SQLAlchemyError, OSError) as error:
            raise Unavailable(_short(error)) from error
        finally:
            self._observe("read", asyncio.get_running_loop().time() - started)

    async def write(self, operation: Operation[T]) -> T:
        """Run an operation in the next commit; returns its result once that commit is durable.

        Operations that wait at the same time share one transaction. One that fails is tried once more alone,
        so that it cannot undo its neighbours': an operation must therefore be safe to run twice.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((operation, future))
        self._wake.set()
        return await future

    async def ping(self) -> None:
        """One round trip; Unavailable where it fails."""
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))

    async def run(self) -> None:
        """Commit what is written until cancelled; what is still waiting then is committed first."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._drain()
        finally:
            await self._drain()

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()

    async def _drain(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
            batch = [(operation, future) for operation, future in batch if not future.cancelled()]
            if not batch:
                continue
            try:
                results = await self._commit([operation for operation, _ in batch])
            except Exception as error:  # noqa: BLE001 - whatever it was, each waiting caller is told
                await self._one_by_one(batch, error)
                continue
            for (_, future), result in zip(batch, results, strict=True):
                _settle(future, result)

    async def _one_by_one(
        self, batch: list[tuple[Operation[Any], asyncio.Future[Any]]], error: Exception
    ) -> None:
        if len(batch) == 1:
            _fail(batch[0][1], error)
            return
        for operation, future in batch:
            try:
                _settle(future, (await self._commit([operation]))[0])
            except Exception as own:  # noqa: BLE001 - belongs to this operation's caller
                _fail(future, own)

    async def _commit(self, operations: list[Operation[Any]]) -> list[Any]:
        started = asyncio.get_running_loop().time()
        async with self.engine.begin() as connection:
            results = [await operation(connection) for operation in operations]
        self._observe("commit", asyncio.get_running_loop().time() - started)
        return results


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if future.done():
        return
    if isinstance(error, SQLAlchemyError | OSError):
        unavailable = Unavailable(_short(error))
        unavailable.__cause__ = error
        future.set_exception(unavailable)
    else:
        future.set_exception(error)


def _short(error: BaseException) -> str:
    """The driver's own message, without statement and parameters, which may hold users' data."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {str(cause).splitlines()[0] if str(cause) else ''}"[:200]

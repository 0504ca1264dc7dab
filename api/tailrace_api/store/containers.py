"""Containers that Runs have asked for; the operator makes each a Job and reports its end."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, String, UniqueConstraint, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from tailrace_api.store.base import Base, Json, Line, Utc, insert
from tailrace_api.store.database import Database


class ContainerRow(Base):
    """One request, and its outcome once `done`."""

    __tablename__ = "containers"
    __table_args__ = (UniqueConstraint("run_uid", "task", "attempt"),)

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    namespace: Mapped[str] = mapped_column(String(63))
    run: Mapped[str] = mapped_column(String(253))
    run_uid: Mapped[str] = mapped_column(String(64))
    task: Mapped[str] = mapped_column(String(128))
    attempt: Mapped[int] = mapped_column(Integer)
    args: Mapped[Any] = mapped_column(Json, nullable=True)
    env: Mapped[Any] = mapped_column(Json, nullable=True)
    done: Mapped[bool] = mapped_column(index=True, default=False)
    exit_code: Mapped[int | None] = mapped_column(Integer)
    message: Mapped[str | None] = mapped_column(Line)
    result: Mapped[Any] = mapped_column(Json, nullable=True)
    log: Mapped[str | None] = mapped_column(Line)
    created_at: Mapped[datetime] = mapped_column(Utc)


@dataclass(frozen=True)
class ContainerRequest:
    """One container as a Run asked for it, and how it ended."""

    id: int
    namespace: str
    run: str
    run_uid: str
    task: str
    attempt: int
    args: list[str] | None
    env: dict[str, str] | None
    done: bool
    exit_code: int | None
    message: str | None
    result: Any
    log: str | None


class Containers:
    """Takes requests from Runs and outcomes from the operator, and wakes whoever waits for either."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = asyncio.Event()

    async def request(
        self,
        *,
        namespace: str,
        run: str,
        run_uid: str,
        task: str,
        attempt: int,
        args: list[str] | None,
        env: dict[str, str] | None,
        now: datetime,
    ) -> int:
        """Ask for a container; the same task and attempt give the same id."""
        row = {
            "namespace": namespace,
            "run": run,
            "run_uid": run_uid,
            "task": task,
            "attempt": attempt,
            "args": args,
            "env": env,
            "done": False,
            "created_at": now,
        }
        key = (
            ContainerRow.run_uid == run_uid,
            ContainerRow.task == task,
            ContainerRow.attempt == attempt,
        )

        async def operation(connection: AsyncConnection) -> int:
            await connection.execute(insert(connection, ContainerRow).values(row).on_conflict_do_nothing())
            return int((await connection.execute(select(ContainerRow.id).where(*key))).scalar_one())

        identifier = await self._database.write(operation)
        self._wake()
        return identifier

    async def get(self, identifier: int) -> ContainerRequest | None:
        """One request, or None."""
        found = await self._select(ContainerRow.id == identifier)
        return found[0] if found else None

    async def unfinished(self) -> list[ContainerRequest]:
        """All that have not ended, oldest first."""
        return await self._select(ContainerRow.done.is_(False))

    async def finish(
        self, identifier: int, *, exit_code: int, message: str | None, result: Any, log: str | None
    ) -> bool:
        """Record how a container ended; the first record stands. Whether there is such a request."""

        async def operation(connection: AsyncConnection) -> None:
            statement = update(ContainerRow).where(
                ContainerRow.id == identifier, ContainerRow.done.is_(False)
            )
            await connection.execute(
                statement.values(done=True, exit_code=exit_code, message=message, result=result, log=log)
            )

        await self._database.write(operation)
        self._wake()
        return await self.get(identifier) is not None

    async def forget_run(self, run_uid: str) -> None:
        """The Run is archived: its requests are of no more use."""

        async def operation(connection: AsyncConnection) -> None:
            await connection.execute(delete(ContainerRow).where(ContainerRow.run_uid == run_uid))

        await self._database.write(operation)
        self._wake()

    async def changed(self, seconds: float) -> None:
        """Wait until something changes here, or so long; another replica's changes are seen at its end."""
        event = self._changed
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _select(self, condition: Any) -> list[ContainerRequest]:
        columns = [getattr(ContainerRow, name) for name in ContainerRequest.__dataclass_fields__]
        statement = select(*columns).where(condition).order_by(ContainerRow.id)
        async with self._database.reading() as connection:
            return [ContainerRequest(*row) for row in await connection.execute(statement)]

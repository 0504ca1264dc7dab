"""The journal: the end of every task attempt, durable before anything that depends on it starts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, String, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from tailrace_api.store.base import Base, Json, Line, Utc, insert
from tailrace_api.store.database import Database


class JournalRow(Base):
    """One ended attempt of a task; `position` keeps the order of arrival."""

    __tablename__ = "journal"

    run_uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    task: Mapped[str] = mapped_column(String(128), primary_key=True)
    attempt: Mapped[int] = mapped_column(Integer, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    phase: Mapped[str] = mapped_column(String(16))
    outputs: Mapped[Any] = mapped_column(Json, nullable=True)
    outputs_ref: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str | None] = mapped_column(Line)
    start_time: Mapped[str | None] = mapped_column(String(40))
    completion_time: Mapped[str | None] = mapped_column(String(40))
    recorded_at: Mapped[datetime] = mapped_column(Utc)


@dataclass(frozen=True)
class Entry:
    """One ended attempt of a task; times as the runner wrote them (RFC 3339)."""

    task: str
    attempt: int
    phase: str
    outputs: Any = None
    outputs_ref: str | None = None
    message: str | None = None
    start_time: str | None = None
    completion_time: str | None = None


class Journal:
    """Adds and reads entries; what is written once is never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, run_uid: str, entries: list[Entry], now: datetime) -> int:
        """Keep these entries; returns how many were new."""
        if not entries:
            return 0
        base = int(now.timestamp() * 1_000_000)
        rows = [
            {"run_uid": run_uid, "position": base + index, "recorded_at": now, **vars(entry)}
            for index, entry in enumerate(entries)
        ]

        async def operation(connection: AsyncConnection) -> int:
            statement = insert(connection, JournalRow).values(rows).on_conflict_do_nothing()
            return (await connection.execute(statement)).rowcount

        return await self._database.write(operation)

    async def entries(self, run_uid: str) -> list[Entry]:
        """All entries of a Run, in the order in which they came."""
        columns = [getattr(JournalRow, name) for name in Entry.__dataclass_fields__]
        statement = (
            select(*columns)
            .where(JournalRow.run_uid == run_uid)
            .order_by(JournalRow.position, JournalRow.task)
        )
        async with self._database.reading() as connection:
            return [Entry(*row) for row in await connection.execute(statement)]

"""Log lines of Runs, in the order in which each attempt wrote them."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Integer, String, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from tailrace_api.store.base import Base, Line, Utc, insert
from tailrace_api.store.database import Database


class LogRow(Base):
    """One line; `run_attempt` is the attempt of the Run that wrote it, `attempt` that of the task."""

    __tablename__ = "logs"

    run_uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    run_attempt: Mapped[int] = mapped_column(Integer, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    time: Mapped[str] = mapped_column(String(40))
    task: Mapped[str | None] = mapped_column(String(128))
    attempt: Mapped[int | None] = mapped_column(Integer)
    level: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(Line)
    recorded_at: Mapped[datetime] = mapped_column(Utc)


@dataclass(frozen=True)
class LogLine:
    """One line as it was written; time in RFC 3339."""

    run_attempt: int
    seq: int
    time: str
    task: str | None
    attempt: int | None
    level: str
    message: str


Position = tuple[int, int]
"""Attempt of the Run and sequence number of the last line that a reader has seen."""

START: Position = (-1, -1)


class Logs:
    """Adds and reads lines, and wakes those who wait for more of one Run."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._readers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def add(self, run_uid: str, lines: list[LogLine], now: datetime) -> None:
        """Keep these lines; a line that is there already stays as it is."""
        if not lines:
            return
        rows = [{"run_uid": run_uid, "recorded_at": now, **vars(line)} for line in lines]

        async def operation(connection: AsyncConnection) -> None:
            await connection.execute(insert(connection, LogRow).values(rows).on_conflict_do_nothing())

        await self._database.write(operation)
        self.wake(run_uid)

    async def after(self, run_uid: str, position: Position, limit: int) -> list[LogLine]:
        """The next lines after a position."""
        columns = [getattr(LogRow, name) for name in LogLine.__dataclass_fields__]
        statement = (
            select(*columns)
            .where(LogRow.run_uid == run_uid, tuple_(LogRow.run_attempt, LogRow.seq) > position)
            .order_by(LogRow.run_attempt, LogRow.seq)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return [LogLine(*row) for row in await connection.execute(statement)]

    def subscribe(self, run_uid: str) -> asyncio.Event:
        """An event that is set whenever there may be something new; the reader clears it."""
        event = asyncio.Event()
        self._readers[run_uid].add(event)
        return event

    def unsubscribe(self, run_uid: str, event: asyncio.Event) -> None:
        """Forget a reader."""
        self._readers[run_uid].discard(event)
        if not self._readers[run_uid]:
            del self._readers[run_uid]

    def wake(self, run_uid: str) -> None:
        """Tell the Run's readers to look again: there are lines, or the Run has ended."""
        for event in self._readers.get(run_uid, ()):
            event.set()

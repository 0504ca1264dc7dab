"""The ledger: what became of every firing of every trigger."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Integer, String, Text, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from tailrace_api.store.base import Base, Line, Utc, insert
from tailrace_api.store.database import Database

MAX_SLOTS = 10_000


class FiringRow(Base):
    """One firing; `key` is its slot or cause, so that a repeat is recognised."""

    __tablename__ = "ledger"
    __table_args__ = (UniqueConstraint("trigger_uid", "key"),)

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    namespace: Mapped[str] = mapped_column(String(63))
    trigger: Mapped[str] = mapped_column(String(253))
    trigger_uid: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(Text)
    slot: Mapped[datetime | None] = mapped_column(Utc)
    cause: Mapped[str | None] = mapped_column(Line)
    result: Mapped[str] = mapped_column(String(16))
    run: Mapped[str | None] = mapped_column(String(253))
    reason: Mapped[str | None] = mapped_column(Line)
    time: Mapped[datetime] = mapped_column(Utc)


@dataclass(frozen=True)
class Firing:
    """One firing; a schedule's has a slot, another's a cause."""

    namespace: str
    trigger: str
    trigger_uid: str
    result: str
    time: datetime
    slot: datetime | None = None
    cause: str | None = None
    run: str | None = None
    reason: str | None = None

    @property
    def key(self) -> str:
        """What tells this firing from the trigger's others."""
        return f"slot:{self.slot.isoformat()}" if self.slot is not None else f"cause:{self.cause}"


class Ledger:
    """Adds firings and reads them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, firings: list[Firing]) -> int:
        """Keep these firings; returns how many were new."""
        if not firings:
            return 0
        rows = [{**vars(firing), "key": firing.key.replace("\0", "\ufffd")} for firing in firings]

        async def operation(connection: AsyncConnection) -> int:
            statement = insert(connection, FiringRow).values(rows).on_conflict_do_nothing()
            return (await connection.execute(statement)).rowcount

        return await self._database.write(operation)

    async def slots(self, namespace: str, trigger_uid: str, after: datetime | None) -> list[datetime]:
        """Slots that have been dealt with, ascending, those later than `after`."""
        statement = (
            select(FiringRow.slot)
            .where(
                FiringRow.trigger_uid == trigger_uid,
                FiringRow.namespace == namespace,
                FiringRow.slot.is_not(None),
            )
            .order_by(FiringRow.slot)
            .limit(MAX_SLOTS)
        )
        if after is not None:
            statement = statement.where(FiringRow.slot > after)
        async with self._database.reading() as connection:
            return [slot for slot in (await connection.execute(statement)).scalars() if slot is not None]

    async def of_trigger(self, trigger_uid: str, limit: int) -> list[Firing]:
        """The newest firings of a trigger, newest first."""
        columns = [getattr(FiringRow, name) for name in Firing.__dataclass_fields__]
        statement = (
            select(*columns)
            .where(FiringRow.trigger_uid == trigger_uid)
            .order_by(FiringRow.id.desc())
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return [Firing(*row) for row in await connection.execute(statement)]

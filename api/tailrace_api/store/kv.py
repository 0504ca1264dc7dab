"""Key-value entries, by namespace."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from tailrace_api.store.base import Base, Json, Utc, insert
from tailrace_api.store.database import Database


class KvRow(Base):
    """One entry; the value is any JSON."""

    __tablename__ = "kv"

    namespace: Mapped[str] = mapped_column(String(63), primary_key=True)
    key: Mapped[str] = mapped_column(String(253), primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
    updated_at: Mapped[datetime] = mapped_column(Utc)


@dataclass(frozen=True)
class KvEntry:
    """One entry as stored."""

    namespace: str
    key: str
    value: Any
    updated_at: datetime


class KeyValues:
    """Sets, reads, lists and deletes entries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, entry: KvEntry) -> None:
        """Set a value, whether or not the key was there."""

        async def operation(connection: AsyncConnection) -> None:
            statement = insert(connection, KvRow).values(vars(entry))
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["namespace", "key"],
                    set_={"value": statement.excluded.value, "updated_at": statement.excluded.updated_at},
                )
            )

        await self._database.write(operation)

    async def get(self, namespace: str, key: str) -> KvEntry | None:
        """One entry, or None."""
        statement = select(KvRow.namespace, KvRow.key, KvRow.value, KvRow.updated_at).where(
            KvRow.namespace == namespace, KvRow.key == key
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).first()
        return KvEntry(*row) if row is not None else None

    async def keys(self, namespace: str, after: str, limit: int) -> list[str]:
        """Keys of a namespace in ascending order, those after `after`."""
        statement = (
            select(KvRow.key)
            .where(KvRow.namespace == namespace, KvRow.key > after)
            .order_by(KvRow.key)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return list((await connection.execute(statement)).scalars())

    async def delete(self, namespace: str, key: str) -> bool:
        """Remove an entry; whether it was there."""

        async def operation(connection: AsyncConnection) -> bool:
            statement = delete(KvRow).where(KvRow.namespace == namespace, KvRow.key == key)
            return (await connection.execute(statement)).rowcount > 0

        return await self._database.write(operation)

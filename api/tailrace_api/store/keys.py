"""Which encryption keys have been used, so that a lost or exchanged key is noticed at the next start."""

from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from tailrace_api.store.base import Base, Utc, insert
from tailrace_api.store.database import Database


class KeyRow(Base):
    """The id of a key (a fingerprint, from which the key cannot be had) and when it was first used."""

    __tablename__ = "encryption_keys"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    first_used_at: Mapped[datetime] = mapped_column(Utc)


class Keys:
    """Remembers and lists keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remember(self, identifier: str, now: datetime) -> None:
        """This key is about to encrypt something."""

        async def operation(connection: AsyncConnection) -> None:
            row = {"id": identifier, "first_used_at": now}
            await connection.execute(insert(connection, KeyRow).values(row).on_conflict_do_nothing())

        await self._database.write(operation)

    async def used(self) -> set[str]:
        """Ids of all keys that have ever encrypted something."""
        async with self._database.reading() as connection:
            return set((await connection.execute(select(KeyRow.id))).scalars())

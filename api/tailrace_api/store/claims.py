"""When each Run's claimant was last heard of."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from tailrace_api.store.base import Base, Utc, insert
from tailrace_api.store.database import Database


class ClaimRow(Base):
    """The last renewal of a Run's claim."""

    __tablename__ = "claims"

    run_uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    pod_uid: Mapped[str] = mapped_column(String(64))
    renewed_at: Mapped[datetime] = mapped_column(Utc, index=True)


@dataclass(frozen=True)
class Renewal:
    """Which pod renewed, and when."""

    pod_uid: str
    renewed_at: datetime


class Claims:
    """Renews and reads claims."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def renew(self, run_uid: str, pod_uid: str, now: datetime) -> None:
        """This pod still executes the Run."""

        async def operation(connection: AsyncConnection) -> None:
            values = {"run_uid": run_uid, "pod_uid": pod_uid, "renewed_at": now}
            statement = insert(connection, ClaimRow).values(values)
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["run_uid"], set_={"pod_uid": pod_uid, "renewed_at": now}
                )
            )

        await self._database.write(operation)

    async def renewals(self) -> dict[str, Renewal]:
        """The last renewal of every Run that is being executed, by the Run's UID."""
        statement = select(ClaimRow.run_uid, ClaimRow.pod_uid, ClaimRow.renewed_at)
        async with self._database.reading() as connection:
            return {uid: Renewal(pod, at) for uid, pod, at in await connection.execute(statement)}

    async def forget(self, run_uid: str) -> None:
        """The Run has ended."""

        async def operation(connection: AsyncConnection) -> None:
            await connection.execute(delete(ClaimRow).where(ClaimRow.run_uid == run_uid))

        await self._database.write(operation)

    async def forget_before(self, moment: datetime) -> None:
        """Drop what was last renewed before; Runs that vanished without an archive leave such rows."""

        async def operation(connection: AsyncConnection) -> None:
            await connection.execute(delete(ClaimRow).where(ClaimRow.renewed_at < moment))

        await self._database.write(operation)

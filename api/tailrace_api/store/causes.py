"""What has started a Run already: a repeated request or delivery finds the Run that the first one made."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from tailrace_api.store.base import Base, Utc, insert
from tailrace_api.store.database import Database


class CauseRow(Base):
    """One cause; `run_uid` is set once the Run exists."""

    __tablename__ = "causes"

    namespace: Mapped[str] = mapped_column(String(63), primary_key=True)
    flow: Mapped[str] = mapped_column(String(253), primary_key=True)
    cause: Mapped[str] = mapped_column(String(253), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    run_uid: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(Utc, index=True)


@dataclass(frozen=True)
class Cause:
    """What was asked with this cause, and the Run that came of it, where there is one already."""

    request_hash: str
    run_uid: str | None


class Causes:
    """Reserves causes and remembers their Runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(
        self, namespace: str, flow: str, cause: str, request_hash: str, *, now: datetime, expires_at: datetime
    ) -> Cause | None:
        """Take a cause: None where it is new (or its time was over), else what the first request left."""

        async def operation(connection: AsyncConnection) -> Cause | None:
            key = (CauseRow.namespace == namespace, CauseRow.flow == flow, CauseRow.cause == cause)
            await connection.execute(delete(CauseRow).where(*key, CauseRow.expires_at <= now))
            values = {
                "namespace": namespace,
                "flow": flow,
                "cause": cause,
                "request_hash": request_hash,
                "run_uid": None,
                "expires_at": expires_at,
            }
            statement = insert(connection, CauseRow).values(values).on_conflict_do_nothing()
            if (await connection.execute(statement)).rowcount:
                return None
            found = await connection.execute(select(CauseRow.request_hash, CauseRow.run_uid).where(*key))
            return Cause(*found.one())

        return await self._database.write(operation)

    async def settle(self, namespace: str, flow: str, cause: str, run_uid: str) -> None:
        """The cause has made this Run."""

        async def operation(connection: AsyncConnection) -> None:
            statement = update(CauseRow).where(
                CauseRow.namespace == namespace, CauseRow.flow == flow, CauseRow.cause == cause
            )
            await connection.execute(statement.values(run_uid=run_uid))

        await self._database.write(operation)

    async def release(self, namespace: str, flow: str, cause: str) -> None:
        """No Run came of it: the same cause may try again."""

        async def operation(connection: AsyncConnection) -> None:
            statement = delete(CauseRow).where(
                CauseRow.namespace == namespace,
                CauseRow.flow == flow,
                CauseRow.cause == cause,
                CauseRow.run_uid.is_(None),
            )
            await connection.execute(statement)

        await self._database.write(operation)

    async def expire(self, now: datetime) -> int:
        """Forget the causes whose time is over; returns how many."""

        async def operation(connection: AsyncConnection) -> int:
            return (await connection.execute(delete(CauseRow).where(CauseRow.expires_at <= now))).rowcount

        return await self._database.write(operation)

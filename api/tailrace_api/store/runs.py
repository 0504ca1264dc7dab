"""Runs that have ended, as they were when they ended."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from tailrace_api.store.base import Base, Json, Utc, insert
from tailrace_api.store.database import Database


class RunRow(Base):
    """One archived Run: the object, what lists show of it, and what they are sorted and filtered by."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(None, "created_at", "uid"),
        Index(None, "namespace", "name"),
        Index(None, "flow_id", "created_at"),
    )

    uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), index=True)
    namespace: Mapped[str] = mapped_column(String(63))
    name: Mapped[str] = mapped_column(String(253))
    flow: Mapped[str] = mapped_column(String(253))
    flow_id: Mapped[str | None] = mapped_column(String(64))
    phase: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(Utc)
    archived_at: Mapped[datetime] = mapped_column(Utc)
    summary: Mapped[Any] = mapped_column(Json)
    object: Mapped[Any] = mapped_column(Json)


@dataclass(frozen=True)
class ArchivedRun:
    """A Run to be kept; `summary` is the object as the caches project it."""

    uid: str
    id: str
    namespace: str
    name: str
    flow: str
    flow_id: str | None
    phase: str
    created_at: datetime
    summary: dict[str, Any]
    object: dict[str, Any]


@dataclass(frozen=True)
class Archived:
    """One line of a list: the summary, and the flow's id as it was."""

    summary: dict[str, Any]
    flow_id: str | None


class Archive:
    """Keeps and reads ended Runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, run: ArchivedRun, now: datetime) -> None:
        """Keep a Run; a repeat replaces."""
        row = {**vars(run), "archived_at": now}
        changed = {key: value for key, value in row.items() if key not in {"uid", "flow_id"}}
        if run.flow_id is not None:
            changed["flow_id"] = run.flow_id

        async def operation(connection: AsyncConnection) -> None:
            statement = insert(connection, RunRow).values(row)
            await connection.execute(statement.on_conflict_do_update(index_elements=["uid"], set_=changed))

        await self._database.write(operation)

    async def get(self, identifier: str) -> tuple[dict[str, Any], str | None] | None:
        """The whole object and the flow's id, by the Run's id or UID."""
        statement = select(RunRow.object, RunRow.flow_id).where(
            or_(RunRow.id == identifier, RunRow.uid == identifier)
        )
        return await self._one(statement)

    async def named(self, namespace: str, name: str) -> tuple[dict[str, Any], str | None] | None:
        """The newest Run of this name."""
        statement = (
            select(RunRow.object, RunRow.flow_id)
            .where(RunRow.namespace == namespace, RunRow.name == name)
            .order_by(RunRow.created_at.desc())
            .limit(1)
        )
        return await self._one(statement)

    async def newest(
        self,
        namespaces: Collection[str],
        *,
        before: tuple[datetime, str] | None,
        limit: int,
        flow_id: str | None = None,
        phases: Collection[str] | None = None,
    ) -> list[Archived]:
        """Runs of these namespaces, newest first, those that were created before `before` (time, UID)."""
        statement = select(RunRow.summary, RunRow.flow_id).where(RunRow.namespace.in_(namespaces))
        if before is not None:
            moment, uid = before
            older = or_(RunRow.created_at < moment, and_(RunRow.created_at == moment, RunRow.uid < uid))
            statement = statement.where(older)
        if flow_id is not None:
            statement = statement.where(RunRow.flow_id == flow_id)
        if phases is not None:
            statement = statement.where(RunRow.phase.in_(phases))
        statement = statement.order_by(RunRow.created_at.desc(), RunRow.uid.desc()).limit(limit)
        async with self._database.reading() as connection:
            return [Archived(*row) for row in await connection.execute(statement)]

    async def _one(self, statement: Any) -> tuple[dict[str, Any], str | None] | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).first()
        return (row[0], row[1]) if row is not None else None

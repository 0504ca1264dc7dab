"""Outputs too large for a journal entry, in pieces, so that neither side holds one whole in memory."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import uuid4

from sqlalchemy import BigInteger, Integer, LargeBinary, String, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from tailrace_api.store.base import Base, Utc, insert
from tailrace_api.store.database import Database

PIECE = 256 * 1024


class OutputRow(Base):
    """The finished upload that holds a task's output."""

    __tablename__ = "outputs"

    run_uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    task: Mapped[str] = mapped_column(String(128), primary_key=True)
    upload: Mapped[str] = mapped_column(String(32), index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(Utc)


class PieceRow(Base):
    """One piece of an upload; without an `outputs` row that names the upload it is a leftover."""

    __tablename__ = "output_pieces"

    upload: Mapped[str] = mapped_column(String(32), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Utc, index=True)


class Outputs:
    """Writes and reads outputs as streams of bytes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, run_uid: str, task: str, data: AsyncIterator[bytes], now: datetime) -> int:
        """Store a whole stream, in place of an earlier one; returns its bytes.

        Readers see the old output until the new one is complete. Whatever the stream raises is passed on, and
        nothing of it stays.
        """
        upload = uuid4().hex
        size = 0
        try:
            async for position, piece in _pieces(data):
                await self._add_piece(upload, position, piece, now)
                size += len(piece)
        except BaseException:
            await self._drop(upload)
            raise
        await self._finish(run_uid, task, upload, size, now)
        return size

    async def size(self, run_uid: str, task: str) -> int | None:
        """Bytes of an output, or None where there is none."""
        statement = select(OutputRow.size).where(OutputRow.run_uid == run_uid, OutputRow.task == task)
        async with self._database.reading() as connection:
            return (await connection.execute(statement)).scalar()

    async def read(self, run_uid: str, task: str) -> AsyncIterator[bytes]:
        """The pieces of an output; none where there is no such output."""
        async with self._database.reading() as connection:
            statement = select(OutputRow.upload).where(OutputRow.run_uid == run_uid, OutputRow.task == task)
            upload = (await connection.execute(statement)).scalar()
        position = 0
        while upload is not None:
            piece = await self._piece(upload, position)
            if piece is None:
                return
            yield piece
            position += 1

    async def drop_leftovers(self, before: datetime) -> None:
        """Remove the pieces of uploads that never finished and began before this moment."""
        finished = select(OutputRow.upload)

        async def operation(connection: AsyncConnection) -> None:
            statement = delete(PieceRow).where(PieceRow.created_at < before, PieceRow.upload.not_in(finished))
            await connection.execute(statement)

        await self._database.write(operation)

    async def _piece(self, upload: str, position: int) -> bytes | None:
        statement = select(PieceRow.data).where(PieceRow.upload == upload, PieceRow.position == position)
        async with self._database.reading() as connection:
            return (await connection.execute(statement)).scalar()

    async def _add_piece(self, upload: str, position: int, piece: bytes, now: datetime) -> None:
        row = {"upload": upload, "position": position, "data": piece, "created_at": now}

        async def operation(connection: AsyncConnection) -> None:
            await connection.execute(insert(connection, PieceRow).values(row).on_conflict_do_nothing())

        await self._database.write(operation)

    async def _finish(self, run_uid: str, task: str, upload: str, size: int, now: datetime) -> None:
        row = {"run_uid": run_uid, "task": task, "upload": upload, "size": size, "created_at": now}
        key = (OutputRow.run_uid == run_uid, OutputRow.task == task)

        async def operation(connection: AsyncConnection) -> None:
            replaced = select(OutputRow.upload).where(*key, OutputRow.upload != upload).scalar_subquery()
            await connection.execute(delete(PieceRow).where(PieceRow.upload == replaced))
            statement = insert(connection, OutputRow).values(row)
            changed = {"upload": upload, "size": size, "created_at": now}
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["run_uid", "task"], set_=changed)
            )

        await self._database.write(operation)

    async def _drop(self, upload: str) -> None:
        async def operation(connection: AsyncConnection) -> None:
            await connection.execute(delete(PieceRow).where(PieceRow.upload == upload))

        await self._database.write(operation)


async def _pieces(data: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    """The stream cut anew into pieces of one size."""
    buffer = bytearray()
    position = 0
    async for chunk in data:
        buffer += chunk
        while len(buffer) >= PIECE:
            yield position, bytes(buffer[:PIECE])
            del buffer[:PIECE]
            position += 1
    if buffer:
        yield position, bytes(buffer)

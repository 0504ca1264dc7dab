"""The durable record of ended tasks, with group commit.

Entries that come while a request is on its way go together in the next one: a flow of many short tasks pays
for few round trips, and a single task waits for no timer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

Entry = dict[str, Any]
MAX_ENTRIES = 200
MAX_BYTES = 512 * 1024


class Journal:
    """Entries on their way to the store."""

    def __init__(self, send: Callable[[list[Entry]], Awaitable[None]]) -> None:
        self._send = send
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._sender: asyncio.Task[None] | None = None

    def record(self, entry: Entry) -> asyncio.Future[None]:
        """Put an entry on its way; the future is done once it is durable."""
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, durable))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._drain())
        return durable

    async def flush(self) -> None:
        """Returns once every entry so far is durable."""
        if self._sender is not None:
            await asyncio.shield(self._sender)

    def close(self) -> None:
        """Give up what is not durable yet."""
        if self._sender is not None:
            self._sender.cancel()

    def _next_group(self) -> "list[tuple[Entry, asyncio.Future[None]]]":
        size = count = 0
        while count < min(len(self._waiting), MAX_ENTRIES) and size < MAX_BYTES:
            size += len(orjson.dumps(self._waiting[count][0]))
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _drain(self) -> None:
        while self._waiting:
            group = self._next_group()
            try:
                await self._send([entry for entry, _ in group])
            except Exception as error:
                for _, durable in group:
                    if not durable.done():
                        durable.set_exception(error)
                        durable.exception()  # a pure task's end is awaited by no one
                raise
            for _, durable in group:
                if not durable.done():
                    durable.set_result(None)

"""The log of a Run as it grows, until the Run has ended and every line was given out."""

import asyncio
from collections.abc import AsyncGenerator

from tailrace_api.cluster.cache import Cache, Object
from tailrace_api.core.errors import Unavailable
from tailrace_api.store.logs import START, LogLine, Logs
from tailrace_crds.phases import is_terminal

PAGE = 500
POLL_SECONDS = 1.0
"""How often to look unasked: another replica's lines wake nobody here."""

QUIET_SECONDS = 0.5
"""After the end, so long without a line means that there is none to come."""


class LogStreams:
    """Follows logs. A reader holds one page in memory, and its own slowness delays nobody else."""

    def __init__(self, logs: Logs, runs: Cache, limit: int) -> None:
        self._logs = logs
        self._runs = runs
        self._limit = limit
        self._open = 0
        runs.listeners.append(self._on_change)

    async def follow(self, run_uid: str) -> AsyncGenerator[list[LogLine]]:
        """Pages of lines, none of them empty; ends once the Run has ended and all was given out."""
        if self._open >= self._limit:
            raise Unavailable(
                "too_many_streams", f"{self._limit} log streams are open: close one, or try later"
            )
        self._open += 1
        news = self._logs.subscribe(run_uid)
        position, quiet = START, False
        try:
            while True:
                news.clear()
                ended = self._ended(run_uid)
                lines = await self._logs.after(run_uid, position, PAGE)
                if lines:
                    position, quiet = (lines[-1].run_attempt, lines[-1].seq), False
                    yield lines
                elif ended and quiet:
                    return
                elif ended:
                    quiet = True
                    await asyncio.sleep(QUIET_SECONDS)
                else:
                    await _wait(news, POLL_SECONDS)
        finally:
            self._open -= 1
            self._logs.unsubscribe(run_uid, news)

    def _on_change(self, _old: Object | None, new: Object | None) -> None:
        if new is not None and is_terminal(new["status"].get("phase")):
            self._logs.wake(new["metadata"]["uid"])

    def _ended(self, run_uid: str) -> bool:
        item = self._runs.by_uid(run_uid)
        return item is None or is_terminal(item["status"].get("phase"))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return

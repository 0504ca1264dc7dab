"""Log lines: to the pod's standard output at once, to the store in batches.

Memory is bounded: while the store cannot be reached, the newest lines beyond the bound are dropped from what
is shipped, and a line says how many. The pod's own output has them all.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from tailrace_runner.errors import ServerError
from tailrace_runner.redaction import Redactor
from tailrace_runner.text import cut

MAX_LINE = 16 * 1024
MAX_BUFFERED = 4 * 1024 * 1024
MAX_BATCH = 256 * 1024
MAX_BATCH_LINES = 1000
DELAY = 0.1

Line = dict[str, Any]


class Log:
    """Takes lines; `write` never blocks and never fails."""

    def __init__(
        self, redactor: Redactor, now: Callable[[], str], emit: Callable[[Line], None] | None = None
    ) -> None:
        self._redactor = redactor
        self._now = now
        self._emit = emit or _to_stdout
        self._buffer: deque[Line] = deque()
        self._bytes = 0
        self._dropped = 0
        self._seq = 0
        self._filled = asyncio.Event()
        self._hurry = asyncio.Event()
        self._shipped = asyncio.Event()
        self._shipped.set()

    def write(
        self, message: str, level: str = "info", task: str | None = None, attempt: int | None = None
    ) -> None:
        """One line. Redacted first, cut afterwards: half a secret would not be recognised."""
        line: Line = {"time": self._now(), "level": level}
        if task is not None:
            line |= {"task": task, "attempt": attempt or 1}
        line["message"] = cut(self._redactor.text(message), MAX_LINE)
        self._emit(line)
        self._keep(line)

    async def ship(self, send: Callable[[list[Line]], Awaitable[None]]) -> None:
        """Send what is written, until cancelled; a batch that the store refuses counts as missing lines."""
        while True:
            await self._filled.wait()
            await self._linger()
            batch = self._take()
            try:
                await send(batch)
            except ServerError:
                self._dropped += len(batch)
            if not self._buffer:
                self._filled.clear()
                self._shipped.set()

    async def flush(self, seconds: float) -> bool:
        """Wait until all lines are shipped, for so long at the most; whether they are."""
        self._hurry.set()
        try:
            async with asyncio.timeout(seconds):
                await self._shipped.wait()
        except TimeoutError:
            return False
        finally:
            self._hurry.clear()
        return True

    async def _linger(self) -> None:
        """Give further lines the time to join, unless someone waits."""
        if self._bytes >= MAX_BATCH:
            return
        try:
            async with asyncio.timeout(DELAY):
                await self._hurry.wait()
        except TimeoutError:
            return

    def _keep(self, line: Line) -> None:
        size = len(line["message"]) + 100
        if self._bytes + size > MAX_BUFFERED:
            self._dropped += 1
            return
        if self._dropped:
            lost = f"{self._dropped} lines are missing here: the store could not take them in time"
            self._append({"time": line["time"], "level": "warning", "message": lost})
            self._dropped = 0
        self._append(line)

    def _append(self, line: Line) -> None:
        self._seq += 1
        self._buffer.append({**line, "seq": self._seq})
        self._bytes += len(line["message"]) + 100
        self._shipped.clear()
        self._filled.set()

    def _take(self) -> list[Line]:
        batch: list[Line] = []
        size = 0
        while self._buffer and len(batch) < MAX_BATCH_LINES and size < MAX_BATCH:
            line = self._buffer.popleft()
            size += len(line["message"]) + 100
            batch.append(line)
        self._bytes -= size
        return batch


def _to_stdout(line: Line) -> None:
    sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
    sys.stdout.buffer.flush()

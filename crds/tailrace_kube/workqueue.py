"""A queue of keys for level-based work: one key is handled by one worker at a time, and never forgotten."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import structlog

from tailrace_kube.errors import KubeError

Key = TypeVar("Key", bound=Hashable)

FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 30.0

log = structlog.get_logger(__name__)


class WorkQueue(Generic[Key]):
    """Keys to be looked at; one added twice is handled once, one added while handled once more."""

    def __init__(
        self,
        name: str,
        observe: Callable[[float], None] | None = None,
        *,
        expected: tuple[type[Exception], ...] = (KubeError,),
    ) -> None:
        """`observe` is told how long each key took; failures of `expected` are logged without a traceback."""
        self.name = name
        self._expected = expected
        self._observe = observe
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._waiting: dict[Key, float] = {}
        self._active: dict[Key, float] = {}
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}

    def __len__(self) -> int:
        """How many keys wait to be handled now (not those of a later time)."""
        return len(self._waiting)

    @property
    def oldest(self) -> float:
        """Seconds that the key waiting or being handled longest has been so; 0 where there is none."""
        since = [next(iter(group.values())) for group in (self._waiting, self._active) if group]
        return time.monotonic() - min(since) if since else 0.0

    @property
    def stuck(self) -> float:
        """Seconds for which the key being handled longest has been so; 0 where none is."""
        return time.monotonic() - next(iter(self._active.values())) if self._active else 0.0

    def add(self, key: Key) -> None:
        """Have the key handled as soon as a worker is free."""
        if key in self._active:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting[key] = time.monotonic()
            self._ready.put_nowait(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Have the key handled after so many seconds; of several times the earliest counts."""
        if seconds <= 0:
            self.add(key)
            return
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= loop.time() + seconds:
                return
            timer.cancel()
        self._timers[key] = loop.call_later(seconds, self._due, key)

    async def run(self, handle: Callable[[Key], Awaitable[float | None]], workers: int) -> None:
        """Handle keys until cancelled.

        `handle` returns the seconds after which it wants the key again, or None; where it raises, the key
        comes again after a pause that doubles with every failure.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(handle))

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)

    async def _work(self, handle: Callable[[Key], Awaitable[float | None]]) -> None:
        while True:
            key = await self._ready.get()
            self._waiting.pop(key, None)
            self._active[key] = time.monotonic()
            again: float | None = None
            try:
                again = await handle(key)
            except Exception as error:  # noqa: BLE001 - whatever went wrong, the key must come again
                again = self._backoff(key, error)
            else:
                self._failures.pop(key, None)
            finally:
                started = self._active.pop(key)
            if self._observe is not None:
                self._observe(time.monotonic() - started)
            if again is not None:
                self.add_after(key, again)
            if key in self._again:
                self._again.discard(key)
                self.add(key)

    def _backoff(self, key: Key, error: Exception) -> float:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        pause = min(FIRST_BACKOFF * 2.0 ** min(failures, 30), LONGEST_BACKOFF) * random.uniform(0.8, 1.2)  # noqa: S311
        log.warning(
            "work failed",
            queue=self.name,
            key=str(key),
            error=str(error),
            again_in=round(pause, 2),
            exc_info=failures == 0 and not isinstance(error, self._expected),
        )
        return pause

"""Who is due next."""

import heapq
from collections.abc import Hashable
from datetime import datetime
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class DueTimes(Generic[Key]):
    """Keys by the time at which they are due; each has one time."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Key]] = []
        self._times: dict[Key, datetime] = {}
        self._count = 0

    def __len__(self) -> int:
        """How many keys have a time."""
        return len(self._times)

    def set(self, key: Key, due: datetime | None) -> None:
        """Give a key another time; None: none."""
        if due is None:
            self._times.pop(key, None)
            return
        if self._times.get(key) == due:
            return
        self._times[key] = due
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, key))

    def first(self) -> datetime | None:
        """The earliest time."""
        while self._heap and self._times.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: datetime) -> list[Key]:
        """Take the keys whose time has come, earliest first."""
        due = []
        while (first := self.first()) is not None and first <= now:
            key = heapq.heappop(self._heap)[2]
            del self._times[key]
            due.append(key)
        return due

"""Schedules: cron expressions in a time zone, their slots, and who is due next."""

import heapq
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
FIELDS = 5

Key = TypeVar("Key", bound=Hashable)


class ScheduleError(ValueError):
    """A schedule that can never fire; the message names the field and what would be right."""


@dataclass(frozen=True)
class Schedule:
    """When a trigger fires. Slots are in UTC.

    A local time that a change to summer time skips fires right after it; one that comes twice fires once,
    unless the hour is a wildcard.
    """

    cron: str
    zone: ZoneInfo

    @classmethod
    def parse(cls, cron: str, time_zone: str = "UTC") -> "Schedule":
        """From a trigger's `cron` and `timeZone`; ScheduleError."""
        expression = cron.strip()
        if expression.startswith("@"):
            if expression not in ALIASES:
                known = ", ".join(ALIASES)
                raise ScheduleError(f"spec.schedule.cron: {cron!r} is none of {known}")
            expression = ALIASES[expression]
        if len(expression.split()) != FIELDS:
            raise ScheduleError(
                f"spec.schedule.cron: {cron!r} should have five fields "
                "(minute, hour, day of month, month, day of week), such as '*/15 8-18 * * 1-5'"
            )
        try:
            zone = ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ScheduleError(
                f"spec.schedule.timeZone: {time_zone!r} should be an IANA name, such as Europe/Berlin"
            ) from None
        try:
            CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise ScheduleError(f"spec.schedule.cron: {cron!r}: {error}") from None
        return cls(expression, zone)

    def following(self, after: datetime) -> Iterator[datetime]:
        """The slots later than `after`, ascending; ends where there is none in the next fifty years."""
        for slot in CronSim(self.cron, after.astimezone(self.zone)):
            yield slot.astimezone(UTC)

    def next(self, after: datetime) -> datetime | None:
        """The first slot later than `after`."""
        return next(self.following(after), None)

    def between(self, after: datetime, until: datetime, limit: int) -> tuple[list[datetime], bool]:
        """The newest `limit` slots with after < slot <= until, ascending; and whether there were more."""
        start, more = after, False
        # Backwards only to find where to begin: around a change of the clocks only forwards is exact.
        for earlier in islice(CronSim(self.cron, until.astimezone(self.zone), reverse=True), limit + 1, None):
            if earlier.astimezone(UTC) > after:
                start, more = earlier.astimezone(UTC), True
            break
        slots = []
        for slot in self.following(start):
            if slot > until:
                break
            slots.append(slot)
        return slots[-limit:], more or len(slots) > limit


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

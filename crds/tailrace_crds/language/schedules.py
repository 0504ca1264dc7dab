"""Schedules: cron expressions in a time zone, and their slots. No clock: whoever asks says when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from tailrace_crds.language.problems import Problem

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
_ANY_TIME = datetime(2024, 1, 1, tzinfo=UTC)


class ScheduleError(ValueError):
    """A schedule that can never fire; `problems` name its fields and say what would be right."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


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
        found = [*_cron_problems(cron), *_zone_problems(time_zone)]
        if found:
            raise ScheduleError(found)
        return cls(_expression(cron), ZoneInfo(time_zone))

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


def problems(cron: str, time_zone: str = "UTC") -> list[Problem]:
    """What is wrong with a schedule; the paths are `cron` and `timeZone`."""
    try:
        Schedule.parse(cron, time_zone)
    except ScheduleError as error:
        return error.problems
    return []


def _expression(cron: str) -> str:
    return ALIASES.get(cron.strip(), cron.strip())


def _cron_problems(cron: str) -> list[Problem]:
    expression = _expression(cron)
    if expression.startswith("@"):
        return [Problem("cron", f"{cron!r} is none of {', '.join(ALIASES)}")]
    if len(expression.split()) != FIELDS:
        fields = "minute, hour, day of month, month, day of week"
        return [Problem("cron", f"{cron!r} should have five fields ({fields}), such as '*/15 8-18 * * 1-5'")]
    try:
        slots = CronSim(expression, _ANY_TIME)
    except CronSimError as error:
        return [Problem("cron", f"{cron!r}: {error}")]
    if next(slots, None) is None:
        return [Problem("cron", f"{cron!r} has no day on which it fires")]
    return []


def _zone_problems(name: str) -> list[Problem]:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [Problem("timeZone", f"{name!r} should be an IANA name, such as Europe/Berlin")]
    return []

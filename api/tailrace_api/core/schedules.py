"""Whether a schedule can ever fire: its cron expression and its time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from tailrace_crds.language.problems import Problem

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
FIELDS = 5
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def problems(cron: str, time_zone: str) -> list[Problem]:
    """What is wrong with a schedule; paths are those of its two fields."""
    found = []
    if not _can_come_true(ALIASES.get(cron, cron)):
        aliases = ", ".join(ALIASES)
        message = f"must be five cron fields that can come true, such as '*/5 * * * *', or one of {aliases}"
        found.append(Problem("cron", message))
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        found.append(Problem("timezone", "must be an IANA time zone, such as Europe/Berlin"))
    return found


def _can_come_true(expression: str) -> bool:
    if len(expression.split()) != FIELDS:
        return False
    try:
        next(CronSim(expression, _ANY_TIME))
    except (CronSimError, StopIteration, ValueError):
        return False
    return True

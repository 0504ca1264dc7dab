"""Whether a Trigger's schedule can ever fire, in the operator's words."""

from datetime import UTC, datetime
from typing import Any
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
CRON, ZONE = "spec.schedule.cron", "spec.schedule.timeZone"


def check(schedule: dict[str, Any]) -> list[Problem]:
    """What is wrong with `cron` and `timeZone`."""
    return [*_cron(schedule["cron"]), *_zone(schedule.get("timeZone", "UTC"))]


def _cron(cron: str) -> list[Problem]:
    expression = cron.strip()
    if expression.startswith("@") and expression not in ALIASES:
        return [Problem(CRON, f"{cron!r} is none of {', '.join(ALIASES)}")]
    expression = ALIASES.get(expression, expression)
    if len(expression.split()) != FIELDS:
        fields = "minute, hour, day of month, month, day of week"
        return [Problem(CRON, f"{cron!r} should have five fields ({fields}), such as '*/15 8-18 * * 1-5'")]
    try:
        slots = CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        return [Problem(CRON, f"{cron!r}: {error}")]
    if next(slots, None) is None:
        return [Problem(CRON, f"{cron!r} has no day on which it fires")]
    return []


def _zone(name: str) -> list[Problem]:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [Problem(ZONE, f"{name!r} should be an IANA name, such as Europe/Berlin")]
    return []

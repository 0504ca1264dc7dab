from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from tailrace_crds.language.schedules import ALIASES, Schedule, ScheduleError, problems


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def slots(cron: str, zone: str, after: str, count: int) -> list[str]:
    found = islice(Schedule.parse(cron, zone).following(at(after)), count)
    return [slot.strftime("%m-%dT%H:%MZ") for slot in found]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        pytest.param(
            "*/15 * * * *", "UTC", "2026-03-25T10:07:00Z", ["03-25T10:15Z", "03-25T10:30Z"], id="quarters"
        ),
        pytest.param(
            "*/15 * * * *", "UTC", "2026-03-25T10:15:00Z", ["03-25T10:30Z"], id="a slot is not its own next"
        ),
        pytest.param(
            "0 8 * * 1-5", "Europe/Berlin", "2026-03-27T12:00:00Z", ["03-30T06:00Z"], id="weekdays, over DST"
        ),
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            ["03-29T01:00Z", "03-30T00:30Z"],
            id="skipped hour: right after",
        ),
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            ["10-25T00:30Z", "10-26T01:30Z"],
            id="hour twice: once",
        ),
        pytest.param(
            "*/30 * * * *",
            "Europe/Berlin",
            "2026-10-24T23:45:00Z",
            ["10-25T00:00Z", "10-25T00:30Z", "10-25T01:00Z", "10-25T01:30Z"],
            id="wildcard: in both",
        ),
        pytest.param(
            "@daily", "America/New_York", "2026-03-25T10:00:00Z", ["03-26T04:00Z"], id="alias in a zone"
        ),
        pytest.param("0 0 29 2 *", "UTC", "2026-03-01T00:00:00Z", ["02-29T00:00Z"], id="leap day"),
    ],
)
def test_slots(cron: str, zone: str, after: str, expected: list[str]) -> None:
    assert slots(cron, zone, after, len(expected)) == expected


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_every_alias_fires(alias: str) -> None:
    assert Schedule.parse(alias).next(at("2026-01-01T00:00:00Z")) is not None


@pytest.mark.parametrize(
    ("cron", "zone", "says"),
    [
        pytest.param("* * * *", "UTC", "five fields", id="too few"),
        pytest.param("* * * * * *", "UTC", "five fields", id="seconds"),
        pytest.param("61 * * * *", "UTC", "cron: '61 * * * *'", id="no such minute"),
        pytest.param("0 0 30 2 *", "UTC", "cron: '0 0 30 2 *'", id="a day that never comes"),
        pytest.param("", "UTC", "five fields", id="nothing"),
        pytest.param("@fortnightly", "UTC", "@weekly", id="unknown alias"),
        pytest.param("* * * * *", "Europe/Bonn", "timeZone: 'Europe/Bonn'", id="unknown zone"),
        pytest.param("* * * * *", "../../etc/passwd", "IANA", id="a path as zone"),
        pytest.param("* * * * *", "", "IANA", id="empty zone"),
        pytest.param("* * * * *", "a\0b", "IANA", id="a zone with a null"),
    ],
)
def test_what_can_never_fire(cron: str, zone: str, says: str) -> None:
    with pytest.raises(ScheduleError, match=says.replace("*", r"\*")):
        Schedule.parse(cron, zone)


def test_between_excludes_the_start_and_includes_the_end() -> None:
    hourly = Schedule.parse("@hourly")
    found, more = hourly.between(at("2026-01-01T00:00:00Z"), at("2026-01-01T03:00:00Z"), 10)
    assert [slot.hour for slot in found] == [1, 2, 3]
    assert not more


def test_between_keeps_the_newest_of_a_long_absence() -> None:
    minutely = Schedule.parse("* * * * *")
    found, more = minutely.between(at("2025-01-01T00:00:00Z"), at("2026-01-01T00:00:30Z"), 3)
    assert [slot.strftime("%d %H:%M") for slot in found] == ["31 23:58", "31 23:59", "01 00:00"]
    assert more


@pytest.mark.parametrize("limit", [1, 2, 5])
@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-06-01"])
@pytest.mark.parametrize("cron", ["30 2 * * *", "*/20 * * * *", "0 2-3 * * *"])
def test_between_agrees_with_going_forward(cron: str, day: str, limit: int) -> None:
    schedule = Schedule.parse(cron, "Europe/Berlin")
    after, until = at(f"{day}T00:00:00Z") - timedelta(days=1), at(f"{day}T05:00:00Z")
    every = []
    for slot in schedule.following(after):
        if slot > until:
            break
        every.append(slot)
    assert schedule.between(after, until, limit)[0] == every[-limit:]


def test_both_fields_are_named_at_once() -> None:
    assert [problem.path for problem in problems("never", "Mars/Olympus")] == ["cron", "timeZone"]
    assert problems("0 0 29 2 *", "Europe/Berlin") == []

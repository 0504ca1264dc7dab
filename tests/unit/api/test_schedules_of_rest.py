"""Which schedules can ever fire."""

import pytest

from tailrace_api.core import schedules


@pytest.mark.parametrize("cron", ["* * * * *", "*/5 9-17 * * 1-5", "0 0 29 2 *", "@daily", "@hourly"])
def test_right_schedules(cron: str) -> None:
    assert schedules.problems(cron, "Europe/Berlin") == []


@pytest.mark.parametrize("cron", ["", "x", "* * *", "60 * * * *", "0 0 30 2 *", "@reboot", "* * * * * *"])
def test_wrong_expressions(cron: str) -> None:
    assert [problem.path for problem in schedules.problems(cron, "UTC")] == ["cron"]


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "Europe", "x" * 300, "a\0b"])
def test_wrong_time_zones(zone: str) -> None:
    assert [problem.path for problem in schedules.problems("@daily", zone)] == ["timezone"]

from datetime import UTC, datetime, timedelta

import pytest

from tailrace_crds.trigger import FiringResult, MissedPolicy
from tailrace_operator.logic import scheduled
from tailrace_operator.logic.firings import Due, entry, newest, plan

NOW = datetime(2026, 1, 1, 12, 0, 5, tzinfo=UTC)
ON_TIME = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
LATE = [ON_TIME - timedelta(hours=hours) for hours in (3, 2, 1)]


def results(due: list[Due]) -> list[str]:
    return [item.result.value + (f" {item.reason}" if item.reason else "") for item in due]


@pytest.mark.parametrize(
    ("slots", "policy", "limit", "refusal", "expected"),
    [
        pytest.param([ON_TIME], "None", 1, None, ["run"], id="on time, whatever the policy"),
        pytest.param(LATE, "All", 100, None, ["run", "run", "run"], id="all are made up for"),
        pytest.param(
            LATE, "All", 2, None, ["missed MissedLimit", "run", "run"], id="up to the limit, newest first"
        ),
        pytest.param(
            LATE, "Last", 100, None, ["missed MissedPolicyLast", "missed MissedPolicyLast", "run"], id="last"
        ),
        pytest.param(
            [*LATE[-1:], ON_TIME],
            "Last",
            100,
            None,
            ["missed MissedPolicyLast", "run"],
            id="one on time is the last",
        ),
        pytest.param(LATE, "None", 100, None, ["missed MissedPolicyNone"] * 3, id="none"),
        pytest.param(
            [*LATE[-1:], ON_TIME],
            "None",
            100,
            None,
            ["missed MissedPolicyNone", "run"],
            id="none but on time",
        ),
        pytest.param([ON_TIME], "Last", 1, "Suspended", ["skipped Suspended"], id="suspended"),
        pytest.param(
            LATE[-2:],
            "Last",
            1,
            "FlowNotFound",
            ["missed MissedPolicyLast", "skipped FlowNotFound"],
            id="both reasons",
        ),
        pytest.param([], "All", 1, None, [], id="nothing due"),
    ],
)
def test_plan(
    slots: list[datetime], policy: str, limit: int, refusal: str | None, expected: list[str]
) -> None:
    found = plan(slots, MissedPolicy(policy), limit, NOW, refusal=refusal)
    assert results(found) == expected
    assert [item.slot for item in found] == slots, "every slot is accounted for, in order"


def test_half_a_minute_late_is_on_time() -> None:
    slot = NOW - timedelta(seconds=30)
    assert results(plan([slot], MissedPolicy.NONE, 1, NOW, refusal=None)) == ["run"]
    assert results(plan([slot], MissedPolicy.NONE, 1, NOW + timedelta(seconds=1), refusal=None)) == [
        "missed MissedPolicyNone"
    ]


def test_a_line_of_the_ledger() -> None:
    assert entry(Due(ON_TIME, FiringResult.RUN), "nightly-1", NOW) == {
        "time": "2026-01-01T12:00:05Z",
        "slot": "2026-01-01T12:00:00Z",
        "result": "run",
        "run": "nightly-1",
    }


def test_the_status_keeps_the_last_ten() -> None:
    assert newest([{"n": n} for n in range(9)], [{"n": n} for n in range(9, 12)]) == [
        {"n": n} for n in range(2, 12)
    ]


def trigger(**status: object) -> dict[str, object]:
    return {
        "metadata": {
            "name": "nightly",
            "namespace": "team-a",
            "uid": "t",
            "generation": 2,
            "creationTimestamp": "2026-01-01T06:00:00Z",
        },
        "spec": {"flow": "report", "type": "schedule", "schedule": {"cron": "@hourly"}},
        "status": status,
    }


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param({}, "2026-01-01T06:00:00+00:00", id="new: from its creation"),
        pytest.param(
            {"lastSlot": "2026-01-01T09:00:00Z", "observedGeneration": 2},
            "2026-01-01T09:00:00+00:00",
            id="from the last slot",
        ),
        pytest.param(
            {"lastSlot": "2025-01-01T09:00:00Z", "observedGeneration": 2},
            "2026-01-01T06:00:00+00:00",
            id="restored from a backup: never before its creation",
        ),
        pytest.param(
            {"lastSlot": "2026-01-01T09:00:00Z", "observedGeneration": 1},
            NOW.isoformat(),
            id="changed since: from now",
        ),
    ],
)
def test_where_a_schedule_goes_on(status: dict[str, object], expected: str) -> None:
    assert scheduled.position(trigger(**status), NOW) == datetime.fromisoformat(expected)


def test_the_run_of_a_slot() -> None:
    source = trigger()
    source["spec"]["inputs"] = {"day": "{{ trigger.slot }}", "n": 3}  # type: ignore[index]
    run = scheduled.run(source, ON_TIME)
    assert run["metadata"]["name"] == f"nightly-{int(ON_TIME.timestamp()) // 60}"
    assert run["spec"]["inputs"] == {"day": "2026-01-01T12:00:00Z", "n": 3}
    assert run["spec"]["trigger"] == {
        "type": "schedule",
        "name": "nightly",
        "slot": "2026-01-01T12:00:00Z",
        "cause": "2026-01-01T12:00:00Z",
    }


def test_inputs_that_cannot_be_rendered() -> None:
    source = trigger()
    source["spec"]["inputs"] = {"day": "{{ trigger.nothing }}"}  # type: ignore[index]
    with pytest.raises(ValueError, match="nothing"):
        scheduled.run(source, ON_TIME)

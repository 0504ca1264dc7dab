"""What a Run's status says."""

from datetime import UTC, datetime, timedelta

import pytest

from tailrace_crds.phases import RunPhase, TaskPhase
from tailrace_runner import status
from tailrace_runner.engine.state import Result, TaskState

NOW = datetime(2026, 11, 23, 10, 0, 1, 500_000, tzinfo=UTC)
STARTED = NOW - timedelta(milliseconds=1500)


def state(name="a", phase=TaskPhase.SUCCEEDED, **fields):
    return TaskState(name, "util.log", phase, **fields)


def terminal(result, states=(), before=()):
    return status.terminal(result, states, started=STARTED, now=NOW, before=list(before))


def test_counts_and_progress():
    phases = [
        TaskPhase.SUCCEEDED, TaskPhase.FAILED, TaskPhase.TIMED_OUT, TaskPhase.SKIPPED, TaskPhase.CANCELLED,
        TaskPhase.RUNNING, TaskPhase.PENDING,
    ]  # fmt: skip
    found = status.progress([state(str(index), phase) for index, phase in enumerate(phases)])
    assert found["taskCounts"] == {"total": 7, "succeeded": 1, "failed": 2, "skipped": 1, "running": 1}
    assert found["progress"] == "5/7"


def test_the_first_200_in_full_and_all_counted():
    found = status.progress([state(str(index)) for index in range(1000)])
    assert len(found["tasks"]) == 200
    assert found["taskCounts"]["succeeded"] == 1000


def test_a_task_has_only_what_is_known():
    pending, ended = state(phase=TaskPhase.PENDING), state(attempts=2, start_time="s", completion_time="c")
    assert status.progress([pending])["tasks"] == [{"name": "a", "type": "util.log", "phase": "Pending"}]
    assert status.progress([ended])["tasks"][0] == {
        "name": "a",
        "type": "util.log",
        "phase": "Succeeded",
        "attempts": 2,
        "startTime": "s",
        "completionTime": "c",
    }


@pytest.mark.parametrize("message", ["x" * 5000, "ä" * 1000, "€" * 2000], ids=["one byte", "two", "three"])
def test_messages_are_cut_at_1_kib(message):
    (task,) = status.progress([state(message=message)])["tasks"]
    assert len(task["message"].encode()) <= 1024
    assert task["message"].endswith(" … (cut)")
    assert len(terminal(Result(RunPhase.FAILED, "TaskFailed", message))["message"].encode()) <= 1024


@pytest.mark.parametrize(
    ("result", "condition", "reason"),
    [
        pytest.param(Result(RunPhase.SUCCEEDED), "Complete", "Succeeded", id="success"),
        pytest.param(Result(RunPhase.PARTIAL), "Complete", "Succeeded", id="a part of it"),
        pytest.param(Result(RunPhase.FAILED, "TaskFailed", "no"), "Failed", "TaskFailed", id="failure"),
        pytest.param(Result(RunPhase.CANCELLED, "Cancelled", "no"), "Failed", "Cancelled", id="cancel"),
        pytest.param(Result(RunPhase.TIMED_OUT, "TimedOut", "no"), "Failed", "TimedOut", id="timeout"),
    ],
)
def test_the_end(result, condition, reason):
    found = terminal(result, [state()])
    assert found["phase"] == result.phase.value
    assert [(item["type"], item["status"], item["reason"]) for item in found["conditions"]] == [
        (condition, "True", reason)
    ]
    assert (found["completionTime"], found["durationMs"]) == ("2026-11-23T10:00:01.500Z", 1500)
    assert found.get("message", "") == result.message


def test_outputs_stand_in_the_status_or_are_named_there():
    assert terminal(Result(RunPhase.SUCCEEDED, outputs={"n": None}))["outputs"] == {"n": None}
    named = terminal(Result(RunPhase.SUCCEEDED, outputs_ref="store:uid/run.outputs"))
    assert (named["outputsRef"], "outputs" in named) == ("store:uid/run.outputs", False)


def test_large_objects_are_written_less_often():
    assert [status.interval(size) for size in (0, 10_000, 10_001, 10**6)] == [1, 1, 5, 5]

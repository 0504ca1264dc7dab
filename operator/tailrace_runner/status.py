"""The Run's status, told from where its tasks stand. Pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tailrace_crds.phases import RunPhase, TaskPhase
from tailrace_runner.engine.state import ENDED, Result, TaskState, timestamp
from tailrace_runner.text import cut

MAX_TASKS = 200
MAX_MESSAGE = 1024
LARGE = 10_000


def interval(size: int) -> float:
    """Seconds between two writes of an object of so many bytes: a large one costs etcd more."""
    return 5.0 if size > LARGE else 1.0


def progress(states: Iterable[TaskState]) -> dict[str, Any]:
    """The part of the status that changes while tasks run: the first 200 in full, the rest counted."""
    listed = list(states)
    phases = Counter(state.phase for state in listed)
    ended = sum(count for phase, count in phases.items() if phase in ENDED)
    return {
        "tasks": [_task(state) for state in listed[:MAX_TASKS]],
        "taskCounts": {
            "total": len(listed),
            "succeeded": phases[TaskPhase.SUCCEEDED],
            "failed": phases[TaskPhase.FAILED] + phases[TaskPhase.TIMED_OUT],
            "skipped": phases[TaskPhase.SKIPPED],
            "running": phases[TaskPhase.RUNNING],
        },
        "progress": f"{ended}/{len(listed)}",
    }


def terminal(
    result: Result,
    states: Iterable[TaskState],
    *,
    started: datetime,
    now: datetime,
    before: list[dict[str, Any]],
) -> dict[str, Any]:
    """The last status; `before` are the conditions that the Run has."""
    from tailrace_crds import conditions  # at the end: its models would slow every start

    message = cut(result.message, MAX_MESSAGE)
    moment = timestamp(now)
    good = result.phase in {RunPhase.SUCCEEDED, RunPhase.PARTIAL}
    condition = (
        conditions.complete(moment, message) if good else conditions.failed(moment, result.reason, message)
    )
    optional = {
        "reason": result.reason,
        "message": message,
        "outputs": result.outputs,
        "outputsRef": result.outputs_ref,
    }
    return {
        "phase": result.phase.value,
        "conditions": conditions.merge(before, [condition]),
        "completionTime": moment,
        "durationMs": max(0, round((now - started).total_seconds() * 1000)),
        **progress(states),
        **{key: value for key, value in optional.items() if value},
    }


def _task(state: TaskState) -> dict[str, Any]:
    task: dict[str, Any] = {"name": state.name, "type": state.type, "phase": state.phase.value}
    optional = {
        "attempts": state.attempts or None,
        "startTime": state.start_time,
        "completionTime": state.completion_time,
        "message": cut(state.message, MAX_MESSAGE) if state.message else None,
    }
    return task | {key: value for key, value in optional.items() if value is not None}

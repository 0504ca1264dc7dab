"""How a flow ends, told from how its tasks did. Pure."""

from enum import Enum

from tailrace_crds.phases import RunPhase, TaskPhase
from tailrace_runner.engine.plan import TaskPlan
from tailrace_runner.engine.state import Ended, Failure, Result


class Stop(Enum):
    """Why a flow is stopped before its tasks have ended."""

    CANCEL = "the Run was cancelled"
    TIMEOUT = "the flow's timeout was over"


def passes(task: TaskPlan, ended: Ended) -> bool:
    """Whether what needs this task may start.

    A task that its own `when` skipped is passed: its outputs are empty, and what needs it can tell.
    """
    if ended.phase in {TaskPhase.SUCCEEDED, TaskPhase.SKIPPED}:
        return True
    return ended.phase in {TaskPhase.FAILED, TaskPhase.TIMED_OUT} and task.continue_on_error


def failure(task: TaskPlan, ended: Ended) -> Failure | None:
    """The failure of the flow, where this end of a task is one."""
    if ended.phase not in {TaskPhase.FAILED, TaskPhase.TIMED_OUT} or task.continue_on_error:
        return None
    return Failure(task.name, ended.message, ended.reason)


def after_tasks(stop: Stop | None, failed: Failure | None) -> Result:
    """The Run's end as it stands when all tasks have ended, or were stopped."""
    if stop is Stop.CANCEL:
        return Result(RunPhase.CANCELLED, "Cancelled", Stop.CANCEL.value)
    if stop is Stop.TIMEOUT:
        return Result(RunPhase.TIMED_OUT, "TimedOut", Stop.TIMEOUT.value)
    if failed is not None:
        return Result(RunPhase.FAILED, "TaskFailed", f"task {failed.task}: {failed.message}")
    return Result(RunPhase.SUCCEEDED)


def after_hooks(before: Result, failed: Failure | None) -> Result:
    """The Run's end once onFailure and finally are over: their failure fails only what had succeeded."""
    if failed is None or before.phase is not RunPhase.SUCCEEDED:
        return before
    return Result(RunPhase.FAILED, "TaskFailed", f"task {failed.task}: {failed.message}")


def error_of(result: Result, failed: Failure | None) -> Failure | None:
    """What onFailure is run for; None where it is not: a cancelled Run was stopped by its owner."""
    if result.phase is RunPhase.TIMED_OUT:
        return Failure(failed.task if failed else "", result.message, result.reason)
    if result.phase is RunPhase.FAILED:
        return failed or Failure("", result.message, result.reason)
    return None

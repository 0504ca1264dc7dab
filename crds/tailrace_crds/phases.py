"""Where a Run and its tasks can stand; without pydantic, whose import a starting runner cannot wait for."""

from enum import StrEnum
from typing import Any


class RunPhase(StrEnum):
    """The one state machine: every dialect only renames these."""

    QUEUED = "Queued"
    RUNNING = "Running"
    WAITING = "Waiting"
    SUCCEEDED = "Succeeded"
    PARTIAL = "Partial"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    TIMED_OUT = "TimedOut"


TERMINAL_PHASES = frozenset(
    {RunPhase.SUCCEEDED, RunPhase.PARTIAL, RunPhase.FAILED, RunPhase.CANCELLED, RunPhase.TIMED_OUT}
)


class TaskPhase(StrEnum):
    """Where one task of a Run stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    CANCELLED = "Cancelled"
    TIMED_OUT = "TimedOut"


def is_terminal(phase: Any) -> bool:
    """Whether a Run in this phase has ended for good."""
    return phase in TERMINAL_PHASES

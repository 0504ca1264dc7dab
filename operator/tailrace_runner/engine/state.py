"""Where the tasks of a Run stand, how they end, and how the Run ends. Data only."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tailrace_crds.phases import RunPhase, TaskPhase

ENDED = frozenset(TaskPhase) - {TaskPhase.PENDING, TaskPhase.RUNNING}


@dataclass(slots=True)
class TaskState:
    """One task, as it stands now. Times are RFC 3339."""

    name: str
    type: str
    phase: TaskPhase = TaskPhase.PENDING
    attempts: int = 0
    start_time: str | None = None
    completion_time: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a task ended; `reason` is a word for programs, `message` a sentence for people."""

    phase: TaskPhase
    reason: str = ""
    message: str = ""
    outputs: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """What failed the flow; templates of onFailure read it as `error`."""

    task: str
    message: str
    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    """How the Run ended."""

    phase: RunPhase
    reason: str = ""
    message: str = ""
    outputs: dict[str, Any] | None = None
    outputs_ref: str | None = None


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

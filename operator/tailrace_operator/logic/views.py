"""What a decision about a Run looks at: the Run and its attempts, reduced to what matters."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from tailrace_crds.run import is_terminal
from tailrace_operator.logic import times


@dataclass(frozen=True)
class RunView:
    """A Run as stored. `attempt` is that of `assigned`, 0 where no pod was assigned yet."""

    name: str
    uid: str
    created: datetime
    phase: str | None = None
    cancel: bool = False
    deleting: bool = False
    attempt: int = 0
    assigned_uid: str | None = None
    claimed: bool = False
    started: datetime | None = None
    completed: datetime | None = None

    @classmethod
    def of(cls, run: dict[str, Any]) -> Self:
        """From the object, whole or as the informer keeps it."""
        metadata, status = run["metadata"], run.get("status") or {}
        assigned, claim = status.get("assigned") or {}, status.get("claim") or {}
        return cls(
            name=metadata["name"],
            uid=metadata["uid"],
            created=times.parse(metadata["creationTimestamp"]),
            phase=status.get("phase") or None,
            cancel=bool(run["spec"].get("cancel")),
            deleting="deletionTimestamp" in metadata,
            attempt=assigned.get("attempt") or 0,
            assigned_uid=assigned.get("podUID"),
            claimed=bool(assigned) and claim.get("podUID") == assigned.get("podUID"),
            started=times.parse_optional(status.get("startTime")),
            completed=times.parse_optional(status.get("completionTime")),
        )

    @property
    def ended(self) -> bool:
        """Whether nothing will execute it any more."""
        return is_terminal(self.phase)


class AttemptState(StrEnum):
    """What has become of one attempt's Job."""

    ABSENT = "absent"
    """There is no such Job."""
    STARTING = "starting"
    """The Job has no pod that could execute the Run, yet."""
    POD = "pod"
    """The pod is there: the assigned one, or one that can be assigned."""
    POD_GONE = "pod gone"
    """The Job lives, the pod that the Run was assigned to does not."""
    ENDED = "ended"
    """The Job or its pod has ended, whatever the outcome."""


@dataclass(frozen=True)
class Attempt:
    """One Job of a Run; `active` where something of it may still run; `detail` says why it ended or waits."""

    number: int
    state: AttemptState
    job: str
    active: bool = False
    pod: str | None = None
    pod_uid: str | None = None
    created: datetime | None = None
    pod_started: datetime | None = None
    ended: datetime | None = None
    detail: str = ""

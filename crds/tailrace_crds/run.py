"""Run: one execution of a Flow, its state machine, and the claim that says which pod executes it."""

from typing import Annotated

from pydantic import Field

from tailrace_crds.meta import Condition, JsonObject, Model, Observed, ResourceName
from tailrace_crds.phases import TERMINAL_PHASES, RunPhase, TaskPhase, is_terminal

__all__ = [
    "MAX_TASKS_IN_STATUS",
    "TERMINAL_PHASES",
    "Assigned",
    "Claim",
    "RunPhase",
    "RunSpec",
    "RunStatus",
    "RunTrigger",
    "TaskCounts",
    "TaskPhase",
    "TaskStatus",
    "is_terminal",
]

MAX_TASKS_IN_STATUS = 200


class RunTrigger(Model):
    """What started the Run; absent where a person created it with kubectl."""

    type: Annotated[str, Field(max_length=32, description="manual, api, schedule, webhook, …")]
    name: ResourceName | None = None
    slot: Annotated[str, Field(max_length=40, description="The due time of a schedule, RFC 3339.")] | None = (
        None
    )
    cause: (
        Annotated[str, Field(max_length=253, description="A delivery id, a slot or an Idempotency-Key.")]
        | None
    ) = None
    payload: JsonObject | None = None


class RunSpec(Model):
    """What was asked for; immutable but for `cancel`."""

    flow: Annotated[ResourceName, Field(description="The Flow's name, in the same namespace.")]
    inputs: JsonObject = {}
    trigger: RunTrigger | None = None
    retry_of: ResourceName | None = None
    cancel: Annotated[bool, Field(description="Ask the Run to stop; can be set once, never unset.")] = False


class Assigned(Observed):
    """The pod that the operator gave the Run to; only the operator writes it."""

    pod: str
    pod_uid: Annotated[str, Field(alias="podUID")]
    attempt: int


class Claim(Observed):
    """The pod that executes the Run; only that pod writes it, and only where `assigned` names it."""

    pod: str
    pod_uid: Annotated[str, Field(alias="podUID")]
    attempt: int


class TaskStatus(Observed):
    """One task as `kubectl get run -o yaml` shows it; outputs in full are in the store."""

    name: str
    type: str | None = None
    phase: TaskPhase
    attempts: int | None = None
    start_time: str | None = None
    completion_time: str | None = None
    message: str | None = None


class TaskCounts(Observed):
    """All tasks of the Run by outcome, also those beyond the first that `tasks` lists."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    running: int = 0


class RunStatus(Observed):
    """What has happened so far: a projection of the journal in the store."""

    phase: RunPhase | None = None
    conditions: Annotated[list[Condition], Field(max_length=16)] = []
    observed_generation: int | None = None
    revision: Annotated[str | None, Field(description="The ControllerRevision that is executed.")] = None
    attempt: Annotated[int | None, Field(description="How many Jobs this Run has had.")] = None
    launch: Annotated[str | None, Field(description="How it got its pod.")] = None
    assigned: Assigned | None = None
    claim: Claim | None = None
    tasks: Annotated[
        list[TaskStatus],
        Field(max_length=MAX_TASKS_IN_STATUS, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = []
    task_counts: TaskCounts | None = None
    progress: Annotated[str | None, Field(description="Ended tasks of all, such as 2/3.")] = None
    outputs: JsonObject | None = None
    outputs_ref: Annotated[str | None, Field(description="Where outputs over 4 KiB are in the store.")] = None
    reason: str | None = None
    message: str | None = None
    start_time: str | None = None
    completion_time: str | None = None
    duration_ms: int | None = None

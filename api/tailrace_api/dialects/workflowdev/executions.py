"""Executions: Runs, under workflowdev's names for their states."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Query, Response
from pydantic import Field

from tailrace_api.cluster.cache import identifier
from tailrace_api.core.errors import invalid_field
from tailrace_api.core.run_views import Position, RunQuery, RunView
from tailrace_api.core.runs import Cause, Start, Started
from tailrace_api.core.task_views import TaskView
from tailrace_api.dialects.workflowdev.wire import (
    CALLER,
    PREFIX,
    Answer,
    IdempotencyKey,
    Namespace,
    Uses,
    seconds,
)
from tailrace_api.http.parsing import JsonRoute

NEXT_CURSOR = "X-Next-Cursor"
STATUSES = {
    "Queued": "QUEUED",
    "Running": "RUNNING",
    "Waiting": "PAUSED",
    "Succeeded": "SUCCESS",
    "Partial": "SUCCESS",
    "Failed": "FAILED",
    "Cancelled": "CANCELLED",
    "TimedOut": "TIMED_OUT",
}
TASK_STATUSES = STATUSES | {"Pending": "QUEUED", "Skipped": "SKIPPED"}

router = APIRouter(prefix=PREFIX, tags=["executions"], route_class=JsonRoute)


class ExecutionStarted(Answer):
    """The answer to a start."""

    execution_id: str
    status: str
    tasks_total: int


class ExecutionState(Answer):
    """The answer to a cancellation: it is asked for, the status tells when it has happened."""

    execution_id: str
    status: str


class Execution(Answer):
    """One execution; `error` only where something went wrong."""

    id: str
    flow_id: str | None
    status: str
    tasks_total: int
    tasks_executed: int
    started_at: str | None
    finished_at: str | None
    duration_ms: int | None
    error: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None


class TaskAnswer(Answer):
    """One task; `outputs` is JSON as a string, null before the task's end."""

    task_name: str
    task_type: str | None
    status: str
    outputs: str | None
    started_at: str | None
    finished_at: str | None
    error: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None


class ExecutionDetails(Answer):
    """An execution with its tasks."""

    execution: Execution
    tasks: list[TaskAnswer]


@router.post("/flows/{id}/execute", tags=["flows"], summary="Execute a flow")
async def execute_flow(
    uses: Uses,
    id: str,  # noqa: A002 - the documented name of the parameter
    inputs: Annotated[dict[str, Any], Body(default_factory=dict, description="The flow's inputs.")],
    idempotency_key: IdempotencyKey = None,
) -> ExecutionStarted:
    """Start a flow with the body as its inputs; no body: none."""
    cause = Cause.request(idempotency_key) if idempotency_key is not None else None
    start = Start(uses.flows.get(id), inputs, {"type": "api"}, cause)
    return started(await uses.runs.start(CALLER, start))


@router.get("/executions", summary="List executions")
async def list_executions(
    uses: Uses,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description=f"From {NEXT_CURSOR}.")] = None,
    flow_id: Annotated[str | None, Query(alias="flowId", max_length=100)] = None,
    status: Annotated[str | None, Query(max_length=20)] = None,
    namespace: Annotated[Namespace | None, Query()] = None,
) -> list[Execution]:
    """Executions, newest first; the header X-Next-Cursor is the next page's `cursor`."""
    query = RunQuery(
        limit=limit,
        before=None if cursor is None else _position(cursor),
        namespace=namespace,
        flow_id=flow_id,
        phases=None if status is None else _phases(status),
    )
    views, following = await uses.run_views.list(query)
    if following is not None:
        response.headers[NEXT_CURSOR] = _cursor(following)
    return [_execution(uses, view) for view in views]


@router.get("/executions/{id}", summary="Get execution with task details")
async def get_execution(uses: Uses, id: str) -> ExecutionDetails:  # noqa: A002 - as above
    """One execution and its tasks."""
    view = await uses.run_views.get(id)
    tasks = await uses.run_tasks.of(view.item)
    return ExecutionDetails(execution=_execution(uses, view), tasks=[_task(*task) for task in tasks])


@router.post("/executions/{id}/cancel", summary="Cancel a running execution")
async def cancel_execution(uses: Uses, id: str) -> ExecutionState:  # noqa: A002 - as above
    """Ask an execution to stop."""
    run = await uses.runs.cancel(CALLER, id)
    return ExecutionState(execution_id=identifier(run), status=_status(run))


@router.post("/executions/{id}/retry", summary="Retry a failed execution")
async def retry_execution(uses: Uses, id: str, idempotency_key: IdempotencyKey = None) -> ExecutionStarted:  # noqa: A002 - as above
    """Start the flow again with the same inputs."""
    view = await uses.run_views.get(id)
    flow = uses.flows.in_namespace(view.item["metadata"]["namespace"], view.item["spec"]["flow"])
    return started(await uses.runs.retry(CALLER, id, flow, idempotency_key))


def started(start: Started) -> ExecutionStarted:
    """The documented answer to a start."""
    return ExecutionStarted(
        execution_id=identifier(start.run), status="QUEUED", tasks_total=start.tasks_total
    )


def _execution(uses: Uses, view: RunView) -> Execution:
    status = view.item.get("status") or {}
    counts = status.get("taskCounts") or {}
    failed = _status(view.item) in {"FAILED", "CANCELLED", "TIMED_OUT"}
    return Execution(
        id=identifier(view.item),
        flow_id=view.flow_id,
        status=_status(view.item),
        tasks_total=counts.get("total", uses.run_tasks.expected(view.item)),
        tasks_executed=counts.get("succeeded", 0) + counts.get("failed", 0),
        started_at=seconds(status.get("startTime")),
        finished_at=seconds(status.get("completionTime")),
        duration_ms=status.get("durationMs"),
        error=(status.get("message") or status.get("reason")) if failed else None,
    )


def _task(task: TaskView, stored: bytes | None) -> TaskAnswer:
    return TaskAnswer(
        task_name=task.name,
        task_type=task.type,
        status=TASK_STATUSES[task.phase],
        outputs=_outputs(task, stored),
        started_at=seconds(task.start_time),
        finished_at=seconds(task.completion_time),
        error=task.message if task.phase in {"Failed", "TimedOut", "Cancelled"} else None,
    )


def _outputs(task: TaskView, stored: bytes | None) -> str | None:
    """A JSON string; a reference where the outputs are too large for an answer."""
    if stored is not None:
        return stored.decode(errors="replace")
    if task.outputs_ref is not None:
        return orjson.dumps({"ref": task.outputs_ref}).decode()
    if task.outputs is None and task.phase != "Succeeded":
        return None
    return orjson.dumps({} if task.outputs is None else task.outputs).decode()


def _status(run: dict[str, Any]) -> str:
    return STATUSES[(run.get("status") or {}).get("phase") or "Queued"]


def _phases(status: str) -> set[str]:
    phases = {phase for phase, name in STATUSES.items() if name == status.upper()}
    if not phases:
        raise invalid_field("status", f"should be one of {', '.join(dict.fromkeys(STATUSES.values()))}")
    return phases


def _cursor(position: Position) -> str:
    moment, uid = position
    return base64.urlsafe_b64encode(f"{int(moment.timestamp())}.{uid}".encode()).decode().rstrip("=")


def _position(cursor: str) -> Position:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        moment, _, uid = text.partition(".")
        return datetime.fromtimestamp(int(moment), UTC), uid.replace("\0", "")
    except (ValueError, OverflowError, OSError, binascii.Error):
        raise invalid_field("cursor", f"is not one that the header {NEXT_CURSOR} has given") from None

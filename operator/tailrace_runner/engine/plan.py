"""A flow as the engine executes it: the spec's defaults filled in, its durations in seconds. Pure.

Read from the plain document rather than through the kind's model: the operator has validated it, and building
that model would cost a tenth of a second at every start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tailrace_crds.language import durations, graph
from tailrace_runner.engine.retry import RetryPolicy

ONCE = RetryPolicy()


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """One task to execute."""

    name: str
    type: str
    properties: dict[str, Any]
    needs: tuple[str, ...] = ()
    when: str | None = None
    retry: RetryPolicy = ONCE
    timeout: float | None = None
    continue_on_error: bool = False


@dataclass(frozen=True, slots=True)
class FlowPlan:
    """A whole flow to execute."""

    name: str
    tasks: tuple[TaskPlan, ...]
    on_failure: tuple[TaskPlan, ...] = ()
    finally_: tuple[TaskPlan, ...] = ()
    outputs: dict[str, Any] | None = None
    vars: dict[str, Any] | None = None
    inputs: dict[str, Any] | None = None
    timeout: float | None = None


def flow_plan(name: str, spec: Mapping[str, Any]) -> FlowPlan:
    """The plan of a valid Flow's spec."""
    tasks = spec.get("tasks") or []
    edges = _edges(tasks)
    default = spec.get("retry")
    return FlowPlan(
        name=name,
        tasks=tuple(_task(task, default, edges[task["name"]]) for task in tasks),
        on_failure=_in_order(spec.get("onFailure") or [], default),
        finally_=_in_order(spec.get("finally") or [], default),
        outputs=spec.get("outputs") or {},
        vars=spec.get("vars") or {},
        inputs=spec.get("inputs"),
        timeout=_seconds(spec.get("timeout")),
    )


def _in_order(tasks: list[dict[str, Any]], default: Mapping[str, Any] | None) -> tuple[TaskPlan, ...]:
    """Hooks run one after the other: as listed, but each after those that it needs."""
    by_name = {task["name"]: task for task in tasks}
    edges = _edges(tasks)
    return tuple(_task(by_name[name], default, edges[name]) for name in graph.order(edges))


def _edges(tasks: list[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    return graph.edges(_Node(task["name"], task.get("needs")) for task in tasks)


class _Node(NamedTuple):
    name: str
    needs: list[str] | None


def _task(task: Mapping[str, Any], default: Mapping[str, Any] | None, needs: tuple[str, ...]) -> TaskPlan:
    return TaskPlan(
        name=task["name"],
        type=task["type"],
        properties=task.get("properties") or {},
        needs=needs,
        when=task.get("when"),
        retry=_retry(task.get("retry") or default),
        timeout=_seconds(task.get("timeout")),
        continue_on_error=bool(task.get("continueOnError")),
    )


def _retry(retry: Mapping[str, Any] | None) -> RetryPolicy:
    if retry is None:
        return ONCE
    backoff = retry.get("backoff") or {}
    return RetryPolicy(
        max_attempts=retry.get("maxAttempts", 3),
        initial=durations.parse(backoff.get("initial", "1s")),
        factor=float(backoff.get("factor", 2)),
        max=durations.parse(backoff.get("max", "1m")),
        jitter=backoff.get("jitter", True),
    )


def _seconds(duration: str | None) -> float | None:
    return None if duration is None else durations.parse(duration)

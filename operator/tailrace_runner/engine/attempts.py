"""One task from its condition to its durable end: render, execute, try again."""

import asyncio
import itertools
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any

from tailrace_crds.language import durations, templates
from tailrace_crds.language.templates import TemplateError
from tailrace_crds.phases import TaskPhase
from tailrace_plugins.base import TaskError
from tailrace_runner.engine.plan import TaskPlan
from tailrace_runner.engine.ports import Ports
from tailrace_runner.engine.retry import pause
from tailrace_runner.engine.state import Ended, TaskState, timestamp
from tailrace_runner.engine.values import Values
from tailrace_runner.text import cut

MAX_MESSAGE = 16 * 1024
STOP_SECONDS = 5.0
"""How long a task that was told to stop may take to clean up."""


class Tasks:
    """Executes tasks, one call each, and tells what becomes of them."""

    def __init__(self, ports: Ports, values: Values) -> None:
        self._ports = ports
        self._values = values

    async def execute(
        self, task: TaskPlan, state: TaskState, extra: Mapping[str, Any] | None = None
    ) -> Ended:
        """How the task ended; durable, where executing it again could do something twice.

        `extra` are further names for its templates. Cancelling this stops the task.
        """
        state.start_time = timestamp(self._ports.now())
        try:
            context = await self._values.context([task.when, task.properties], extra)
            if task.when is not None and not templates.is_true(task.when, context):
                return await self._end(
                    task, state, Ended(TaskPhase.SKIPPED, "When", "its condition is not met")
                )
            properties = self._ports.plugins.render(task, context)
        except TemplateError as error:
            message = self._ports.redactor.text(str(error))
            return await self._end(task, state, Ended(TaskPhase.FAILED, "TemplateError", message))
        except TaskError as error:
            return await self._end(task, state, Ended(TaskPhase.FAILED, error.reason, error.message))
        return await self._attempts(task, state, properties)

    async def _attempts(self, task: TaskPlan, state: TaskState, properties: dict[str, Any]) -> Ended:
        for attempt in itertools.count(1):
            state.phase, state.attempts = TaskPhase.RUNNING, attempt
            self._ports.changed(state)
            try:
                outputs = await bounded(self._ports.plugins.execute(task, attempt, properties), task.timeout)
                ended = Ended(TaskPhase.SUCCEEDED, outputs=self._ports.redactor.value(outputs))
                return await self._end(task, state, ended)
            except AttemptTimeoutError:
                took = durations.format(task.timeout or 0)
                error = TaskError(f"the attempt took longer than {took}", "Timeout")
                ended = Ended(TaskPhase.TIMED_OUT, "Timeout", error.message)
            except TaskError as failed:
                error = failed
                ended = Ended(TaskPhase.FAILED, error.reason, self._ports.redactor.text(error.message))
                ended = replace(ended, message=cut(ended.message, MAX_MESSAGE))
            wait = pause(
                task.retry,
                attempt,
                retryable=error.retryable,
                retry_after=error.retry_after,
                draw=self._ports.draw(),
            )
            if wait is None:
                return await self._end(task, state, ended)
            again = (
                f"attempt {attempt} of {task.retry.max_attempts} failed, the next in {durations.format(wait)}"
            )
            self._ports.log.write(f"{again}: {ended.message}", "warning", task.name, attempt)
            state.message = ended.message
            await asyncio.sleep(wait)
        raise AssertionError("attempts are counted without end")

    async def _end(self, task: TaskPlan, state: TaskState, ended: Ended) -> Ended:
        reference = None
        outputs = ended.outputs
        if outputs is not None:
            try:
                outputs, reference = await self._values.keep(task.name, outputs)
            except TaskError as error:
                ended, outputs = Ended(TaskPhase.FAILED, error.reason, error.message), None
        state.completion_time = timestamp(self._ports.now())
        if ended.phase in {TaskPhase.FAILED, TaskPhase.TIMED_OUT}:
            self._ports.log.write(ended.message, "error", task.name, max(1, state.attempts))
        durable = self._ports.journal.record(entry(state, ended, outputs, reference))
        # Skipping is decided anew from the same values; a pure task does the same again.
        if ended.phase is not TaskPhase.SKIPPED and not self._ports.plugins.is_pure(task.type):
            await _until_durable(durable)
        state.phase, state.message = ended.phase, ended.message or None
        self._values.ended(task.name, ended.phase, outputs, reference)
        self._ports.changed(state)
        return ended


class AttemptTimeoutError(Exception):
    """An attempt took longer than it may."""


def entry(
    state: TaskState, ended: Ended, outputs: dict[str, Any] | None = None, reference: str | None = None
) -> dict[str, Any]:
    """The journal's entry of an ended task."""
    document: dict[str, Any] = {
        "task": state.name,
        "attempt": max(1, state.attempts),
        "phase": ended.phase.value,
        "startTime": state.start_time,
        "completionTime": state.completion_time,
    }
    optional = {"outputs": outputs, "outputsRef": reference, "message": ended.message or None}
    return document | {key: value for key, value in optional.items() if value is not None}


async def bounded(work: Coroutine[Any, Any, dict[str, Any]], seconds: float | None) -> dict[str, Any]:
    """The result of one attempt, whose every error becomes a TaskError.

    A task that does not stop when told is left behind after a moment: it cannot hold up the flow.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await _stop(task)
        raise
    if not task.done():
        await _stop(task)
        raise AttemptTimeoutError
    if task.cancelled():
        raise TaskError("the task stopped itself", "Cancelled")
    try:
        return task.result()
    except TaskError:
        raise
    except Exception as error:
        raise TaskError(f"{type(error).__name__}: {error}", "InternalError") from error


async def _stop(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=STOP_SECONDS)
    if task.done() and not task.cancelled():
        task.exception()  # what a stopped task says on its way out is of no use


async def _until_durable(durable: Any) -> None:
    """Wait for the journal. A task that has ended when the flow is stopped has still ended."""
    try:
        await asyncio.shield(durable)
    except asyncio.CancelledError:
        if durable.cancelled():
            raise

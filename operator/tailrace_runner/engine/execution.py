"""A whole flow: its tasks as their graph allows, then the hooks, then the outputs."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from tailrace_crds.language import templates
from tailrace_crds.language.templates import TemplateError
from tailrace_crds.phases import RunPhase, TaskPhase
from tailrace_plugins.base import TaskError
from tailrace_runner.engine import outcome
from tailrace_runner.engine.attempts import Tasks
from tailrace_runner.engine.frontier import Frontier
from tailrace_runner.engine.outcome import Stop
from tailrace_runner.engine.plan import FlowPlan, TaskPlan
from tailrace_runner.engine.ports import Ports
from tailrace_runner.engine.state import Ended, Failure, Result, TaskState, timestamp
from tailrace_runner.engine.values import RUN_OUTPUTS, Values

MAX_PARALLEL = 64
"""How many tasks run at once; the others wait their turn."""

HOOK_SECONDS = 20.0
"""How long onFailure and finally may take once the Run was cancelled or its time was over.

Together with the end of the tasks it is less than the 30 s after which the operator ends the Run itself.
"""


NO_ERROR = Failure("", "", "")
"""What finally reads as `error` where nothing has failed: a template that mentions it must not fail."""


class Execution:
    """One attempt at a Run's flow. `states` has the tasks in order, for whoever reports them."""

    def __init__(
        self,
        plan: FlowPlan,
        ports: Ports,
        values: Values,
        *,
        started: datetime,
        journal: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self._plan = plan
        self._ports = ports
        self._values = values
        self._tasks = Tasks(ports, values)
        self._started = started
        self._journal = {item["task"]: item for item in journal}
        self._stopped = asyncio.Event()
        self._stop: Stop | None = None
        self._hooks_until = float("inf")
        self.states = {task.name: TaskState(task.name, task.type) for task in plan.tasks + plan.finally_}

    def cancel(self) -> None:
        """Stop the tasks, run finally, end as Cancelled."""
        self._stop_for(Stop.CANCEL)

    async def run(self) -> Result:
        """Execute; returns once every task's end is durable."""
        timeout = self._arm_timeout()
        try:
            failed = await self._graph()
            result = await self._with_outputs(outcome.after_tasks(self._stop, failed))
            self._values.tell(result.phase.value)
            error = outcome.error_of(result, failed)
            hook_failed = None
            if error is not None:
                self._add_on_failure()
                hook_failed = await self._hooks(self._plan.on_failure, {"error": asdict(error)})
            extra = {"error": asdict(error or NO_ERROR)}
            hook_failed = await self._hooks(self._plan.finally_, extra) or hook_failed
        finally:
            if timeout is not None:
                timeout.cancel()
        await self._ports.journal.flush()
        return self._redacted(outcome.after_hooks(result, hook_failed))

    async def _graph(self) -> Failure | None:
        """The tasks; returns the first failure that failed the flow."""
        plans = {task.name: task for task in self._plan.tasks}
        frontier = Frontier({task.name: task.needs for task in self._plan.tasks})
        running: dict[asyncio.Task[Ended], TaskPlan] = {}
        stopping = asyncio.create_task(self._stopped.wait())
        failed: Failure | None = None
        try:
            while True:
                while frontier.ready and len(running) < MAX_PARALLEL and not self._stopped.is_set():
                    task = plans[frontier.ready.popleft()]
                    running[asyncio.create_task(self._execute(task))] = task
                if not running or self._stopped.is_set():
                    break
                done, _ = await asyncio.wait({*running, stopping}, return_when=asyncio.FIRST_COMPLETED)
                for finished in [item for item in running if item in done]:
                    failed = self._settle(frontier, running.pop(finished), finished.result()) or failed
        finally:
            stopping.cancel()
            await self._stop_tasks(running)
        if self._stop is not None:
            self._skip_pending(self._plan.tasks, self._stop.value)
        return failed

    async def _execute(self, task: TaskPlan, extra: Mapping[str, Any] | None = None) -> Ended:
        state = self.states[task.name]
        recorded = self._journal.get(task.name)
        if recorded is None:
            return await self._tasks.execute(task, state, extra)
        return self._recall(state, recorded)

    def _recall(self, state: TaskState, recorded: Mapping[str, Any]) -> Ended:
        """A task that ended in an earlier attempt of the Run: it is not executed again."""
        phase = TaskPhase(recorded["phase"])
        state.phase, state.attempts = phase, recorded.get("attempt", 1)
        state.start_time, state.completion_time = recorded.get("startTime"), recorded.get("completionTime")
        state.message = recorded.get("message")
        self._values.ended(state.name, phase, recorded.get("outputs"), recorded.get("outputsRef"))
        self._ports.changed(state)
        return Ended(phase, "Failed", recorded.get("message") or "", recorded.get("outputs"))

    def _settle(self, frontier: Frontier, task: TaskPlan, ended: Ended) -> Failure | None:
        if outcome.passes(task, ended):
            frontier.passed(task.name)
            return None
        for name, cause in frontier.broke(task.name):
            self._skip(name, f"task {cause}, which it needs, did not succeed")
        return outcome.failure(task, ended)

    async def _stop_tasks(self, running: dict["asyncio.Task[Ended]", TaskPlan]) -> None:
        for work in running:
            work.cancel()
        if running:
            await asyncio.wait(running)
        for work, task in running.items():
            if work.cancelled():
                self._end_early(self.states[task.name])
            elif work.exception() is not None and self._stop is not None:
                raise work.exception() or AssertionError

    def _end_early(self, state: TaskState) -> None:
        state.phase, state.message = TaskPhase.CANCELLED, self._stop.value if self._stop else None
        state.completion_time = timestamp(self._ports.now())
        self._ports.changed(state)

    def _skip_pending(self, tasks: Iterable[TaskPlan], message: str) -> None:
        for task in tasks:
            if self.states[task.name].phase is TaskPhase.PENDING:
                self._skip(task.name, message)

    def _skip(self, name: str, message: str) -> None:
        state = self.states[name]
        state.phase, state.message = TaskPhase.SKIPPED, message
        state.completion_time = timestamp(self._ports.now())
        self._values.ended(name, TaskPhase.SKIPPED, None, None)
        self._ports.changed(state)

    def _add_on_failure(self) -> None:
        """The tasks of onFailure are part of a Run only once it has failed; they stand before finally."""
        hooks = {task.name: self.states.pop(task.name) for task in self._plan.finally_}
        self.states.update({task.name: TaskState(task.name, task.type) for task in self._plan.on_failure})
        self.states.update(hooks)

    async def _hooks(self, tasks: Iterable[TaskPlan], extra: Mapping[str, Any]) -> Failure | None:
        """Each in order, also after one that failed; returns the first failure."""
        failed: Failure | None = None
        for task in tasks:
            ended = await self._hook(task, extra)
            failed = failed or outcome.failure(task, ended)
        return failed

    async def _hook(self, task: TaskPlan, extra: Mapping[str, Any]) -> Ended:
        work = asyncio.create_task(self._execute(task, extra))
        stopping = asyncio.create_task(self._stopped.wait())
        loop = asyncio.get_running_loop()
        try:
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await asyncio.wait({work}, timeout=max(0.0, self._hooks_until - loop.time()))
            if work.done():
                return work.result()
        finally:
            stopping.cancel()
            if not work.done():
                work.cancel()
                await asyncio.wait({work})
        message = f"stopped {HOOK_SECONDS:g} s after {self._stop.value if self._stop else 'the end'}"
        state = self.states[task.name]
        state.phase, state.message = TaskPhase.TIMED_OUT, message
        state.completion_time = timestamp(self._ports.now())
        self._ports.changed(state)
        return Ended(TaskPhase.TIMED_OUT, "Timeout", message)

    async def _with_outputs(self, result: Result) -> Result:
        """The flow's outputs, where all tasks have succeeded; what cannot be rendered fails the Run."""
        if result.phase is not RunPhase.SUCCEEDED or not self._plan.outputs:
            return result
        try:
            context = await self._values.context(self._plan.outputs)
            outputs = templates.render(dict(self._plan.outputs), context)
            outputs = self._ports.redactor.value(outputs)
            inline, reference = await self._values.keep(RUN_OUTPUTS, outputs)
        except (TemplateError, TaskError) as error:
            return Result(RunPhase.FAILED, "OutputsFailed", f"outputs: {error}")
        return replace(result, outputs=inline, outputs_ref=reference)

    def _redacted(self, result: Result) -> Result:
        return replace(result, message=self._ports.redactor.text(result.message))

    def _arm_timeout(self) -> asyncio.TimerHandle | None:
        """The flow's time counts from the Run's first start, whatever attempt this is."""
        if self._plan.timeout is None:
            return None
        left = self._plan.timeout - (self._ports.now() - self._started).total_seconds()
        if left <= 0:
            self._stop_for(Stop.TIMEOUT)
            return None
        return asyncio.get_running_loop().call_later(left, self._stop_for, Stop.TIMEOUT)

    def _stop_for(self, stop: Stop) -> None:
        if self._stop is None:
            self._stop = stop
            self._hooks_until = asyncio.get_running_loop().time() + HOOK_SECONDS
            self._stopped.set()

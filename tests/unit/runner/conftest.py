"""A flow executed with tasks whose behaviour the test writes down."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tailrace_crds.language import templates
from tailrace_plugins.base import TaskError
from tailrace_runner.engine.execution import Execution
from tailrace_runner.engine.plan import flow_plan
from tailrace_runner.engine.ports import Ports
from tailrace_runner.engine.values import Values, roots
from tailrace_runner.redaction import Redactor


class Journal:
    """Remembers entries; durable at once, unless `stuck`."""

    def __init__(self):
        self.entries = []
        self.stuck = False
        self.pending = []

    def record(self, entry):
        self.entries.append(entry)
        durable = asyncio.get_running_loop().create_future()
        if self.stuck:
            self.pending.append(durable)
        else:
            durable.set_result(None)
        return durable

    async def flush(self):
        if self.pending:
            await asyncio.wait(self.pending)


class Store:
    """Remembers documents and who asked for them."""

    def __init__(self):
        self.kept = {}
        self.fetched = []

    async def put(self, name, content):
        self.kept[name] = content
        return f"store:uid/{name}"

    async def get(self, name):
        self.fetched.append(name)
        return self.kept[name]


class Plugins:
    """A task's type says what it does: `ok`, `pure.ok`, `sleep`, `fail`, `fatal`, `stubborn`, `bug`."""

    def __init__(self):
        self.calls = []
        self.active = self.most = 0
        self.stopped = []

    def is_pure(self, task_type):
        return task_type.startswith("pure.")

    def render(self, task, context):
        return templates.render(task.properties, context)

    async def execute(self, task, attempt, properties):
        self.calls.append((task.name, attempt, properties))
        self.active += 1
        self.most = max(self.most, self.active)
        try:
            return await self._behave(task.type.removeprefix("pure."), attempt, properties)
        except asyncio.CancelledError:
            self.stopped.append(task.name)
            raise
        finally:
            self.active -= 1

    async def _behave(self, kind, attempt, properties):
        if kind == "sleep":
            await asyncio.sleep(properties.get("seconds", 60))
        if kind == "fail" and attempt <= properties.get("times", 99):
            raise TaskError("no luck", "NoLuck", retry_after=properties.get("retryAfter"))
        if kind == "fatal":
            raise TaskError("never", "Never", retryable=False)
        if kind == "bug":
            raise ZeroDivisionError("a fault of the plugin")
        if kind == "stubborn":
            # Longer than anyone waits for it, yet not for ever: the test's loop must close.
            for _ in range(3):
                try:
                    await asyncio.sleep(0.3)
                except asyncio.CancelledError:
                    continue
        await asyncio.sleep(0)
        return properties

    @property
    def names(self):
        return [name for name, _, _ in self.calls]


class Log:
    """Remembers lines."""

    def __init__(self):
        self.lines = []

    def write(self, message, level="info", task=None, attempt=None):
        self.lines.append((level, task, attempt, message))


class Harness:
    """One flow; `spec` as its author would write it."""

    def __init__(self, spec, *, inputs=None, journal=(), started_ago=0.0):
        self.plugins, self.journal, self.store, self.log = Plugins(), Journal(), Store(), Log()
        self.redactor = Redactor()
        self.changes = []
        started = datetime.now(UTC) - timedelta(seconds=started_ago)
        ports = Ports(
            plugins=self.plugins,
            journal=self.journal,
            store=self.store,
            log=self.log,
            redactor=self.redactor,
            changed=lambda state: self.changes.append((state.name, state.phase.value)),
            now=lambda: datetime.now(UTC),
            draw=lambda: 0.0,
        )
        plan = flow_plan("flow", spec)
        run = {
            "metadata": {"name": "run-1", "namespace": "team-a", "uid": "uid"},
            "spec": {"inputs": inputs or {}},
            "status": {"phase": "Running", "startTime": "2026-11-23T10:00:00Z", "claim": {"attempt": 1}},
        }
        self.values = Values(roots(run, plan), self.store)
        self.execution = Execution(plan, ports, self.values, started=started, journal=journal)

    async def run(self):
        return await asyncio.wait_for(self.execution.run(), 20)

    @property
    def phases(self):
        return {name: state.phase.value for name, state in self.execution.states.items()}

    @property
    def messages(self):
        return {name: state.message for name, state in self.execution.states.items() if state.message}


@pytest.fixture
def flow():
    """Makes a Harness of tasks written as `name=type` and further fields, or of a whole spec."""
    return Harness


def task(name, kind="ok", **fields):
    """A task as a flow has it; fields in camelCase."""
    return {"name": name, "type": kind, **fields}


@pytest.fixture(name="task")
def task_fixture():
    return task

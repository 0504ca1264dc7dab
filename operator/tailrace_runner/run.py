"""Executing a claimed Run: the engine between the cluster's services, and what must go on beside it.

Imported only while the first answers of the servers are on their way: what it needs takes longest to load.
"""

import asyncio
import random
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from tailrace_crds.phases import RunPhase
from tailrace_plugins.base import Containers, Network
from tailrace_runner import lease
from tailrace_runner.cluster import ClusterContainers, ClusterCredentials, ClusterKeyValue, ClusterStore
from tailrace_runner.context import PluginRunner, Services
from tailrace_runner.engine.execution import Execution
from tailrace_runner.engine.plan import flow_plan
from tailrace_runner.engine.ports import Ports
from tailrace_runner.engine.state import Result, TaskState, timestamp
from tailrace_runner.engine.values import Values, roots
from tailrace_runner.internal import InternalApi
from tailrace_runner.journal import Journal
from tailrace_runner.kubernetes import Runs
from tailrace_runner.logs import Log
from tailrace_runner.redaction import Redactor
from tailrace_runner.report import Reporter
from tailrace_runner.settings import Settings

FLUSH_SECONDS = 3.0


class ClaimedRun:
    """One Run, from its claim to its end."""

    def __init__(
        self, settings: Settings, runs: Runs, api: InternalApi, run: dict[str, Any], plan: dict[str, Any]
    ) -> None:
        self._settings = settings
        self._api = api
        self._started = datetime.fromisoformat(run["status"]["startTime"])
        self._redactor = Redactor()
        self._log = Log(self._redactor, lambda: timestamp(_now()))
        self._journal = Journal(api.journal)
        flow = flow_plan(plan["flow"]["name"], plan["flow"]["spec"])
        self._execution = Execution(
            flow,
            self._ports(run, api),
            Values(roots(run, flow, plan.get("revision")), ClusterStore(api)),
            started=self._started,
            journal=plan.get("journal") or [],
        )
        states = self._execution.states
        self._reporter = Reporter(runs, run, settings.pod_uid, states.values, _now)
        if (run.get("spec") or {}).get("cancel"):
            self._execution.cancel()

    def cancel(self) -> None:
        """The Run's owner wants it to stop."""
        self._execution.cancel()

    async def complete(self, *guards: Coroutine[Any, Any, None]) -> Result:
        """Execute and write the end. Raises what makes going on wrong: ClaimLost, Fenced, RunEnded.

        The claim is held until the end is written: an API server may be away for long in between.
        """
        every, fence_after = self._settings.renew_every, self._settings.fence_after
        shipping = asyncio.create_task(self._log.ship(self._api.logs))
        try:
            hold = lease.hold(self._api.renew, every=every, fence_after=fence_after)
            return await guarded(self._to_the_end(), hold, *guards)
        finally:
            shipping.cancel()

    async def _to_the_end(self) -> Result:
        result = await guarded(self._execution.run(), self._reporter.follow())
        await self._log.flush(FLUSH_SECONDS)
        await self._reporter.finish(result, self._started)
        return result

    async def save(self) -> None:
        """Make durable what has ended, for the attempt that follows."""
        with suppress(Exception):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._journal.flush()

    def _ports(self, run: dict[str, Any], api: InternalApi) -> Ports:
        def containers(task: str, attempt: int) -> Containers:
            return ClusterContainers(api, task, attempt)

        services = Services(
            run=run["metadata"]["name"],
            run_key=run["metadata"]["uid"],
            workdir=self._settings.workdir,
            network=Network(),
            kv=ClusterKeyValue(api),
            containers=containers,
            credential=ClusterCredentials(api),
            log=self._log,
            redactor=self._redactor,
        )
        return Ports(
            plugins=PluginRunner(services),
            journal=self._journal,
            store=ClusterStore(api),
            log=self._log,
            redactor=self._redactor,
            changed=self._changed,
            now=_now,
            draw=random.random,
        )

    def _changed(self, state: TaskState) -> None:
        self._reporter.changed(state)


async def fail(runs: Runs, run: dict[str, Any], pod_uid: str, reason: str, message: str) -> None:
    """End a claimed Run that cannot be executed at all."""
    reporter = Reporter(runs, run, pod_uid, lambda: (), _now)
    started = datetime.fromisoformat(run["status"]["startTime"])
    await reporter.finish(Result(RunPhase.FAILED, reason, message), started)


async def guarded(work: Coroutine[Any, Any, Result], *guards: Coroutine[Any, Any, None]) -> Result:
    """The result of the work, unless a guard ends first: its error stops the work."""
    main = asyncio.create_task(work)
    watching = [asyncio.create_task(guard) for guard in guards]
    try:
        done, _ = await asyncio.wait({main, *watching}, return_when=asyncio.FIRST_COMPLETED)
        for guard in watching:
            if guard in done and main not in done:
                guard.result()
        return await main
    finally:
        rest = [task for task in (main, *watching) if not task.done()]
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest)
        for task in watching:
            if not task.cancelled():
                task.exception()  # one that the result has overtaken says nothing that matters


def _now() -> datetime:
    return datetime.now(UTC)

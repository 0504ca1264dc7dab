"""A pod's life: find the Run that is assigned to it, claim it, execute it, exit.

The order is that of the shortest way to the first task: connections open while modules load, and the plan is
asked for while the claim is written.
"""

import asyncio
import gc
import importlib
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any

from tailrace_runner import claim, internal, kubernetes
from tailrace_runner.claim import Standing
from tailrace_runner.errors import ClaimLost, RunEnded, ServerError
from tailrace_runner.http import Client, Unreachable
from tailrace_runner.internal import InternalApi
from tailrace_runner.kubernetes import Runs
from tailrace_runner.settings import Settings

PAUSE_SECONDS = 0.5
REFUSALS_SECONDS = 10.0
"""How long a refused claim is tried again: rights that were granted just now take a moment to be known."""

SLOW_MODULES = (
    "pydantic_core",
    "pydantic.types",
    "pydantic.main",
    "minijinja",
    "tailrace_plugins.base",
    "tailrace_runner.engine.execution",
    "tailrace_runner.run",
)
"""In the order of their dependencies, slowest first."""

SWITCH_SECONDS = 0.001
"""How long importing may keep the event loop waiting."""

Events = AsyncIterator[tuple[str, dict[str, Any]]]


class NothingAssignedError(Exception):
    """No Run was given to this pod in time."""


async def execute(settings: Settings) -> None:
    """Returns once the Run's end is written. Raises RunEnded, ClaimLost, Fenced, NothingAssignedError."""
    sys.setswitchinterval(SWITCH_SECONDS)
    kube, api_client = kubernetes.connect(settings), internal.connect(settings)
    runs = Runs(kube, settings.namespace)
    async with aclosing(runs.watch(settings.pod_uid)) as events:
        first = asyncio.create_task(_first(events, settings.pod_uid))
        priming = asyncio.create_task(_prime(kube, api_client))
        loading = asyncio.create_task(_load())
        try:
            async with asyncio.timeout(settings.assignment_timeout):
                run = await first
        except TimeoutError:
            raise NothingAssignedError(f"no Run in {settings.assignment_timeout:g} s") from None
        api = InternalApi(api_client, settings.namespace, run["metadata"]["name"])
        planning = asyncio.create_task(api.plan())
        try:
            run = await _claim(runs, run, settings)
            plan = await _planned(planning)
            await loading
        finally:
            planning.cancel()
            priming.cancel()
        await _execute(settings, runs, api, run, plan, events)


async def _execute(
    settings: Settings,
    runs: Runs,
    api: InternalApi,
    run: dict[str, Any],
    plan: dict[str, Any] | str,
    events: Events,
) -> None:
    from tailrace_runner.run import ClaimedRun, fail

    # What has been loaded is never garbage; what tasks leave behind is.
    gc.freeze()
    gc.enable()
    if isinstance(plan, str):
        await fail(runs, run, settings.pod_uid, "PlanUnavailable", plan)
        return
    claimed = ClaimedRun(settings, runs, api, run, plan)
    try:
        await claimed.complete(_follow(events, claimed, settings.pod_uid))
    except asyncio.CancelledError:
        await claimed.save()
        raise


async def _planned(planning: "asyncio.Task[dict[str, Any]]") -> dict[str, Any] | str:
    """The plan, or why there will never be one: no further attempt could get it either."""
    try:
        return await planning
    except ServerError as refusal:
        if refusal.code == "not_claimant":
            raise ClaimLost(refusal.message) from refusal
        return f"the flow's revision cannot be had: {refusal.message}"


async def _load() -> None:
    """Import what execution needs, in a thread: meanwhile the answers that come are dealt with."""
    await asyncio.to_thread(_import_slow_modules)


def _import_slow_modules() -> None:
    for module in SLOW_MODULES:
        importlib.import_module(module)


async def _prime(*clients: Client) -> None:
    """Shake hands before there is something to say."""
    await asyncio.gather(*(client.prime() for client in clients))


async def _first(events: Events, pod_uid: str) -> dict[str, Any]:
    async for kind, run in events:
        if kind != "DELETED" and claim.standing(run, pod_uid) is not Standing.ANOTHERS:
            return run
    raise ClaimLost("the watch has ended")


async def _claim(runs: Runs, run: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Make the Run ours by compare-and-swap; the Run as it then is."""
    loop = asyncio.get_running_loop()
    until = loop.time() + REFUSALS_SECONDS
    name = run["metadata"]["name"]
    while True:
        if claim.standing(run, settings.pod_uid) is not Standing.FREE:
            claim.check(run, settings.pod_uid)
            return run
        patch = claim.status_patch(run, settings.pod, settings.pod_uid, _now())
        try:
            return await runs.patch_status(name, run["metadata"]["resourceVersion"], patch)
        except ServerError as refusal:
            if refusal.status == 404:  # noqa: PLR2004 - HTTP's own error
                raise ClaimLost(f"run {name} is gone") from refusal
            if refusal.status != 409:  # noqa: PLR2004 - HTTP's own error
                if refusal.status < 500 and loop.time() > until:  # noqa: PLR2004 - HTTP's own errors
                    raise ClaimLost(f"the claim of run {name} was refused: {refusal.message}") from refusal
                await asyncio.sleep(PAUSE_SECONDS)
        except Unreachable:
            await asyncio.sleep(PAUSE_SECONDS)
        with suppress(Unreachable, ServerError):
            run = await runs.get(name)


async def _follow(events: Events, claimed: Any, pod_uid: str) -> None:
    """What others do to the Run while it is executed: cancel it, end it, take it away."""
    async for kind, run in events:
        if kind == "DELETED":
            raise ClaimLost("the Run is gone, or was given to another pod")
        stands = claim.standing(run, pod_uid)
        if stands is Standing.ENDED:
            raise RunEnded("the Run has ended")
        if stands is Standing.ANOTHERS:
            raise ClaimLost("the Run was claimed by another pod")
        if (run.get("spec") or {}).get("cancel"):
            claimed.cancel()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def say(message: str) -> None:
    """A line on standard error, for whoever reads why a pod ended so."""
    sys.stderr.write(f"tailrace-runner: {message}\n")
    sys.stderr.flush()

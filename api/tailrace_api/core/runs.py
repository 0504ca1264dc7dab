"""Starting, cancelling and retrying Runs."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tailrace_api.cluster.cache import Cache
from tailrace_api.cluster.identity import Caller
from tailrace_api.core import names
from tailrace_api.core.clock import Clock
from tailrace_api.core.digests import digest
from tailrace_api.core.errors import Conflict, Failure, Invalid, Unreadable, from_kube
from tailrace_api.core.run_views import RunViews
from tailrace_api.store.causes import Causes
from tailrace_crds.language import inputs as language
from tailrace_crds.meta import API_VERSION, FLOW_LABEL
from tailrace_crds.phases import RunPhase, is_terminal
from tailrace_kube.client import Client
from tailrace_kube.errors import AlreadyExists, KubeError
from tailrace_kube.resources import RUNS

Object = dict[str, Any]

REQUEST_MEMORY = timedelta(hours=24)
DELIVERY_MEMORY = timedelta(days=30)
RETRYABLE = frozenset({RunPhase.FAILED, RunPhase.CANCELLED, RunPhase.TIMED_OUT})


@dataclass(frozen=True)
class Cause:
    """What makes a repeated request the same request, and for how long that is remembered."""

    text: str
    memory: timedelta

    @classmethod
    def request(cls, key: str) -> "Cause":
        """An Idempotency-Key."""
        return cls(f"request/{key}", REQUEST_MEMORY)


@dataclass(frozen=True)
class Start:
    """A Run to be."""

    flow: Object
    inputs: Object
    trigger: Object
    cause: Cause | None = None
    retry_of: str | None = None


@dataclass(frozen=True)
class Started:
    """The Run, new or found again, and how many tasks its flow has."""

    run: Object
    tasks_total: int
    repeated: bool = False


class Runs:
    """Starts, cancels and retries Runs as the caller."""

    def __init__(self, client: Client, cache: Cache, views: RunViews, causes: Causes, clock: Clock) -> None:
        self._client = client
        self._cache = cache
        self._views = views
        self._causes = causes
        self._clock = clock

    async def start(self, caller: Caller, start: Start) -> Started:
        """A new Run; with a cause that was seen before, the Run that it made then.

        Conflict where the flow is not Active, Invalid where the inputs do not fit its schema.
        """
        check_active(start.flow)
        problems = language.check(start.flow["spec"].get("inputs"), start.inputs)
        if problems:
            raise Invalid("invalid_inputs", "the inputs do not fit the flow's schema", problems)
        total = len(start.flow["spec"].get("tasks") or [])
        if start.cause is None:
            return Started(await self._create(caller, start), total)
        return await self._once(caller, start, start.cause, total)

    async def cancel(self, caller: Caller, identifier: str) -> Object:
        """Ask a Run to stop; Conflict where it has ended. Asking again changes nothing."""
        run = (await self._views.get(identifier)).item
        if is_terminal(run.get("status", {}).get("phase")):
            raise Conflict("execution_ended", f"the run has ended already: {run['status']['phase']}")
        if run["spec"].get("cancel"):
            return run
        metadata = run["metadata"]
        try:
            patched = await self._client.patch(
                RUNS,
                metadata["name"],
                {"metadata": {"uid": metadata["uid"]}, "spec": {"cancel": True}},
                metadata["namespace"],
                impersonate=caller.within(metadata["namespace"]),
            )
        except KubeError as error:
            raise from_kube(error) from error
        self._cache.observe(patched)
        return patched

    async def retry(self, caller: Caller, identifier: str, flow: Object | None, key: str | None) -> Started:
        """A new Run with the inputs of one that failed, was cancelled or timed out."""
        run = (await self._views.get(identifier)).item
        phase = run.get("status", {}).get("phase")
        if phase not in RETRYABLE:
            state = phase or "Queued"
            message = f"only a run that failed, was cancelled or timed out can be retried: it is {state}"
            raise Conflict("execution_not_failed", message)
        if flow is None:
            raise Conflict("flow_not_found", "the run's flow does not exist any more")
        trigger = {**(run["spec"].get("trigger") or {}), "type": "api"}
        trigger.pop("cause", None)
        return await self.start(
            caller,
            Start(
                flow=flow,
                inputs=run["spec"].get("inputs") or {},
                trigger=trigger,
                cause=Cause.request(f"retry/{run['metadata']['uid']}/{key}") if key else None,
                retry_of=run["metadata"]["name"],
            ),
        )

    async def _once(self, caller: Caller, start: Start, cause: Cause, total: int) -> Started:
        namespace, flow = start.flow["metadata"]["namespace"], start.flow["metadata"]["name"]
        key = (namespace, flow, cause.text)
        asked = digest([start.inputs, start.retry_of])
        now = self._clock()
        earlier = await self._causes.reserve(*key, asked, now=now, expires_at=now + cause.memory)
        if earlier is not None:
            if earlier.request_hash != asked:
                message = "this key was used with other inputs before"
                raise Unreadable("idempotency_key_reused", message)
            found = await self._found_again(earlier.run_uid, namespace, names.caused_run(*key))
            if found is not None:
                return Started(found, total, repeated=True)
        try:
            run = await self._create(caller, start)
        except Failure:
            await self._causes.release(*key)
            raise
        await self._causes.settle(*key, run["metadata"]["uid"])
        return Started(run, total)

    async def _found_again(self, uid: str | None, namespace: str, name: str) -> Object | None:
        """The Run that a cause made, live or archived; None where the first request never got that far."""
        view = await self._views.named(namespace, name) if uid is None else await self._views.by_uid(uid)
        if view is not None:
            return view.item
        if uid is None:
            return None
        # It was removed before it was archived: it ran, and must not run again.
        return {"metadata": {"uid": uid, "name": name, "namespace": namespace}, "spec": {}, "status": {}}

    async def _create(self, caller: Caller, start: Start) -> Object:
        namespace, flow = start.flow["metadata"]["namespace"], start.flow["metadata"]["name"]
        cause = start.cause
        spec: Object = {"flow": flow, "inputs": start.inputs, "trigger": dict(start.trigger)}
        if cause is not None:
            spec["trigger"]["cause"] = cause.text
        if start.retry_of is not None:
            spec["retryOf"] = start.retry_of
        name = names.any_run(flow) if cause is None else names.caused_run(namespace, flow, cause.text)
        body = {
            "apiVersion": API_VERSION,
            "kind": "Run",
            "metadata": {"name": name, "namespace": namespace, "labels": {FLOW_LABEL: names.label(flow)}},
            "spec": spec,
        }
        try:
            created = await self._client.create(RUNS, body, namespace, impersonate=caller.within(namespace))
        except AlreadyExists as error:
            found = await self._views.named(namespace, name)
            if found is None:
                raise from_kube(error) from error
            return found.item
        except KubeError as error:
            raise from_kube(error) from error
        self._cache.observe(created)
        return created


def check_active(flow: Object) -> None:
    """Conflict where nothing may start the flow."""
    state = flow["spec"].get("state") or "Active"
    if state != "Active":
        raise Conflict("flow_not_active", f"the flow is {state}: only an Active flow can be started")

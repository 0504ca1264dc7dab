"""The operator's process: puts the parts together, keeps them running, ends them in order."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import structlog
import uvloop

from tailrace_crds.run import RunPhase, is_terminal
from tailrace_kube import Client, Config, Resource, WorkQueue, errors, load
from tailrace_kube.resources import CREDENTIALS, FLOWS, NAMESPACES, RUNS, TRIGGERS
from tailrace_operator import caches, lease, logs, metrics
from tailrace_operator.caches import Key, Object
from tailrace_operator.declared import Declared, quieten
from tailrace_operator.flows import Flows
from tailrace_operator.handlers.admit import Admission
from tailrace_operator.handlers.claims import Claims
from tailrace_operator.handlers.container import ContainerReconciler
from tailrace_operator.handlers.credential import CredentialReconciler
from tailrace_operator.handlers.ended import EndedReconciler
from tailrace_operator.handlers.flow import COUNT_AFTER, FlowReconciler
from tailrace_operator.handlers.run import RunReconciler
from tailrace_operator.handlers.tenant import Tenants
from tailrace_operator.handlers.trigger import TriggerReconciler
from tailrace_operator.health import STUCK_AFTER, Check, Health
from tailrace_operator.internal import InternalAPI, InternalError, Ledger
from tailrace_operator.settings import Settings

AUDIT_EVERY = 300.0

log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


def _queue(name: str) -> "WorkQueue[Any]":
    return WorkQueue(name, metrics.RECONCILE.labels(name).observe, expected=(errors.KubeError, InternalError))


class Operator:
    """All parts of the operator, and what each change in the cluster wakes."""

    def __init__(self, settings: Settings, config: Config, client: Client, internal: InternalAPI) -> None:
        self.settings, self.client = settings, client
        self.runs, self.ended = _queue("runs"), _queue("ended")
        self.flows, self.triggers, self.credentials = (
            _queue("flows"),
            _queue("triggers"),
            _queue("credentials"),
        )
        self.tenants: WorkQueue[str] = _queue("tenants")
        self.containers: WorkQueue[str] = _queue("containers")

        self.caches = caches.build(
            client,
            on_run=self._run_changed,
            on_request=self.containers.add,
            inactivity=settings.watch_timeout,
        )
        self.declared = Declared(config, self._declared_changed, inactivity=settings.watch_timeout)
        self.ledger = Ledger(internal)
        self.unseen: list[Key] = []
        self.leading = False

        revisions = Flows(client)
        tenants = Tenants(client, self.declared, settings)
        self.tenant_reconciler = tenants
        self.run_reconciler = RunReconciler(
            client,
            self.caches,
            revisions,
            Admission(revisions, tenants),
            settings,
            archive=self.ended.add,
            ttl_of=self._ttl_of,
            clock=_now,
        )
        self.ended_reconciler = EndedReconciler(
            client, internal, settings.pod_name, archived=self._archived, clock=_now
        )
        self.flow_reconciler = FlowReconciler(
            client, self.declared, self.caches, revisions, tenants, clock=_now
        )
        self.trigger_reconciler = TriggerReconciler(
            client, self.declared, tenants, internal, self.ledger, clock=_now
        )
        self.credential_reconciler = CredentialReconciler(
            client, self.declared, tenants, internal, clock=_now
        )
        self.container_reconciler = ContainerReconciler(client, self.caches, revisions, internal)
        self.claims = Claims(client, self.caches, internal, settings.renewal_grace)
        self.health = Health(
            alive=[Check("watches", self._dead_watch), Check("queues", self._stuck_queue)],
            ready=[Check("sync", self._not_synced)],
            collect=self._collect,
        )

    @property
    def queues(self) -> tuple["WorkQueue[Key] | WorkQueue[str]", ...]:
        """Every queue."""
        return (
            self.runs,
            self.ended,
            self.flows,
            self.triggers,
            self.credentials,
            self.tenants,
            self.containers,
        )

    async def run(self) -> None:
        """Work until cancelled; an exception where a part has failed that the others cannot do without."""
        await self.health.start(self.settings.port)
        try:
            await self._await_kinds()
            async with asyncio.TaskGroup() as group:
                for informer in self.caches.all:
                    group.create_task(informer.run())
                group.create_task(self.declared.run())
                await self._synced()
                held = lease.Lease(
                    self.client, self.settings, await lease.identity(self.client, self.settings), clock=_now
                )
                await held.acquire()
                group.create_task(held.hold())
                try:
                    await self._lead()
                finally:
                    await self._step_down(held)
        finally:
            await self.health.stop()

    async def _await_kinds(self) -> None:
        """Wait until the API server serves our kinds: kopf would pass over one that is not there yet."""
        for kind in (FLOWS, TRIGGERS, CREDENTIALS, RUNS):
            while True:
                try:
                    async for _ in self.client.pages(kind, limit=1):
                        break
                    break
                except errors.KubeError as error:
                    log.warning("kind not served", kind=kind.kind, error=error.message)
                    await asyncio.sleep(1)

    async def _synced(self) -> None:
        for synced in (*(informer.synced for informer in self.caches.all), self.declared.synced):
            await synced.wait()
        log.info("synced", runs=len(self.caches.runs), jobs=len(self.caches.jobs), pods=len(self.caches.pods))

    async def _lead(self) -> None:
        """Everything that only the holder of the Lease does."""
        self.leading = True
        for namespace in self.settings.tenants:
            self.tenants.add(namespace)
        async with asyncio.TaskGroup() as group:
            for work in (
                self.runs.run(self.run_reconciler.reconcile, self.settings.run_workers),
                self.ended.run(self.ended_reconciler.reconcile, 4),
                self.flows.run(self.flow_reconciler.reconcile, 4),
                self.triggers.run(self.trigger_reconciler.reconcile, 4),
                self.credentials.run(self.credential_reconciler.reconcile, 2),
                self.tenants.run(self.tenant_reconciler.reconcile, 2),
                self.containers.run(self.container_reconciler.reconcile, 4),
                self.trigger_reconciler.run(self.triggers.add),
                self.container_reconciler.poll(self.containers.add),
                self.claims.run(),
                self.ledger.run(),
                self._audit(),
            ):
                group.create_task(work)

    async def _step_down(self, held: lease.Lease) -> None:
        """Write what is known, then let another process begin."""
        self.leading = False
        with contextlib.suppress(InternalError, TimeoutError):
            await asyncio.wait_for(self.ledger.flush(), 2)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(held.release(), 2)

    async def _audit(self) -> None:
        while True:
            await asyncio.sleep(AUDIT_EVERY)
            try:
                self.unseen = await self.declared.audit(self.client)
            except errors.KubeError as error:
                log.warning("audit not done", error=error.message)

    def _run_changed(self, key: Key, old: Object | None, new: Object | None) -> None:
        self.runs.add(key)
        known = new or old
        if known is None:
            return
        if new is None:
            self.run_reconciler.forget(known["metadata"]["uid"])
        if new is None or (_ended(new) and not (old and _ended(old))):
            self.flows.add_after((key[0], known["spec"]["flow"]), COUNT_AFTER)
            for request in self.container_reconciler.of_run(key):
                self.containers.add(request)

    def _declared_changed(self, kind: Resource, key: Key) -> None:
        if kind == NAMESPACES:
            self.tenants.add(key[1])
            for other, queue in self._declared_queues:
                for found, _ in self.declared.items(other, key[1]):
                    queue.add(found)
            return
        dict(self._declared_queues)[kind].add(key)
        # A Trigger tells whether its Flow is there, a Flow whether its Credentials are.
        for found, trigger in self.declared.items(TRIGGERS, key[0]) if kind == FLOWS else ():
            if trigger["spec"].get("flow") == key[1]:
                self.triggers.add(found)
        for found, flow in self.declared.items(FLOWS, key[0]) if kind == CREDENTIALS else ():
            if flow["names_credentials"]:
                self.flows.add(found)

    @property
    def _declared_queues(self) -> tuple[tuple[Resource, "WorkQueue[Key]"], ...]:
        return (FLOWS, self.flows), (TRIGGERS, self.triggers), (CREDENTIALS, self.credentials)

    def _archived(self, key: Key, uid: str) -> None:
        self.run_reconciler.archived.add(uid)
        self.runs.add(key)

    def _ttl_of(self, flow: Key) -> float | None:
        known = self.declared.get(FLOWS, flow)
        return None if known is None else known["ttl"]

    def _dead_watch(self) -> str | None:
        limit = self.settings.liveness_timeout
        for informer in self.caches.all:
            if informer.seconds_since_contact > limit:
                return f"{informer.resource.plural}: nothing heard for {informer.seconds_since_contact:.0f} s"
        return f"not told of changes, such as of {self.unseen[0]}" if self.unseen else None

    def _stuck_queue(self) -> str | None:
        for queue in self.queues:
            if queue.stuck > STUCK_AFTER:
                return f"{queue.name}: one key is being handled for {queue.stuck:.0f} s"
        return None

    def _not_synced(self) -> str | None:
        waiting = [informer.resource.plural for informer in self.caches.all if not informer.synced.is_set()]
        waiting += [] if self.declared.synced.is_set() else ["flows, triggers, credentials, namespaces"]
        return f"not yet seen: {', '.join(waiting)}" if waiting else None

    def _collect(self) -> None:
        metrics.LEADER.set(self.leading)
        metrics.LEDGER_PENDING.set(len(self.ledger))
        for queue in self.queues:
            metrics.QUEUE_DEPTH.labels(queue.name).set(len(queue))
            metrics.QUEUE_OLDEST.labels(queue.name).set(queue.oldest)
        for informer in self.caches.all:
            metrics.WATCH_AGE.labels(informer.resource.plural).set(informer.seconds_since_contact)
        counts = dict.fromkeys((phase.value for phase in RunPhase), 0) | {"Pending": 0}
        for run in self.caches.runs.items():
            counts[run["status"].get("phase") or "Pending"] += 1
        for phase, count in counts.items():
            metrics.RUNS.labels(phase).set(count)


def _ended(run: Object) -> bool:
    return is_terminal(run["status"].get("phase"))


async def operate(settings: Settings, stop: asyncio.Event) -> None:
    """Run an operator until `stop` is set; an exception group where it cannot go on."""
    config = load()
    async with Client(config) as client, InternalAPI(settings) as internal:
        work = asyncio.create_task(Operator(settings, config, client, internal).run())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([work, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not work.done():
            log.info("stopping")
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work


async def _until_signalled(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(stop)


def main() -> None:
    """The program `tailrace-operator`: exit 0 when told to stop, 1 when the Lease or a watch is lost."""
    settings = Settings()
    logs.configure(settings.log_level)
    quieten()
    try:
        uvloop.run(_until_signalled(lambda stop: operate(settings, stop)))
    except Exception:
        log.exception("the operator cannot go on")
        sys.exit(1)


if __name__ == "__main__":
    main()

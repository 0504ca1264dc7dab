"""Triggers: whether they can work, and the firing of schedules."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from tailrace_crds import conditions
from tailrace_crds.language import triggers
from tailrace_crds.language.schedules import Schedule, ScheduleError
from tailrace_crds.meta import TENANT_LABEL, Condition
from tailrace_crds.trigger import FiringResult, MissedPolicy
from tailrace_kube import Client, errors
from tailrace_kube.resources import FLOWS, RUNS, TRIGGERS
from tailrace_operator import metrics
from tailrace_operator.declared import Declared, Key
from tailrace_operator.handlers import status
from tailrace_operator.handlers.tenant import Tenants
from tailrace_operator.internal import InternalAPI, InternalError, Ledger
from tailrace_operator.logic import firings, scheduled, times
from tailrace_operator.logic.due_times import DueTimes
from tailrace_operator.logic.firings import Due

Object = dict[str, Any]

WRITE_EVERY = timedelta(seconds=1)
LONGEST_SLEEP = 5.0
"""Seconds; the clock may be set, and a sleep does not notice."""

log = structlog.get_logger(__name__)


@dataclass
class _Progress:
    """How far a schedule's slots have been dealt with; what is not yet in the status."""

    uid: str
    schedule: Schedule
    position: datetime
    firings: list[Object] = field(default_factory=list)
    last_slot: str | None = None
    written: datetime | None = None


class TriggerReconciler:
    """Keeps Ready, fires what is due, and knows what is due next."""

    def __init__(
        self,
        client: Client,
        declared: Declared,
        tenants: Tenants,
        internal: InternalAPI,
        ledger: Ledger,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._declared = declared
        self._tenants = tenants
        self._internal = internal
        self._ledger = ledger
        self._clock = clock
        self._due: DueTimes[Key] = DueTimes()
        self._rescheduled = asyncio.Event()
        self._progress: dict[Key, _Progress] = {}

    async def run(self, fire: Callable[[Key], None]) -> None:
        """Call `fire` for every Trigger whose slot has come, until cancelled."""
        while True:
            for key in self._due.pop_due(self._clock()):
                fire(key)
            first = self._due.first()
            left = LONGEST_SLEEP if first is None else (first - self._clock()).total_seconds()
            self._rescheduled.clear()
            try:
                async with asyncio.timeout(min(max(left, 0.001), LONGEST_SLEEP)):
                    await self._rescheduled.wait()
            except TimeoutError:
                continue

    async def reconcile(self, key: Key) -> float | None:
        """Bring one Trigger up to now; the seconds after which its status may be written again."""
        trigger = self._declared.get(TRIGGERS, key)
        if trigger is None:
            self._plan_next(key, None)
            self._progress.pop(key, None)
            return None
        refusal, condition = await self._condition(trigger)
        schedule = _schedule(trigger) if condition.reason != "Invalid" else None
        if schedule is None:
            self._plan_next(key, None)
            return await self._write(trigger, condition, None, None)

        progress = await self._progress_of(key, trigger, schedule)
        await self._fire(trigger, progress, refusal)
        following = schedule.next(progress.position)
        self._plan_next(key, following)
        shown = None if trigger["spec"].get("suspend") else following
        return await self._write(trigger, condition, progress, shown)

    def _plan_next(self, key: Key, due: datetime | None) -> None:
        self._due.set(key, due)
        self._rescheduled.set()

    async def _condition(self, trigger: Object) -> tuple[str | None, Condition]:
        """Why it may not fire now, if so; and its Ready."""
        metadata, spec = trigger["metadata"], trigger["spec"]
        now, generation, namespace = (
            times.text(self._clock()),
            metadata.get("generation"),
            metadata["namespace"],
        )
        if not await self._tenants.serves(namespace):
            condition = conditions.not_a_tenant(now, generation, namespace, TENANT_LABEL)
            return "NamespaceNotATenant", condition
        problems = triggers.problems(spec)
        if problems:
            return "Invalid", conditions.invalid(now, generation, "; ".join(map(str, problems)))
        state = await self._flow_state(namespace, spec["flow"])
        if state is None:
            return "FlowNotFound", conditions.flow_missing(now, generation, spec["flow"])
        ready = conditions.ready(now, generation, "suspended" if spec.get("suspend") else "")
        if spec.get("suspend"):
            return "Suspended", ready
        return (None if state == "Active" else "FlowNotActive"), ready

    async def _flow_state(self, namespace: str, name: str) -> str | None:
        known = self._declared.get(FLOWS, (namespace, name))
        if known is not None:
            return str(known["state"])
        try:
            flow = await self._client.get(FLOWS, name, namespace)
        except errors.NotFound:
            return None
        return str(flow["spec"].get("state", "Active"))

    async def _progress_of(self, key: Key, trigger: Object, schedule: Schedule) -> _Progress:
        """Where to go on: in this process from memory, else from the status and the ledger."""
        uid, now = trigger["metadata"]["uid"], self._clock()
        known = self._progress.get(key)
        if known is not None and known.uid == uid:
            if known.schedule != schedule:
                # What the new schedule would have done before it was there is not made up for.
                known.schedule, known.position = schedule, now
            return known
        position = scheduled.position(trigger, now)
        try:
            recorded = await self._internal.recorded_slots(key[0], uid, times.text(position))
        except InternalError as error:
            # Names derived from the slots refuse most repeats; waiting would miss slots for certain.
            log.warning("ledger not read", trigger=key, error=str(error))
            recorded = set()
        past = [slot for slot in map(times.parse, recorded) if slot <= now]
        before = trigger["status"]
        progress = _Progress(
            uid,
            schedule,
            max([position, *past]),
            firings=list(before.get("firings") or []),
            last_slot=before.get("lastSlot"),
        )
        self._progress[key] = progress
        return progress

    async def _fire(self, trigger: Object, progress: _Progress, refusal: str | None) -> None:
        now, settings = self._clock(), trigger["spec"]["schedule"]
        slots, more = progress.schedule.between(progress.position, now, firings.MAX_SLOTS)
        if more:
            log.warning(
                "older slots were missed", trigger=trigger["metadata"]["name"], before=times.text(slots[0])
            )
        policy = MissedPolicy(settings.get("missed", MissedPolicy.LAST))
        for due in firings.plan(slots, policy, settings.get("missedLimit", 100), now, refusal=refusal):
            await self._settle(trigger, progress, due)

    async def _settle(self, trigger: Object, progress: _Progress, due: Due) -> None:
        """Create the slot's Run or note why there is none; only then the slot counts as dealt with."""
        name: str | None = None
        if due.result is FiringResult.RUN:
            due, name = await self._create_run(trigger, due)
        line = firings.entry(due, name, self._clock())
        metadata = trigger["metadata"]
        self._ledger.add(
            {
                "namespace": metadata["namespace"],
                "trigger": metadata["name"],
                "triggerUID": metadata["uid"],
                **line,
            }
        )
        metrics.FIRINGS.labels(due.result.value).inc()
        progress.position = due.slot
        progress.last_slot = times.text(due.slot)
        progress.firings = firings.newest(progress.firings, [line])

    async def _create_run(self, trigger: Object, due: Due) -> tuple[Due, str | None]:
        """The Run of a slot; where it cannot be, the slot is skipped for that reason."""
        try:
            run = scheduled.run(trigger, due.slot)
        except ValueError as error:
            return Due(due.slot, FiringResult.SKIPPED, f"InputsNotRendered: {error}"[:250]), None
        try:
            await self._client.create(RUNS, run, trigger["metadata"]["namespace"])
        except errors.AlreadyExists:
            log.info("slot was fired already", run=run["metadata"]["name"])
        except (errors.Invalid, errors.BadRequest, errors.Forbidden) as error:
            return Due(due.slot, FiringResult.SKIPPED, f"{error.reason}: {error.message}"[:250]), None
        return due, run["metadata"]["name"]

    async def _write(
        self, trigger: Object, condition: Condition, progress: _Progress | None, following: datetime | None
    ) -> float | None:
        """The status, at most once a second."""
        now = self._clock()
        if progress is not None and progress.written is not None and now - progress.written < WRITE_EVERY:
            return (progress.written + WRITE_EVERY - now).total_seconds()
        wanted = status.with_conditions(trigger["status"], [condition], trigger["metadata"].get("generation"))
        if progress is not None:
            wanted |= {
                "lastSlot": progress.last_slot,
                "nextSlot": times.text(following) if following is not None else None,
                "firings": progress.firings or None,
            }
        try:
            written = await status.write(self._client, TRIGGERS, trigger, wanted)
        except errors.Conflict:
            return WRITE_EVERY.total_seconds()
        if written and progress is not None:
            progress.written = now
        return None


def _schedule(trigger: Object) -> Schedule | None:
    settings = trigger["spec"].get("schedule")
    if trigger["spec"]["type"] != "schedule" or settings is None:
        return None
    try:
        return Schedule.parse(settings["cron"], settings.get("timeZone", "UTC"))
    except ScheduleError:
        return None

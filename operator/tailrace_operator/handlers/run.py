"""Runs: from their creation to their removal. Level-based: every call starts from what is stored."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from tailrace_crds import conditions
from tailrace_crds.language import durations
from tailrace_kube import Client, errors
from tailrace_kube.resources import JOBS, PODS, RUNS
from tailrace_operator import metrics
from tailrace_operator.caches import Caches, Key
from tailrace_operator.flows import Flows
from tailrace_operator.handlers import events
from tailrace_operator.handlers.admit import Admission, Refusal
from tailrace_operator.jobs import build, observe
from tailrace_operator.logic import names, times
from tailrace_operator.logic.admission import (
    Action,
    Admit,
    Archive,
    Assign,
    CreateJob,
    Delete,
    DeleteJob,
    End,
    Limits,
    MarkQueued,
    Memory,
    Wait,
    Warn,
    decide,
    is_irrevocable,
)
from tailrace_operator.logic.views import Attempt, RunView
from tailrace_operator.settings import Settings

Object = dict[str, Any]

REFUSED_AGAIN = 5.0
SOON = 0.05
"""Seconds after which a Run is looked at again whose cached copy was out of date."""

log = structlog.get_logger(__name__)


class RunReconciler:
    """Reads a Run and its Jobs, asks `logic.admission` what is next, and does it."""

    def __init__(
        self,
        client: Client,
        caches: Caches,
        flows: Flows,
        admission: Admission,
        settings: Settings,
        *,
        archive: Callable[[Key], None],
        ttl_of: Callable[[Key], float | None],
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._caches = caches
        self._flows = flows
        self._admission = admission
        self._settings = settings
        self._archive = archive
        self._ttl_of = ttl_of
        self._clock = clock
        self._cancel_seen: dict[str, datetime] = {}
        self._warned: dict[str, int] = {}
        self.archived: set[str] = set()
        """UIDs of the Runs that the store has confirmed."""

    async def reconcile(self, key: Key) -> float | None:
        """Do what is next for one Run; the seconds after which to look again."""
        run = self._caches.run(key)
        if run is None:
            return None
        view = RunView.of(run)
        attempts = self._attempts(run, view)
        action = await self._decide(run, view, attempts)
        if is_irrevocable(action):
            run = await self._fresh_run(key)
            if run is None or run["metadata"]["uid"] != view.uid:
                return SOON
            view = RunView.of(run)
            attempts = await self._fresh_attempts(run, view, attempts)
            action = await self._decide(run, view, attempts)
        try:
            return await self._apply(action, run, view, attempts)
        except errors.Conflict:
            return SOON

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a Run that is gone."""
        self.archived.discard(uid)
        self._cancel_seen.pop(uid, None)
        self._warned.pop(uid, None)

    async def _decide(self, run: Object, view: RunView, attempts: dict[int, Attempt]) -> Action:
        now = self._clock()
        if view.cancel and not view.ended:
            self._cancel_seen.setdefault(view.uid, now)
        memory = Memory(
            cancel_seen=self._cancel_seen.get(view.uid),
            archived=view.uid in self.archived,
            warned=self._warned.get(view.uid, 0),
        )
        return decide(view, attempts, await self._limits(run, view), memory, now)

    async def _limits(self, run: Object, view: RunView) -> Limits:
        settings, key = self._settings, _key(run)
        ttl = self._ttl_of((key[0], run["spec"]["flow"]))
        timeout: str | None = None
        if view.started is not None and not view.ended:
            try:
                timeout = (await self._flows.spec(key[0], run["status"]["revision"])).get("timeout")
            except (errors.NotFound, KeyError):
                timeout = None
        return Limits(
            ttl=settings.ttl_seconds_after_finished if ttl is None else ttl,
            timeout=None if timeout is None else durations.parse(timeout),
            max_lost_attempts=settings.max_lost_attempts,
            cancel_grace=settings.cancel_grace,
        )

    def _attempts(self, run: Object, view: RunView) -> dict[int, Attempt]:
        """The attempts as the caches show them."""
        key = _key(run)
        jobs = {job["metadata"]["name"]: job for job in self._caches.jobs_of(key)}
        numbers = range(1, max(view.attempt, len(jobs), *map(_number, jobs.values()), 0) + 1)
        attempts = {}
        for number in numbers:
            name = names.job(view.name, view.uid, number)
            assigned = view.assigned_uid if number == view.attempt else None
            pods = self._caches.pods_of(key[0], name)
            attempts[number] = observe.attempt_of(number, name, jobs.get(name), pods, assigned)
        return attempts

    async def _fresh_run(self, key: Key) -> Object | None:
        try:
            return await self._client.get(RUNS, key[1], key[0])
        except errors.NotFound:
            return None

    async def _fresh_attempts(
        self, run: Object, view: RunView, cached: dict[int, Attempt]
    ) -> dict[int, Attempt]:
        """The assigned attempt read past the caches, which may lag behind one another."""
        if view.attempt == 0:
            return cached
        namespace = run["metadata"]["namespace"]
        name = names.job(view.name, view.uid, view.attempt)
        job: Object | None = None
        pods: list[Object] = []
        try:
            job = observe.project_job(await self._client.get(JOBS, name, namespace))
            pods = [
                observe.project_pod(await self._client.get(PODS, run["status"]["assigned"]["pod"], namespace))
            ]
        except errors.NotFound:
            pass
        fresh = observe.attempt_of(view.attempt, name, job, pods, view.assigned_uid)
        return {**cached, view.attempt: fresh}

    async def _apply(  # noqa: C901, PLR0911 - one case for each kind of action
        self, action: Action, run: Object, view: RunView, attempts: dict[int, Attempt]
    ) -> float | None:
        match action:
            case Wait(seconds):
                return seconds
            case Admit():
                return await self._admit(run)
            case CreateJob(attempt, lost):
                log.warning("attempt lost", run=_key(run), attempt=attempt - 1, reason=lost)
                metrics.ATTEMPTS_LOST.inc()
                return await self._create_job(run, self._revision(run), attempt)
            case Assign(attempt):
                return await self._assign(run, view, attempt)
            case MarkQueued(message):
                await self._patch(run, {"phase": "Queued", "message": message})
            case Warn(attempt):
                return await self._warn(run, attempt)
            case DeleteJob(job, why):
                await self._delete_job(run, job, why)
            case End(phase, reason, message):
                return await self._end(run, attempts, phase, reason, message)
            case Archive():
                self._archive(_key(run))
            case Delete():
                await self._delete(run)
        return None

    async def _admit(self, run: Object) -> float | None:
        outcome = await self._admission.admit(run)
        if isinstance(outcome, Refusal):
            metrics.ADMISSIONS.labels(outcome.reason).inc()
            return await self._end(run, {}, "Failed", outcome.reason, outcome.message)
        metrics.ADMISSIONS.labels("Admitted").inc()
        return await self._create_job(run, outcome, 1)

    async def _create_job(self, run: Object, revision: str, attempt: int) -> float | None:
        namespace = run["metadata"]["namespace"]
        try:
            spec = await self._flows.spec(namespace, revision)
        except errors.NotFound:
            message = f"revision {revision} is gone, as it goes with its flow"
            return await self._end(run, {}, "Failed", "RevisionNotFound", message)
        job = build.runner_job(run, spec, revision, attempt, self._settings)
        try:
            await self._client.create(JOBS, job, namespace)
        except errors.AlreadyExists:
            return None
        except errors.Invalid as error:
            return await self._end(run, {}, "Failed", "JobInvalid", error.message)
        except errors.Forbidden as error:
            # A quota, most often: it may have room later.
            if (run.get("status") or {}).get("message") != error.message:
                await self._patch(run, {"phase": RunView.of(run).phase or "Queued", "message": error.message})
            return REFUSED_AGAIN
        log.info("job created", run=_key(run), job=job["metadata"]["name"], attempt=attempt)
        return None

    async def _assign(self, run: Object, view: RunView, attempt: Attempt) -> float | None:
        status: Object = {
            "revision": self._revision(run),
            "attempt": attempt.number,
            "launch": "Job",
            "assigned": {"pod": attempt.pod, "podUID": attempt.pod_uid, "attempt": attempt.number},
        }
        if view.phase is None:
            status["phase"] = "Queued"
        if (run.get("status") or {}).get("message"):
            status["message"] = None
        await self._patch(run, status)
        return None

    def _revision(self, run: Object) -> str:
        """What was pinned at admission; before a pod was assigned, only the Jobs say."""
        pinned = (run.get("status") or {}).get("revision")
        jobs = self._caches.jobs_of(_key(run))
        return str(pinned or jobs[0]["metadata"]["annotations"][observe.REVISION_ANNOTATION])

    async def _end(
        self, run: Object, attempts: dict[int, Attempt], phase: str, reason: str, message: str
    ) -> float | None:
        """Write the end that no runner will write, then stop what may still run."""
        now = self._clock()
        started = times.parse_optional(run["status"].get("startTime")) if run.get("status") else None
        condition = conditions.failed(times.text(now), reason, message)
        status = {
            "phase": phase,
            "reason": reason,
            "message": message,
            "conditions": conditions.merge([], [condition]),
            "completionTime": times.precise(now),
            "durationMs": int((now - started).total_seconds() * 1000) if started else 0,
        }
        await self._patch(run, status)
        log.info("run ended by the operator", run=_key(run), phase=phase, reason=reason)
        for attempt in attempts.values():
            if attempt.active:
                await self._delete_job(run, attempt.job, "the Run has ended")
        return None

    async def _patch(self, run: Object, status: Object) -> None:
        metadata = run["metadata"]
        body = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "status": status}
        try:
            await self._client.patch(
                RUNS, metadata["name"], body, metadata["namespace"], subresource="status"
            )
        except errors.NotFound:
            log.info("run is gone", run=_key(run))

    async def _warn(self, run: Object, attempt: Attempt) -> float | None:
        message = f"attempt {attempt.number}: pod {attempt.pod} does not start: {attempt.detail}"
        event = events.build(
            run, f"PodWaiting{attempt.number}", "PodWaiting", message, self._settings.pod_name, self._clock()
        )
        await events.post(self._client, event)
        self._warned[run["metadata"]["uid"]] = attempt.number
        return 0

    async def _delete_job(self, run: Object, job: str, why: str) -> None:
        log.info("job deleted", run=_key(run), job=job, reason=why)
        try:
            await self._client.delete(JOBS, job, run["metadata"]["namespace"])
        except errors.NotFound:
            log.debug("job was gone already", job=job)

    async def _delete(self, run: Object) -> None:
        metadata = run["metadata"]
        try:
            await self._client.delete(RUNS, metadata["name"], metadata["namespace"], uid=metadata["uid"])
        except errors.NotFound:
            log.debug("run was gone already", run=_key(run))


def _key(run: Object) -> Key:
    return run["metadata"]["namespace"], run["metadata"]["name"]


def _number(job: Object) -> int:
    text = job["metadata"]["labels"].get("tailrace.dev/attempt", "0")
    return int(text) if text.isdigit() else 0

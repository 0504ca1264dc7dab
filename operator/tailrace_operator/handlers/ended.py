"""The end of a Run: announced by one Event and handed to the store, which may be slow or away."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from tailrace_crds.run import is_terminal
from tailrace_kube import Client, errors
from tailrace_kube.resources import EVENTS, RUNS
from tailrace_operator import metrics
from tailrace_operator.caches import Key
from tailrace_operator.internal import InternalAPI
from tailrace_operator.logic import names, times

Object = dict[str, Any]

ANNOUNCED_WITHIN = timedelta(minutes=10)
"""An older end is not announced again by an operator that has just started."""
MAX_MESSAGE = 1000

log = structlog.get_logger(__name__)


class EndedReconciler:
    """Announces and archives ended Runs."""

    def __init__(
        self,
        client: Client,
        internal: InternalAPI,
        pod: str,
        *,
        archived: Callable[[Key, str], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._internal = internal
        self._pod = pod
        self._archived = archived
        self._clock = clock

    async def reconcile(self, key: Key) -> float | None:
        """Hand one ended Run over; InternalError where the store does not take it: the queue tries again."""
        try:
            run = await self._client.get(RUNS, key[1], key[0])
        except errors.NotFound:
            return None
        if not is_terminal((run.get("status") or {}).get("phase")):
            return None
        await self._announce(run)
        run["metadata"].pop("managedFields", None)
        await self._internal.archive(run)
        metrics.RUNS_ENDED.labels(run["status"]["phase"]).inc()
        self._archived(key, run["metadata"]["uid"])
        return None

    async def _announce(self, run: Object) -> None:
        now = self._clock()
        completed = times.parse_optional(run["status"].get("completionTime"))
        if completed is None or now - completed > ANNOUNCED_WITHIN:
            return
        event = end_event(run, self._pod, now)
        try:
            await self._client.create(EVENTS, event, run["metadata"]["namespace"])
        except errors.AlreadyExists:
            return
        except (errors.Forbidden, errors.NotFound) as error:
            # A namespace that is being deleted takes no Events; the archive matters more.
            log.info("event refused", run=run["metadata"]["name"], error=error.message)


def end_event(run: Object, pod: str, now: datetime) -> Object:
    """The one Event of a Run's end; the same end has the same name."""
    metadata, status = run["metadata"], run["status"]
    reason = f"Run{status['phase']}"
    good = status["phase"] in {"Succeeded", "Partial"}
    time = times.text(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": names.event(metadata["name"], metadata["uid"], reason),
            "namespace": metadata["namespace"],
        },
        "involvedObject": {
            "apiVersion": run["apiVersion"],
            "kind": run["kind"],
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "type": "Normal" if good else "Warning",
        "reason": reason,
        "message": _message(run)[:MAX_MESSAGE],
        "source": {"component": "tailrace-operator"},
        "reportingComponent": "tailrace-operator",
        "reportingInstance": pod,
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }


def _message(run: Object) -> str:
    status = run["status"]
    seconds = (status.get("durationMs") or 0) / 1000
    parts = [f"flow {run['spec']['flow']}, {seconds:.1f} s"]
    if status.get("progress"):
        parts.append(f"tasks {status['progress']}")
    detail = ": ".join(text for text in (status.get("reason"), status.get("message")) if text)
    return ", ".join(parts) + (f"; {detail}" if detail else "")

"""The end of a Run: announced by one Event and handed to the store, which may be slow or away."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tailrace_crds.run import is_terminal
from tailrace_kube import Client, errors
from tailrace_kube.resources import RUNS
from tailrace_operator import metrics
from tailrace_operator.caches import Key
from tailrace_operator.handlers import events
from tailrace_operator.internal import InternalAPI
from tailrace_operator.logic import times

Object = dict[str, Any]

ANNOUNCED_WITHIN = timedelta(minutes=10)
"""An older end is not announced again by an operator that has just started."""


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
        await events.post(self._client, events.of_end(run, self._pod, now))

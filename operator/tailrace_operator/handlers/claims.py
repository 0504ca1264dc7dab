"""Claims that their pods no longer renew: the pod may be there, but it is not known to work."""

import asyncio
from typing import Any

import structlog

from tailrace_crds.run import is_terminal
from tailrace_kube import Client, errors
from tailrace_kube.resources import JOBS
from tailrace_operator.caches import Caches
from tailrace_operator.internal import InternalAPI, InternalError
from tailrace_operator.logic import names

Object = dict[str, Any]

EVERY = 5.0

log = structlog.get_logger(__name__)


class Claims:
    """Deletes the Jobs of stale claims; that an attempt is lost then follows from its Job being gone."""

    def __init__(self, client: Client, caches: Caches, internal: InternalAPI, grace: float) -> None:
        self._client = client
        self._caches = caches
        self._internal = internal
        self._grace = grace

    async def run(self) -> None:
        """Look every five seconds until cancelled."""
        loop = asyncio.get_running_loop()
        reachable_since: float | None = None
        while True:
            try:
                stale = await self._internal.stale_claims(self._grace)
            except InternalError as error:
                reachable_since = None
                log.warning("stale claims not read", error=str(error))
                stale = []
            else:
                reachable_since = reachable_since or loop.time()
            # While the internal API was away nobody could renew: runners get their time again.
            if reachable_since is not None and loop.time() - reachable_since >= self._grace:
                for claim in stale:
                    await self._end(claim)
            await asyncio.sleep(EVERY)

    async def _end(self, claim: Object) -> None:
        run = self._caches.run((claim["namespace"], claim["run"]))
        if run is None or run["metadata"]["uid"] != claim["uid"]:
            return
        status = run["status"]
        assigned = status.get("assigned") or {}
        if is_terminal(status.get("phase")) or assigned.get("podUID") != claim["podUID"]:
            return
        job = names.job(run["metadata"]["name"], claim["uid"], assigned["attempt"])
        log.warning(
            "claim not renewed", run=(claim["namespace"], claim["run"]), job=job, last=claim["renewedAt"]
        )
        try:
            await self._client.delete(JOBS, job, claim["namespace"])
        except errors.NotFound:
            return
        except errors.KubeError as error:
            log.warning("job not deleted", job=job, error=error.message)

"""Container tasks: requested through the internal API, executed as Jobs, reported back."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from tailrace_crds.run import is_terminal
from tailrace_kube import Client, errors
from tailrace_kube.resources import JOBS
from tailrace_operator.caches import Caches, Key
from tailrace_operator.flows import Flows
from tailrace_operator.internal import InternalAPI, InternalError, InternalRefusedError
from tailrace_operator.jobs import containers

Object = dict[str, Any]

MAX_LOG = 1024 * 1024
LONGEST_PAUSE = 15.0
ALL_EVERY = 10
"""Of so many polls one asks for everything that is not finished, in case something was passed over."""

log = structlog.get_logger(__name__)


class ContainerReconciler:
    """Brings every unfinished request to its end."""

    def __init__(self, client: Client, caches: Caches, flows: Flows, internal: InternalAPI) -> None:
        self._client = client
        self._caches = caches
        self._flows = flows
        self._internal = internal
        self._requests: dict[str, Object] = {}

    def of_run(self, key: Key) -> list[str]:
        """The ids of a Run's unfinished requests."""
        return [
            request_id
            for request_id, request in self._requests.items()
            if (request["namespace"], request["run"]) == key
        ]

    async def poll(self, arrived: Callable[[str], None]) -> None:
        """Learn of requests until cancelled, and call `arrived` with the id of each."""
        polls, pause = 0, 0.0
        seen: str | None = None
        while True:
            try:
                found = await self._internal.container_requests(seen if polls % ALL_EVERY else None)
            except InternalError as error:
                pause = min(max(pause * 2, 0.5), LONGEST_PAUSE)
                log.warning("container requests not read", error=str(error), again_in=pause)
                await asyncio.sleep(pause)
                continue
            polls, pause = polls + 1, 0.0
            for request in found:
                self._requests[str(request["id"])] = request
                arrived(str(request["id"]))
            seen = max([*self._requests, *([seen] if seen else [])], key=_order, default="0")
            # Where the server does not wait, this loop must not spin.
            await asyncio.sleep(0.2)

    async def reconcile(self, request_id: str) -> float | None:
        """One request: start its Job, or report how that ended."""
        request = self._requests.get(request_id)
        if request is None:
            return None
        run = self._caches.run((request["namespace"], request["run"]))
        if (
            run is None
            or run["metadata"]["uid"] != request["runUID"]
            or is_terminal(run["status"].get("phase"))
        ):
            await self._finish(request, {"exitCode": containers.LOST, "message": "the Run has ended"})
            return None
        job = self._caches.job_of_request(request_id)
        if job is None:
            return await self._start(request, run)
        pods = self._caches.pods_of(request["namespace"], job["metadata"]["name"])
        outcome = containers.outcome(job, pods)
        if outcome is None:
            return None
        text = await self._log(request["namespace"], pods)
        await self._finish(request, outcome | ({"log": text} if text else {}))
        return None

    async def _start(self, request: Object, run: Object) -> float | None:
        namespace = request["namespace"]
        try:
            spec = await self._flows.spec(namespace, run["status"]["revision"])
            await self._client.create(JOBS, containers.task_job(request, run, spec), namespace)
        except errors.AlreadyExists:
            return await self._after_already_exists(request, run)
        except (containers.NotAContainerTaskError, errors.Invalid, errors.NotFound) as error:
            await self._finish(request, {"exitCode": containers.LOST, "message": str(error)})
        return None

    async def _after_already_exists(self, request: Object, run: Object) -> float | None:
        """The cache lags; it will tell."""
        log.debug("job is there already", task=request["task"], run=run["metadata"]["name"])
        return 1.0

    async def _log(self, namespace: str, pods: list[Object]) -> str:
        if not pods:
            return ""
        try:
            return await self._client.log(
                pods[-1]["metadata"]["name"], namespace, container="task", limit_bytes=MAX_LOG
            )
        except errors.KubeError as error:
            log.info("container's log not read", error=error.message)
            return ""

    async def _finish(self, request: Object, outcome: Object) -> None:
        """Report, then remove the Job; in this order, or a crash between would lose the outcome."""
        try:
            await self._internal.finish_container(str(request["id"]), outcome)
        except InternalRefusedError as error:
            log.warning("container's outcome refused", request=request["id"], error=str(error))
        self._requests.pop(str(request["id"]), None)
        job = self._caches.job_of_request(str(request["id"]))
        if job is None:
            return
        try:
            await self._client.delete(JOBS, job["metadata"]["name"], request["namespace"])
        except errors.NotFound:
            return


def _order(request_id: str) -> tuple[int, str]:
    """Numbers by size, anything else as text."""
    return (int(request_id), "") if request_id.isdigit() else (0, request_id)

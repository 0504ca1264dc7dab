"""The Lease: one process works, the others wait. A holder whose pod is gone is succeeded at once."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from tailrace_kube import Client, errors
from tailrace_kube.resources import LEASES, PODS
from tailrace_operator.logic import times
from tailrace_operator.settings import Settings

Object = dict[str, Any]

log = structlog.get_logger(__name__)


class LeaseLostError(Exception):
    """Another process may be at work: this one must end."""


class Lease:
    """Held under the pod's name and UID; times in the Lease are only for readers.

    Whether a holder lives is judged by how long its renewTime has not changed by our own clock, so that the
    clocks of two nodes need not agree.
    """

    def __init__(
        self, client: Client, settings: Settings, identity: str, *, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._name = settings.lease_name
        self._namespace = settings.namespace
        self._length = timedelta(seconds=settings.lease_seconds)
        self._renew = settings.lease_renew_seconds
        self._retry = settings.lease_retry_seconds
        self._identity = identity
        self._clock = clock
        self._seen: tuple[str, datetime] | None = None

    async def acquire(self) -> None:
        """Wait until this process is the holder."""
        while True:
            try:
                if await self._try():
                    log.info("lease acquired", identity=self._identity)
                    return
            except errors.KubeError as error:
                log.warning("lease not read", error=error.message)
            await asyncio.sleep(self._retry)

    async def hold(self) -> None:
        """Renew until cancelled; LeaseLostError where it is another's or could not be renewed in time."""
        renewed = self._clock()
        while True:
            await asyncio.sleep(self._renew)
            # Two thirds of its length: this process has stopped before another one may begin.
            if self._clock() - renewed > self._length * 2 / 3:
                raise LeaseLostError("the Lease could not be renewed in time")
            started = self._clock()
            try:
                async with asyncio.timeout(self._renew * 2):
                    held = await self._try()
            except (errors.KubeError, TimeoutError) as error:
                log.warning("lease not renewed", error=str(error))
                continue
            if not held:
                raise LeaseLostError("the Lease has another holder")
            renewed = started

    async def release(self) -> None:
        """Let another process begin at once; no error where that is not possible."""
        try:
            lease = await self._client.get(LEASES, self._name, self._namespace)
            if lease["spec"].get("holderIdentity") == self._identity:
                lease["spec"]["holderIdentity"] = ""
                await self._client.replace(LEASES, self._name, lease, self._namespace)
        except errors.KubeError as error:
            log.warning("lease not released", error=error.message)

    async def _try(self) -> bool:
        """Create, renew or take over; whether this process is the holder now."""
        now = self._clock()
        try:
            lease = await self._client.get(LEASES, self._name, self._namespace)
        except errors.NotFound:
            return await self._create(now)
        spec = lease.setdefault("spec", {})
        holder = spec.get("holderIdentity") or ""
        if holder != self._identity:
            if holder and not await self._is_gone(holder, spec, now):
                return False
            log.info("lease taken over", previous=holder or None)
            spec["leaseTransitions"] = (spec.get("leaseTransitions") or 0) + 1
            spec["acquireTime"] = times.precise(now)
        spec |= self._spec(now)
        try:
            await self._client.replace(LEASES, self._name, lease, self._namespace)
        except errors.Conflict:
            return False
        return True

    async def _create(self, now: datetime) -> bool:
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": self._spec(now) | {"acquireTime": times.precise(now), "leaseTransitions": 0},
        }
        try:
            await self._client.create(LEASES, body, self._namespace)
        except errors.AlreadyExists:
            return False
        return True

    def _spec(self, now: datetime) -> Object:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(self._length.total_seconds()),
            "renewTime": times.precise(now),
        }

    async def _is_gone(self, holder: str, spec: Object, now: datetime) -> bool:
        """Whether the holder's pod is no more, or it has not renewed for as long as it said it would."""
        pod, _, uid = holder.partition("_")
        found: Object | None
        try:
            found = await self._client.get(PODS, pod, self._namespace)
        except errors.NotFound:
            found = None
        if uid and (found is None or found["metadata"]["uid"] != uid or _has_ended(found)):
            return True
        renewed = str(spec.get("renewTime"))
        if self._seen is None or self._seen[0] != renewed:
            self._seen = (renewed, now)
        length = timedelta(seconds=spec.get("leaseDurationSeconds") or self._length.total_seconds())
        return now - self._seen[1] > length


def _has_ended(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}


async def identity(client: Client, settings: Settings) -> str:
    """`<pod>_<its UID>`: a pod of the same name, as a StatefulSet makes it, is another holder.

    Outside of a cluster there is no such pod, and therefore no one who could tell that this process is gone:
    then the name alone, which is only succeeded once it has expired.
    """
    try:
        pod = await client.get(PODS, settings.pod_name, settings.namespace)
    except errors.NotFound:
        return settings.pod_name
    return f"{settings.pod_name}_{pod['metadata']['uid']}"

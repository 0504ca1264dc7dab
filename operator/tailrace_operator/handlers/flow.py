"""Flows: checked, pinned as a revision, and told how their Runs went."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tailrace_crds import conditions
from tailrace_crds.language import credentials
from tailrace_crds.meta import TENANT_LABEL, Condition
from tailrace_crds.run import RunPhase, is_terminal
from tailrace_kube import Client, errors
from tailrace_kube.resources import CREDENTIALS, FLOWS
from tailrace_operator.caches import Caches
from tailrace_operator.declared import Declared, Key
from tailrace_operator.flows import Flows, Pinned
from tailrace_operator.handlers import status
from tailrace_operator.handlers.admit import listed
from tailrace_operator.handlers.tenant import Tenants
from tailrace_operator.logic import times
from tailrace_plugins import catalogue

Object = dict[str, Any]

COUNT_AFTER = 5.0
"""Seconds for which ends of Runs are collected before a Flow's counts are written."""


class FlowReconciler:
    """Keeps Ready, revision, counts and the last Run of Flows."""

    def __init__(
        self,
        client: Client,
        declared: Declared,
        caches: Caches,
        flows: Flows,
        tenants: Tenants,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._declared = declared
        self._caches = caches
        self._flows = flows
        self._tenants = tenants
        self._clock = clock

    async def reconcile(self, key: Key) -> float | None:
        """Bring one Flow's status to what is so now."""
        if self._declared.get(FLOWS, key) is None:
            return None
        pinned: Pinned | None = None
        if await self._tenants.serves(key[0]):
            pinned = await self._flows.get(*key)
            if pinned is None:
                return None
            flow = pinned.flow
        else:
            try:
                flow = await self._client.get(FLOWS, key[1], key[0])
            except errors.NotFound:
                return None
        wanted = status.with_conditions(
            flow.get("status") or {}, [self._ready(key, flow, pinned)], flow["metadata"].get("generation")
        )
        if pinned is not None and not pinned.problems:
            wanted["revision"] = pinned.revision
        wanted |= summary(self._caches.runs_of(key))
        try:
            await status.write(self._client, FLOWS, flow, wanted)
        except errors.Conflict:
            return 0.1
        return None

    def _ready(self, key: Key, flow: Object, pinned: Pinned | None) -> Condition:
        now, generation = times.text(self._clock()), flow["metadata"].get("generation")
        if pinned is None:
            return conditions.not_a_tenant(now, generation, key[0], TENANT_LABEL)
        if pinned.problems:
            return conditions.invalid(now, generation, listed(pinned.problems))
        missing = self._missing_credentials(key[0], flow["spec"])
        if missing:
            return conditions.credential_missing(now, generation, missing)
        return conditions.ready(now, generation)

    def _missing_credentials(self, namespace: str, spec: Object) -> list[str]:
        there = [(key[1], item["title"]) for key, item in self._declared.items(CREDENTIALS, namespace)]
        return [name for name in credentials_of(spec) if credentials.find(there, name) is None]


def credentials_of(spec: Object) -> list[str]:
    """The `${NAME}`s of a valid spec, in the properties in which they stand for credentials."""
    found: set[str] = set()
    for section in ("tasks", "onFailure", "finally"):
        for task in spec.get(section) or []:
            manifest = catalogue.manifest(task["type"])
            for name in manifest.credential_properties if manifest is not None else ():
                found |= credentials.references((task.get("properties") or {}).get(name))
    return sorted(found)


def summary(runs: list[Object]) -> Object:
    """`counts` and `lastRun` of the Runs that exist as resources; None where there is none."""
    if not runs:
        return {"counts": None, "lastRun": None}
    phases = [run["status"].get("phase") for run in runs]
    good = {RunPhase.SUCCEEDED, RunPhase.PARTIAL}
    ended = [phase for phase in phases if is_terminal(phase)]
    succeeded = sum(phase in good for phase in ended)
    last = max(runs, key=lambda run: (run["metadata"]["creationTimestamp"], run["metadata"]["name"]))
    return {
        "counts": {
            "active": len(phases) - len(ended),
            "succeeded": succeeded,
            "failed": len(ended) - succeeded,
        },
        "lastRun": {
            "name": last["metadata"]["name"],
            "phase": last["status"].get("phase") or RunPhase.QUEUED.value,
        },
    }

"""Webhooks: whoever knows a key starts the flow; every call leaves a line in the ledger."""

import hashlib
from typing import Any
from uuid import uuid4

from tailrace_api.cluster.cache import Cache
from tailrace_api.cluster.identity import Caller
from tailrace_api.core.clock import Clock
from tailrace_api.core.errors import Conflict, Failure, Invalid, NotFound
from tailrace_api.core.runs import DELIVERY_MEMORY, Cause, Runs, Start, Started
from tailrace_api.core.tenants import Tenants
from tailrace_api.store.ledger import Firing, Ledger
from tailrace_crds.language import templates
from tailrace_crds.language.problems import Problem

Object = dict[str, Any]


class Webhooks:
    """Finds the trigger of a key and fires it."""

    def __init__(
        self, triggers: Cache, flows: Cache, tenants: Tenants, runs: Runs, ledger: Ledger, clock: Clock
    ) -> None:
        self._triggers = triggers
        self._flows = flows
        self._tenants = tenants
        self._runs = runs
        self._ledger = ledger
        self._clock = clock

    async def fire(self, caller: Caller, key: str, payload: Object, delivery: str | None) -> Started:
        """The Run that a call starts; a repeated delivery id finds the Run of the first.

        NotFound where no trigger has the key, Conflict where it or its flow is paused.
        """
        trigger = self._find(key)
        metadata = trigger["metadata"]
        try:
            started = await self._start(caller, trigger, payload, delivery)
        except Failure as failure:
            await self._record(metadata, delivery, "skipped", reason=failure.message)
            raise
        if not started.repeated:
            await self._record(metadata, delivery, "run", run=started.run["metadata"]["name"])
        return started

    async def _start(self, caller: Caller, trigger: Object, payload: Object, delivery: str | None) -> Started:
        metadata, spec = trigger["metadata"], trigger["spec"]
        if spec.get("suspend"):
            raise Conflict("trigger_suspended", "the trigger is suspended")
        flow = self._flows.get(metadata["namespace"], spec["flow"])
        if flow is None:
            raise Conflict("flow_not_found", f"the trigger's flow {spec['flow']} does not exist")
        started = {"type": "webhook", "name": metadata["name"], "payload": payload}
        cause = Cause(f"webhook/{metadata['uid']}/{delivery}", DELIVERY_MEMORY) if delivery else None
        inputs = _inputs(spec.get("inputs"), payload)
        return await self._runs.start(caller, Start(flow, inputs, started, cause))

    def _find(self, key: str) -> Object:
        """The oldest trigger with this key. Digests are compared, so that time tells nothing of a key."""
        wanted = _digest(key)
        found = [
            item
            for item in self._triggers.items()
            if item["spec"].get("type") == "webhook"
            and self._tenants.has(item["metadata"]["namespace"])
            and _digest((item["spec"].get("webhook") or {}).get("key") or "") == wanted
        ]
        if not key or not found:
            raise NotFound("webhook_not_found", "there is no webhook with this key")
        return min(found, key=lambda item: (item["metadata"]["creationTimestamp"], item["metadata"]["uid"]))

    async def _record(
        self,
        metadata: Object,
        delivery: str | None,
        result: str,
        *,
        run: str | None = None,
        reason: str | None = None,
    ) -> None:
        cause = delivery if delivery and result == "run" else f"{delivery or ''}#{uuid4()}"
        firing = Firing(
            namespace=metadata["namespace"],
            trigger=metadata["name"],
            trigger_uid=metadata["uid"],
            result=result,
            time=self._clock(),
            cause=cause,
            run=run,
            reason=reason,
        )
        await self._ledger.add([firing])


def _inputs(mapping: Object | None, payload: Object) -> Object:
    """The Run's inputs: the payload as it is, or what the trigger's templates make of it."""
    if mapping is None:
        return payload
    context = templates.context(payload, trigger={"type": "webhook", "payload": payload})
    try:
        rendered: Object = templates.render_expressions(mapping, context)
    except templates.TemplateError as error:
        problem = Problem("inputs", str(error))
        raise Invalid(
            "invalid_payload", f"the trigger's inputs cannot be made of this: {error}", [problem]
        ) from error
    return rendered


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()

"""Triggers: schedules and webhooks that start a flow."""

import asyncio
import secrets
from dataclasses import dataclass, replace
from typing import Any

from tailrace_api.cluster.cache import Cache
from tailrace_api.cluster.identity import Caller
from tailrace_api.core.errors import Conflict, Invalid, invalid_field
from tailrace_api.core.resources import Resources, checked_title
from tailrace_crds.language import schedules
from tailrace_crds.language.problems import Problem

Object = dict[str, Any]

KEY_BYTES = 16


@dataclass(frozen=True)
class TriggerDraft:
    """A trigger as a caller describes it; None: not said. `settings` are its type's, as in the resource."""

    title: str | None = None
    flow_id: str | None = None
    type: str | None = None
    settings: Object | None = None
    suspend: bool | None = None


class Triggers:
    """Creates and changes triggers; a webhook's key is unique in the installation."""

    def __init__(self, resources: Resources, flows: Resources, cache: Cache) -> None:
        self._resources = resources
        self._flows = flows
        self._cache = cache
        self._keys = asyncio.Lock()

    def all(self, namespace: str | None) -> list[Object]:
        """All, oldest first."""
        return self._resources.all(namespace)

    def get(self, identifier: str) -> Object:
        """One; NotFound."""
        return self._resources.get(identifier)

    def flow_of(self, trigger: Object) -> Object | None:
        """The flow that it starts; None where there is none of that name."""
        return self._flows.in_namespace(trigger["metadata"]["namespace"], trigger["spec"]["flow"])

    async def create(self, caller: Caller, draft: TriggerDraft) -> Object:
        """A new trigger in the namespace of its flow; a webhook's key is drawn where none is given."""
        title = checked_title(draft.title)
        if draft.flow_id is None:
            raise invalid_field("flowId", "is missing")
        if draft.type is None:
            raise invalid_field("type", "is missing: webhook or schedule")
        flow = self._flow(draft.flow_id)
        spec = {
            "title": title,
            "flow": flow["metadata"]["name"],
            "type": draft.type,
            draft.type: _settings(draft.type, draft.settings or {}, {}),
            "suspend": bool(draft.suspend),
        }
        async with self._keys:
            self._refuse_taken_key(spec, but=None)
            return await self._resources.create(
                caller, flow["metadata"]["namespace"], title, lambda _name: spec
            )

    async def update(self, caller: Caller, identifier: str, draft: TriggerDraft) -> Object:
        """Change a trigger; what is not said stays."""
        current = self.get(identifier)
        metadata = current["metadata"]
        if draft.title is not None:
            title = checked_title(draft.title)
            self._resources.refuse_duplicate(metadata["namespace"], title, but=metadata["uid"])
        flow = None if draft.flow_id is None else self._flow(draft.flow_id)
        if flow is not None and flow["metadata"]["namespace"] != metadata["namespace"]:
            raise invalid_field("flowId", "must be a flow in the trigger's own namespace")
        async with self._keys:
            planned = _changed(current["spec"], draft, flow)
            self._refuse_taken_key(planned, but=metadata["uid"])
            fixed = replace(draft, settings=planned[planned["type"]])
            return await self._resources.modify(
                caller, identifier, lambda stored: _changed(stored["spec"], fixed, flow)
            )

    async def delete(self, caller: Caller, identifier: str) -> None:
        """Remove one; NotFound."""
        await self._resources.delete(caller, identifier)

    def _flow(self, identifier: str) -> Object:
        flow = self._flows.find(identifier)
        if flow is None:
            raise invalid_field("flowId", "is not the id of a flow")
        return flow

    def _refuse_taken_key(self, spec: Object, *, but: str | None) -> None:
        key = (spec.get("webhook") or {}).get("key")
        if key is None:
            return
        for item in self._cache.items():
            taken = (item["spec"].get("webhook") or {}).get("key")
            if taken == key and item["metadata"]["uid"] != but:
                message = "a trigger with this webhook key exists already"
                raise Conflict("duplicate_key", message, [Problem("config.key", message)])


def _changed(spec: Object, draft: TriggerDraft, flow: Object | None) -> Object:
    kind = draft.type or spec["type"]
    before = spec.get(kind) or {}
    changed = {key: value for key, value in spec.items() if key not in {"schedule", "webhook"}}
    changed |= {"type": kind, kind: _settings(kind, draft.settings, before)}
    if draft.title is not None:
        changed["title"] = draft.title
    if flow is not None:
        changed["flow"] = flow["metadata"]["name"]
    if draft.suspend is not None:
        changed["suspend"] = draft.suspend
    return changed


def _settings(kind: str, given: Object | None, before: Object) -> Object:
    """The settings of a trigger's type, checked; a webhook keeps its key where none is given."""
    if given is None and before:
        return before
    settings = dict(given or {})
    if kind == "webhook":
        settings.setdefault("key", before.get("key") or secrets.token_urlsafe(KEY_BYTES))
        return settings
    if "cron" not in settings:
        raise invalid_field("config.cron", "is missing: five cron fields, such as '*/5 * * * *'")
    wrong = schedules.problems(settings["cron"], settings.get("timeZone", "UTC"))
    if wrong:
        details = [Problem(f"config.{problem.path.lower()}", problem.message) for problem in wrong]
        raise Invalid("invalid_request", str(details[0]), details)
    return settings

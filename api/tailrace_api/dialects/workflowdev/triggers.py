"""Triggers, and the webhooks that fire them."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Response
from fastapi import Body as FromBody
from pydantic import BeforeValidator, Field, StringConstraints

from tailrace_api.cluster.cache import identifier
from tailrace_api.cluster.projections import UPDATED_AT
from tailrace_api.core import names
from tailrace_api.core.core import Core
from tailrace_api.core.errors import invalid_field
from tailrace_api.core.triggers import TriggerDraft
from tailrace_api.dialects.workflowdev.executions import ExecutionStarted, started
from tailrace_api.dialects.workflowdev.wire import (
    CALLER,
    PREFIX,
    Answer,
    Body,
    IdempotencyKey,
    Ignored,
    Name,
    Namespace,
    Uses,
    seconds,
)
from tailrace_api.http.parsing import JsonRoute

MISSED = {"all": "All", "last": "Last", "none": "None"}

router = APIRouter(prefix=PREFIX, tags=["triggers"], route_class=JsonRoute)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Type = Annotated[Literal["webhook", "schedule"], BeforeValidator(_lower)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,128}$")]
Delivery = Annotated[str | None, Header(min_length=1, max_length=128)]


class TriggerConfig(Body):
    """A webhook has a key; a schedule has the rest."""

    key: Key | None = None
    cron: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    timezone: Annotated[str, StringConstraints(max_length=64)] | None = None
    missed: Annotated[Literal["all", "last", "none"], BeforeValidator(_lower)] | None = None
    missed_limit: Annotated[int, Field(ge=1, le=1000)] | None = None

    def settings(self, kind: str) -> dict[str, Any]:
        """As the resource has them; Invalid where a field belongs to the other type."""
        given = {name: value for name, value in self.model_dump().items() if value is not None}
        for name in given:
            if (name == "key") != (kind == "webhook"):
                raise invalid_field(
                    f"config.{'missedLimit' if name == 'missed_limit' else name}",
                    f"is no setting of a {kind}",
                )
        own = {"timezone": "timeZone", "missed_limit": "missedLimit"}
        if "missed" in given:
            given["missed"] = MISSED[given["missed"]]
        return {own.get(name, name): value for name, value in given.items()}


class TriggerBody(Body):
    """A trigger to create or update; on update, what is absent stays as it is."""

    name: Name | None = None
    flow_id: str | None = None
    type: Type | None = None
    config: TriggerConfig | None = None
    enabled: bool | None = None
    id: Ignored = None
    namespace: Ignored = None
    created_at: Ignored = None
    updated_at: Ignored = None

    def draft(self, kind: str | None) -> TriggerDraft:
        """As the core takes it; `kind` is the type that the settings are for."""
        settings = None if self.config is None or kind is None else self.config.settings(kind)
        suspend = None if self.enabled is None else not self.enabled
        return TriggerDraft(self.name, self.flow_id, self.type, settings, suspend)


class TriggerAnswer(Answer):
    """A trigger; `flowId` is null where the flow is gone."""

    id: str
    name: str
    namespace: str
    flow_id: str | None
    type: str
    config: dict[str, Any]
    enabled: bool
    created_at: str
    updated_at: str


@router.get("/triggers", summary="List all triggers")
async def list_triggers(
    uses: Uses, namespace: Annotated[Namespace | None, Query()] = None
) -> list[TriggerAnswer]:
    """All triggers, oldest first."""
    return [_trigger(uses, item) for item in uses.triggers.all(namespace)]


@router.post("/triggers", status_code=201, summary="Create a trigger")
async def create_trigger(uses: Uses, body: TriggerBody) -> TriggerAnswer:
    """A new trigger, in the namespace of its flow."""
    return _trigger(uses, await uses.triggers.create(CALLER, body.draft(body.type)))


@router.get("/triggers/{id}", summary="Get a trigger")
async def get_trigger(uses: Uses, id: str) -> TriggerAnswer:  # noqa: A002 - as the other routes
    """One trigger."""
    return _trigger(uses, uses.triggers.get(id))


@router.put("/triggers/{id}", summary="Update a trigger")
async def update_trigger(uses: Uses, id: str, body: TriggerBody) -> TriggerAnswer:  # noqa: A002 - as above
    """Change a trigger."""
    kind = body.type or uses.triggers.get(id)["spec"]["type"]
    return _trigger(uses, await uses.triggers.update(CALLER, id, body.draft(kind)))


@router.delete("/triggers/{id}", status_code=204, summary="Delete a trigger")
async def delete_trigger(uses: Uses, id: str) -> Response:  # noqa: A002 - as above
    """Remove a trigger."""
    await uses.triggers.delete(CALLER, id)
    return Response(status_code=204)


@router.post("/webhook/{key}", summary="Fire a webhook trigger")
async def fire_webhook(
    uses: Uses,
    key: str,
    payload: Annotated[dict[str, Any], FromBody(default_factory=dict)],
    idempotency_key: IdempotencyKey = None,
    webhook_id: Delivery = None,
    x_github_delivery: Delivery = None,
) -> ExecutionStarted:
    """Start the trigger's flow with the body as its inputs; a delivery id makes repeats harmless."""
    delivery = idempotency_key or webhook_id or x_github_delivery
    return started(await uses.webhooks.fire(CALLER, key, payload, delivery))


def _trigger(uses: Core, item: dict[str, Any]) -> TriggerAnswer:
    metadata, spec = item["metadata"], item["spec"]
    flow = uses.triggers.flow_of(item)
    created = metadata["creationTimestamp"]
    updated = (metadata.get("annotations") or {}).get(UPDATED_AT, created)
    return TriggerAnswer(
        id=identifier(item),
        name=names.display(item),
        namespace=metadata["namespace"],
        flow_id=None if flow is None else identifier(flow),
        type=spec["type"],
        config=_config(spec),
        enabled=not spec.get("suspend"),
        created_at=created,
        updated_at=seconds(updated) or created,
    )


def _config(spec: dict[str, Any]) -> dict[str, Any]:
    settings = spec.get(spec["type"]) or {}
    if spec["type"] == "webhook":
        return {"key": settings.get("key")}
    config = {"cron": settings.get("cron"), "timezone": settings.get("timeZone", "UTC")}
    config["missed"] = str(settings.get("missed", "Last")).lower()
    if "missedLimit" in settings:
        config["missedLimit"] = settings["missedLimit"]
    return config

"""Trigger: what starts a Flow by itself, and the ledger of what it did."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tailrace_crds.meta import Condition, JsonObject, Model, Observed, ResourceName, Title


class TriggerType(StrEnum):
    """The sorts of trigger."""

    SCHEDULE = "schedule"
    WEBHOOK = "webhook"


class MissedPolicy(StrEnum):
    """What becomes of slots that passed while nothing was there to fire them."""

    ALL = "All"
    LAST = "Last"
    NONE = "None"


class Schedule(Model):
    """When a schedule fires."""

    cron: Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            description="Five fields, or @hourly, @daily, @weekly, @monthly, @yearly.",
        ),
    ]
    time_zone: Annotated[str, Field(max_length=64, description="An IANA name, such as Europe/Berlin.")] = (
        "UTC"
    )
    missed: MissedPolicy = Field(default=MissedPolicy.LAST, strict=False)
    missed_limit: Annotated[
        int, Field(ge=1, le=1000, description="At most so many missed slots are made up for.")
    ] = 100


class WebhookSettings(Model):
    """An address that starts the flow."""

    key: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9._~-]{1,128}$",
            min_length=1,
            max_length=128,
            description="The last part of the address /api/v1/webhook/<key>; unique in the installation.",
        ),
    ]


class TriggerSpec(Model):
    """What fires, and what it starts."""

    title: Title | None = None
    flow: ResourceName
    type: TriggerType = Field(strict=False)
    schedule: Schedule | None = None
    webhook: WebhookSettings | None = None
    inputs: (
        Annotated[
            JsonObject,
            Field(description="Templates over trigger.payload and trigger.slot; without: the payload."),
        ]
        | None
    ) = None
    suspend: bool = False


class FiringResult(StrEnum):
    """What became of one firing."""

    RUN = "run"
    SKIPPED = "skipped"
    MISSED = "missed"


class Firing(Observed):
    """One line of the ledger."""

    time: str
    slot: str | None = None
    result: FiringResult
    run: str | None = None
    reason: str | None = None


class TriggerStatus(Observed):
    """What the operator found and did; the last ten firings, all of them are in the store."""

    observed_generation: int | None = None
    conditions: Annotated[list[Condition], Field(max_length=16)] = []
    last_slot: str | None = None
    next_slot: str | None = None
    firings: Annotated[
        list[Firing], Field(max_length=10, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = []

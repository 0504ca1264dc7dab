"""The internal API's messages, as docs/design/protocol.md has them.

Fields that are not known are ignored: an old runner may finish its Run under a newer facade, and the reverse.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

PREFIX = "/internal/v1"

Time = Annotated[str, StringConstraints(max_length=40)]
Task = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Attempt = Annotated[int, Field(ge=0, le=1_000_000)]
Uid = Annotated[str, StringConstraints(min_length=1, max_length=64)]
ResourceName = Annotated[str, StringConstraints(min_length=1, max_length=253)]
Namespace = Annotated[str, StringConstraints(min_length=1, max_length=63)]


def _time(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError("should be a time (RFC 3339)")  # noqa: TRY004 - pydantic reports ValueErrors
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("should have a time zone, such as Z")
    return moment


Moment = Annotated[datetime, BeforeValidator(_time)]


class Message(BaseModel):
    """camelCase, strict types."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, strict=True, extra="ignore")


class JournalEntry(Message):
    """The end of one attempt of a task."""

    task: Task
    attempt: Attempt
    phase: Annotated[str, StringConstraints(min_length=1, max_length=16)]
    outputs: Any = None
    outputs_ref: Annotated[str, StringConstraints(max_length=512)] | None = None
    message: Annotated[str, StringConstraints(max_length=65536)] | None = None
    start_time: Time | None = None
    completion_time: Time | None = None


class JournalBody(Message):
    """Entries to keep."""

    entries: Annotated[list[JournalEntry], Field(max_length=1000)]


class Line(Message):
    """One line of a log."""

    time: Time
    task: Task | None = None
    attempt: Attempt | None = None
    level: Annotated[str, StringConstraints(max_length=16)] = "info"
    message: Annotated[str, StringConstraints(max_length=65536)]
    seq: Annotated[int, Field(ge=0, le=2**62)]


class LogBody(Message):
    """Lines to keep."""

    lines: Annotated[list[Line], Field(max_length=2000)]


class ValueBody(Message):
    """A key's value."""

    value: Any


class ContainerBody(Message):
    """A container that a task needs."""

    task: Task
    attempt: Attempt
    args: Annotated[list[str], Field(max_length=1000)] | None = None
    env: Annotated[dict[str, str], Field(max_length=1000)] | None = None


class FiringLine(Message):
    """One line of the ledger."""

    namespace: Namespace
    trigger: ResourceName
    trigger_uid: Annotated[Uid, Field(alias="triggerUID")]
    slot: Moment | None = None
    cause: Annotated[str, StringConstraints(max_length=1024)] | None = None
    result: Annotated[str, StringConstraints(min_length=1, max_length=16)]
    run: ResourceName | None = None
    reason: Annotated[str, StringConstraints(max_length=4096)] | None = None
    time: Moment


class LedgerBody(Message):
    """Firings to keep."""

    firings: Annotated[list[FiringLine], Field(max_length=1000)]


class OutcomeBody(Message):
    """How a container ended."""

    exit_code: Annotated[int, Field(ge=-(2**31), lt=2**31)]
    message: str | None = None
    result: Any = None
    log: str | None = None


class CheckBody(Message):
    """Which Credential."""

    namespace: Namespace
    name: ResourceName

"""What all of workflowdev's messages share: camelCase, strict types, whole seconds, one caller."""

import re
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from tailrace_api.cluster.identity import Caller
from tailrace_api.core.core import Core

CALLER = Caller("workflowdev", "editor")
"""Without JWT every call acts as this one identity."""

PREFIX = "/api/v1"
NAMESPACE = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
Namespace = Annotated[str, StringConstraints(pattern=NAMESPACE)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=253)]


class Body(BaseModel):
    """A request's body: unknown fields are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, strict=True, extra="forbid")


class Answer(BaseModel):
    """A response's body."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


Ignored = Annotated[
    Any, Field(exclude=True, description="Read-only; accepted so that an answer can be sent back.")
]


def core(request: Request) -> Core:
    """The use cases, for a route."""
    found: Core = request.app.state.core
    return found


Uses = Annotated[Core, Depends(core)]


def _printable(key: str) -> str:
    if not key.isascii() or not key.isprintable():
        raise ValueError("should be printable ASCII")
    return key


IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=128, description="Repeats of a request with the same key start one Run."),
    AfterValidator(lambda key: key if key is None else _printable(key)),
]


def seconds(time: str | None) -> str | None:
    """A time with its fraction of a second cut off."""
    return None if time is None else re.sub(r"\.\d+", "", time)

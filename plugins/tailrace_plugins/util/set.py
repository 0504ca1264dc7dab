"""util.set: name values, for tasks that follow."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from tailrace_plugins.base import Model, Plugin, TaskContext


class Inputs(Model):
    """The values."""

    values: Annotated[
        dict[str, Any], Field(description="What tasks.<name>.outputs will be; any JSON values.")
    ]


class Outputs(BaseModel):
    """The values, as they are."""

    model_config = ConfigDict(extra="allow")


class UtilSet(Plugin[Inputs, Outputs]):
    """Name values."""

    id = "util.set"
    name = "Set"
    category = "util"
    description = "Names values: its outputs are what its templates gave."
    pure = True
    example: ClassVar[dict[str, Any]] = {"values": {"greeting": "Hello", "attempts": 3}}

    async def run(self, inputs: Inputs, context: TaskContext) -> Outputs:  # noqa: ARG002 — the interface
        """Give them back."""
        return Outputs.model_validate(inputs.values)

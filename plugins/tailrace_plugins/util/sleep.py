"""util.sleep: wait a while in the pod."""

import asyncio
from typing import Annotated, Any, ClassVar

from pydantic import Field

from tailrace_crds.language import durations
from tailrace_crds.meta import Duration
from tailrace_plugins.base import Model, Plugin, TaskContext, TaskError


class Inputs(Model):
    """How long."""

    duration: Annotated[Duration, Field(description="A length of time, such as 500ms, 30s or 1h30m.")]


class Outputs(Model):
    """How long it was."""

    seconds: Annotated[float, Field(description="The length that was asked for, in seconds.")]


class UtilSleep(Plugin[Inputs, Outputs]):
    """Wait a while."""

    id = "util.sleep"
    name = "Sleep"
    category = "util"
    description = "Waits in the pod for a length of time; cancel and timeout end it early."
    pure = True
    example: ClassVar[dict[str, Any]] = {"duration": "50ms"}

    async def run(self, inputs: Inputs, context: TaskContext) -> Outputs:  # noqa: ARG002 — the interface
        """Wait."""
        try:
            seconds = durations.parse(inputs.duration)
        except ValueError as error:
            raise TaskError(f"properties.duration: {error}", "InvalidProperties", retryable=False) from None
        await asyncio.sleep(seconds)
        return Outputs(seconds=seconds)

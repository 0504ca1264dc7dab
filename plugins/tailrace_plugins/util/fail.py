"""util.fail: end the flow with a message."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from tailrace_plugins.base import Message, Model, Plugin, TaskContext, TaskError


class Inputs(Model):
    """Why it fails."""

    message: Annotated[Message, Field(description="What the Run's status will say.", max_length=4096)]
    retryable: Annotated[bool, Field(description="Whether the task's retry applies.")] = False


class Outputs(Model):
    """It never has any."""


class UtilFail(Plugin[Inputs, Outputs]):
    """Fail with a message."""

    id = "util.fail"
    name = "Fail"
    category = "util"
    description = "Fails with a message; with `when`, a check that stops the flow."
    pure = True
    example: ClassVar[dict[str, Any]] = {"message": "the order has no lines"}

    async def run(self, inputs: Inputs, context: TaskContext) -> Outputs:  # noqa: ARG002 — the interface
        """Fail."""
        raise TaskError(inputs.message, "Failed", retryable=inputs.retryable)

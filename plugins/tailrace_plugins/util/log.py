"""util.log: a line in the Run's log."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from tailrace_plugins.base import Level, Message, Model, Plugin, TaskContext


class Inputs(Model):
    """What to log."""

    message: Annotated[Message, Field(description="The line; line breaks make several.", max_length=65536)]
    level: Annotated[Level, Field(description="How important it is.")] = "info"


class Outputs(Model):
    """What was logged."""

    message: Annotated[str, Field(description="The line.")]


class UtilLog(Plugin[Inputs, Outputs]):
    """Write a line to the Run's log."""

    id = "util.log"
    name = "Log"
    category = "util"
    description = "Writes a line to the Run's log."
    pure = True
    example: ClassVar[dict[str, Any]] = {"message": "Hello world"}

    async def run(self, inputs: Inputs, context: TaskContext) -> Outputs:
        """Log it."""
        for line in inputs.message.splitlines() or [""]:
            context.log(line, inputs.level)
        return Outputs(message=inputs.message)

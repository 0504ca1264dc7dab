"""kv.set: store a value in the key-value store."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from tailrace_plugins.base import Model, Plugin, TaskContext
from tailrace_plugins.kv.keys import Key


class Inputs(Model):
    """What to store, and where."""

    key: Key
    value: Annotated[Any, Field(description="Any JSON value; it takes the place of an older one.")]


class Outputs(Model):
    """What was stored."""

    key: Annotated[str, Field(description="The key.")]
    value: Annotated[Any, Field(description="The value.")]


class KvSet(Plugin[Inputs, Outputs]):
    """Store a key."""

    id = "kv.set"
    name = "Set a key"
    category = "kv"
    description = "Stores a JSON value under a key; it stays after the Run, for every flow of the namespace."
    example: ClassVar[dict[str, Any]] = {"key": "last-order", "value": 1042}

    async def run(self, inputs: Inputs, context: TaskContext) -> Outputs:
        """Store it."""
        await context.kv.set(inputs.key, inputs.value)
        return Outputs(key=inputs.key, value=inputs.value)

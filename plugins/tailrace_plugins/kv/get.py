"""kv.get: read a value of the key-value store."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from tailrace_plugins.base import Model, Plugin, TaskContext, TaskError
from tailrace_plugins.kv.keys import Key


class Inputs(Model):
    """Which value."""

    key: Key
    default: Annotated[
        Any, Field(description="What to give where there is no such key; absent: the task fails.")
    ] = None


class Outputs(Model):
    """The value."""

    value: Annotated[Any, Field(description="The stored JSON value, or the default.")]
    found: Annotated[bool, Field(description="Whether the key exists.")]


class KvGet(Plugin[Inputs, Outputs]):
    """Read a key."""

    id = "kv.get"
    name = "Get a key"
    category = "kv"
    description = "Reads a value that an earlier Run stored under a key, in the namespace of the flow."
    example: ClassVar[dict[str, Any]] = {"key": "last-order", "default": 0}

    async def run(self, inputs: Inputs, context: TaskContext) -> Outputs:
        """Read it."""
        try:
            return Outputs(value=await context.kv.get(inputs.key), found=True)
        except KeyError:
            if "default" in inputs.model_fields_set:
                return Outputs(value=inputs.default, found=False)
            message = f"there is no key {inputs.key}; give a default where it may be absent"
            raise TaskError(message, "KeyNotFound", retryable=False) from None

"""script.python: a Python program that the flow carries in itself, in a process of its own."""

import os
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from tailrace_plugins.base import Model, Plugin, TaskContext, TaskError, Text
from tailrace_plugins.script import landlock, process

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=253)]

REQUIRE = "TAILRACE_REQUIRE_LANDLOCK"
"""A setting of the runner: scripts run fully isolated or not at all."""


class Inputs(Model):
    """The program and what it gets."""

    code: Annotated[
        str,
        Field(
            min_length=1,
            max_length=262144,
            description="Python. It reads the variable `inputs` and sets the variable `outputs` to a dict of "
            "JSON values. It is no template: pass values in `inputs`.",
        ),
    ]
    inputs: Annotated[
        dict[str, Any], Field(description="The variable `inputs`; the values may be templates.")
    ] = {}
    env: Annotated[
        dict[Name, Text],
        Field(description="Environment variables; a credential here must not be bound to hosts."),
    ] = {}


class Outputs(BaseModel):
    """What the program left in `outputs`."""

    model_config = ConfigDict(extra="allow")


class ScriptPython(Plugin[Inputs, Outputs]):
    """Run Python."""

    id = "script.python"
    name = "Python script"
    category = "script"
    description = (
        "Runs Python in a process of its own, with the standard library and what the runner's image has. "
        "It reads and writes files in its working directory only. "
        "What it prints becomes log lines; the variable `outputs` becomes the task's outputs."
    )
    accepts_bound_credentials = False
    credential_properties = ("env",)
    verbatim_properties = ("code",)
    example: ClassVar[dict[str, Any]] = {
        "code": "prices = [line['price'] for line in inputs['lines']]\noutputs = {'total': sum(prices)}\n",
        "inputs": {"lines": [{"price": 4}, {"price": 12}]},
    }

    async def run(self, inputs: Inputs, context: TaskContext) -> Outputs:
        """Run it to its end."""
        _check_isolation(context)
        env = await context.resolve(inputs.env, None)
        ended = await process.run(inputs.code, inputs.inputs, env, context.workdir, context.log)
        if ended.outputs is None:
            message = context.redact(ended.failure or "the script gave no outputs")
            raise TaskError(message, ended.reason, retryable=ended.retryable)
        return Outputs.model_validate(ended.outputs)


def _check_isolation(context: TaskContext) -> None:
    lacking = landlock.lacking(landlock.abi())
    if lacking is None:
        return
    if os.environ.get(REQUIRE, "").strip().lower() not in {"", "false", "0", "no"}:
        raise TaskError(
            f"{REQUIRE} is set, but {lacking}; the script was not started",
            "IsolationUnavailable",
            retryable=False,
        )
    context.log(f"this script is not fully isolated: {lacking}", "warning")

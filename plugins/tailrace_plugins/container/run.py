"""container.run: an image as a Job of its own."""

from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from tailrace_plugins.base import ContainerRequest, Model, Plugin, Scalar, TaskContext, TaskError

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=253)]
Quantities = dict[
    Annotated[str, Field(max_length=63)], Annotated[str, Field(pattern=r"^[0-9.]+[a-zA-Z]{0,2}$")]
]


class Resources(Model):
    """CPU and memory, as Kubernetes writes quantities."""

    requests: Annotated[Quantities, Field(description="What is set aside, such as cpu: 100m.")] = {}
    limits: Annotated[Quantities, Field(description="What it may use at most, such as memory: 256Mi.")] = {}


class Inputs(Model):
    """The container."""

    image: Annotated[
        str,
        Field(min_length=1, max_length=512, description="The image; with a digest it is always the same."),
    ]
    command: Annotated[
        list[str] | None, Field(max_length=256, description="In the place of the image's entrypoint.")
    ] = None
    args: Annotated[
        list[Scalar] | None, Field(max_length=1024, description="Arguments; these may be templates.")
    ] = None
    env: Annotated[
        dict[Name, Scalar],
        Field(max_length=256, description="Environment variables; the values may be templates."),
    ] = {}
    resources: Annotated[Resources, Field(description="CPU and memory.")] = Resources()
    success_codes: Annotated[
        list[Annotated[int, Field(ge=0, le=255)]], Field(description="Exit codes that are no failure.")
    ] = [0]


class Outputs(Model):
    """How it ended."""

    model_config = ConfigDict(extra="forbid")

    exit_code: Annotated[int, Field(description="The exit code.")]
    result: Annotated[
        Any, Field(description="The termination message as JSON, where the container wrote JSON; else null.")
    ] = None
    message: Annotated[
        str | None, Field(description="What it wrote to /dev/termination-log, at most 4 KiB.")
    ] = None


class ContainerRun(Plugin[Inputs, Outputs]):
    """Run an image."""

    id = "container.run"
    name = "Run a container"
    category = "container"
    description = (
        "Runs an image as a Job of its own, under the restricted pod profile. Image, command and resources "
        "are taken from the flow as they are written; only args and env may be templates. It gets no "
        "credentials: they would stand in its Job in plain text."
    )
    accepts_bound_credentials = False
    literal_properties = ("image", "command", "resources")
    example: ClassVar[dict[str, Any]] = {
        "image": "busybox:1.37",
        "command": ["sh", "-c", 'echo "{\\"lines\\": $(wc -l < /etc/passwd)}" > /dev/termination-log'],
        "env": {"TZ": "UTC"},
    }

    async def run(self, inputs: Inputs, context: TaskContext) -> Outputs:
        """Ask for it, wait for its end."""
        result = await context.containers.run(
            ContainerRequest(
                image=inputs.image,
                command=inputs.command,
                args=inputs.args,
                env=inputs.env,
                resources=inputs.resources.model_dump(by_alias=True, exclude_defaults=True),
            )
        )
        if result.exit_code not in inputs.success_codes:
            said = f": {result.message.strip()[:500]}" if result.message else ""
            message = context.redact(f"the container ended with exit code {result.exit_code}{said}")
            raise TaskError(message, "ContainerFailed")
        return Outputs(exit_code=result.exit_code, result=result.result, message=result.message)

"""Flow: what is to be done. Its tasks, what they need of each other, and what happens when one fails."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from tailrace_crds.meta import Condition, Duration, JsonObject, Model, Observed, Title

MAX_TASKS = 1000
MAX_HOOK_TASKS = 100

# The API server itself refuses a second task of a name; a CEL rule would cost too much for 1,000 tasks.
UNIQUE_NAMES: dict[str, JsonValue] = {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
}

TaskName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$",
        min_length=1,
        max_length=63,
        description="Unique in the flow; templates read its outputs as tasks.<name>.outputs.",
    ),
]


class FlowState(StrEnum):
    """Whether anything may start the flow. Draft and Paused refuse every trigger and caller."""

    DRAFT = "Draft"
    ACTIVE = "Active"
    PAUSED = "Paused"


class Backoff(Model):
    """The pause before the next attempt: `initial * factor ** (attempt - 1)`, at most `max`."""

    initial: Duration = "1s"
    factor: Annotated[float, Field(ge=1, le=100, strict=False)] = 2
    max: Duration = "1m"
    jitter: Annotated[bool, Field(description="Draw each pause between zero and its length.")] = True


class Retry(Model):
    """How often a task that fails is tried, in all, and how long it waits between attempts."""

    max_attempts: Annotated[int, Field(ge=1, le=100)] = 3
    backoff: Backoff = Backoff()


class Task(Model):
    """One step of a flow: a plugin's id and the properties that the plugin's input schema asks for."""

    name: TaskName
    type: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$",
            max_length=128,
            description="A plugin's id, such as http.request.",
        ),
    ]
    description: Annotated[str, Field(max_length=1024)] | None = None
    properties: Annotated[
        JsonObject, Field(description="The plugin's inputs; strings may be templates.")
    ] = {}
    needs: (
        Annotated[
            list[TaskName],
            Field(
                max_length=MAX_TASKS,
                description="Tasks that must end first. Absent: the one before. Empty: none, starts at once.",
            ),
        ]
        | None
    ) = None
    when: (
        Annotated[
            str, Field(max_length=4096, description="A template; the task is skipped where it is false.")
        ]
        | None
    ) = None
    retry: Retry | None = None
    timeout: Annotated[Duration, Field(description="For one attempt.")] | None = None
    continue_on_error: Annotated[
        bool,
        Field(description="A failure of this task does not fail the flow, and what needs it still runs."),
    ] = False


class Resources(Model):
    """CPU and memory of the runner's container, as Kubernetes writes quantities."""

    requests: Annotated[dict[str, str], Field(max_length=8)] = {}
    limits: Annotated[dict[str, str], Field(max_length=8)] = {}


class Runner(Model):
    """How a Run of this flow gets its pod."""

    launch: Annotated[Literal["Job"], Field(description="Job: a fresh Job for every attempt.")] = "Job"
    resources: Resources | None = None
    node_selector: Annotated[dict[str, str], Field(max_length=32)] = {}


class Document(Model):
    """What a dialect of the REST API sent, returned verbatim while the tasks are those it described."""

    dialect: Annotated[str, Field(max_length=32)]
    text: Annotated[str, Field(max_length=262144)]
    hash: Annotated[str, Field(max_length=64, description="SHA-256 of the tasks that the text described.")]


class FlowSpec(Model):
    """The flow as its author wrote it."""

    title: Title | None = None
    description: Annotated[str, Field(max_length=4096)] | None = None
    state: FlowState = Field(default=FlowState.ACTIVE, strict=False)
    inputs: (
        Annotated[JsonObject, Field(description="A JSON Schema of type object for a Run's inputs.")] | None
    ) = None
    vars: Annotated[JsonObject, Field(description="Constants, read in templates as vars.<name>.")] = {}
    tasks: Annotated[list[Task], Field(max_length=MAX_TASKS, json_schema_extra=UNIQUE_NAMES)] = []
    on_failure: Annotated[
        list[Task],
        Field(
            max_length=MAX_HOOK_TASKS,
            description="Run in order once a task has failed the flow.",
            json_schema_extra=UNIQUE_NAMES,
        ),
    ] = []
    finally_: Annotated[
        list[Task],
        Field(
            alias="finally",
            max_length=MAX_HOOK_TASKS,
            description="Run in order at the end, whatever happened.",
            json_schema_extra=UNIQUE_NAMES,
        ),
    ] = []
    outputs: Annotated[
        JsonObject, Field(description="Templates; rendered when all tasks have succeeded.")
    ] = {}
    timeout: Annotated[Duration, Field(description="For a whole Run.")] | None = None
    retry: Annotated[Retry, Field(description="For every task that has no retry of its own.")] | None = None
    runner: Runner = Runner()
    ttl_seconds_after_finished: (
        Annotated[
            int, Field(ge=0, le=31536000, description="How long an ended and archived Run stays a resource.")
        ]
        | None
    ) = None
    document: Document | None = None


class LastRun(Observed):
    """The newest Run of a flow."""

    name: str
    phase: str


class RunCounts(Observed):
    """How many Runs of a flow exist as resources."""

    active: int = 0
    succeeded: int = 0
    failed: int = 0


class FlowStatus(Observed):
    """What the operator found."""

    observed_generation: int | None = None
    conditions: Annotated[list[Condition], Field(max_length=16)] = []
    revision: Annotated[str, Field(max_length=253)] | None = None
    last_run: LastRun | None = None
    counts: RunCounts | None = None


def example() -> dict[str, Any]:
    """A small Flow, as documentation and tests show it."""
    return {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Flow",
        "metadata": {"name": "hello"},
        "spec": {
            "tasks": [{"name": "hello", "type": "util.log", "properties": {"message": "Hello world"}}],
        },
    }

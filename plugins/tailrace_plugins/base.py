"""What a plugin is, what it may ask of the runner, and how it fails."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    Protocol,
    TypeVar,
    cast,
    get_args,
    get_origin,
)

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel
from typing_extensions import get_original_bases

from tailrace_crds.language import structure, templates
from tailrace_crds.language.credentials import SecretText
from tailrace_crds.language.template_engine import json_text

if (
    TYPE_CHECKING
):  # only the catalogue's readers need it; building the model would slow every start of a runner
    from tailrace_crds.language.manifest import Manifest

Level = Literal["debug", "info", "warning", "error"]


class TaskError(Exception):
    """A task's failure as its author should read it.

    `reason` is one CamelCase word; `retryable` says whether another attempt could succeed, `retry_after` in
    how many seconds at the earliest. The message holds no secret.
    """

    def __init__(
        self,
        message: str,
        reason: str = "TaskFailed",
        *,
        retryable: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.retryable = retryable
        self.retry_after = retry_after


@dataclass(frozen=True)
class Credential:
    """A secret value, and the hosts that may receive it; none: it is unbound."""

    value: str = field(repr=False)
    hosts: tuple[str, ...] = ()

    @property
    def unbound(self) -> bool:
        """Whether it may be sent to any public host, and be given to scripts."""
        return not self.hosts


@dataclass(frozen=True)
class Network:
    """Where tasks may connect to. Metadata and link-local addresses are never among it."""

    allow_private: bool = True
    allow_loopback: bool = False


@dataclass(frozen=True)
class ContainerRequest:
    """A container task. Only args and env are rendered; the rest is what the pinned revision says."""

    image: str
    command: Sequence[str] | None = None
    args: Sequence[str] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ContainerResult:
    """How a container ended: its exit code, its termination message, and that as JSON where it is JSON."""

    exit_code: int
    message: str | None = None
    result: Any = None


class KeyValue(Protocol):
    """The key-value store of the Run's own namespace; values are JSON."""

    async def get(self, key: str) -> Any:
        """The value; KeyError where there is none."""

    async def set(self, key: str, value: Any) -> None:
        """Store it, in the place of an older one."""

    async def delete(self, key: str) -> None:
        """Remove it; no error where there is none."""


class Containers(Protocol):
    """Containers as Jobs of their own, or on the own machine where the runner runs without a cluster."""

    async def run(self, request: ContainerRequest) -> ContainerResult:
        """Start it (the same task and attempt: the same one), wait for its end."""


class TaskContext(Protocol):
    """What the runner gives to one attempt of a task."""

    @property
    def run(self) -> str:
        """The Run's name."""

    @property
    def task(self) -> str:
        """The task's name."""

    @property
    def attempt(self) -> int:
        """From 1."""

    @property
    def idempotency_key(self) -> str:
        """`run/task`: the same for every attempt."""

    @property
    def workdir(self) -> Path:
        """A directory of this attempt alone; removed after it."""

    @property
    def network(self) -> Network:
        """Where this Run may connect to."""

    @property
    def kv(self) -> KeyValue:
        """The key-value store."""

    @property
    def containers(self) -> Containers:
        """Containers."""

    def log(self, message: str, level: Level = "info") -> None:
        """Write a line to the Run's log; secrets are redacted."""

    def redact(self, text: str) -> str:
        """The text without the values of credentials resolved so far."""

    async def credential(self, name: str) -> Credential:
        """A credential by the name that the flow wrote; TaskError where there is none."""

    async def resolve(self, value: Any, host: str | None) -> Any:
        """The value with the credentials of its SecretTexts filled in, for sending to `host` (or `h:443`).

        TaskError where a credential may not be sent there. None: the receiver is unknown (a script), so that
        only unbound credentials are given. `secrets.resolve` does this for any source of credentials.
        """


def _keep_secret_text(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    checked = handler(value)
    return value if isinstance(value, SecretText) else checked


def _scalar_as_text(value: Any) -> Any:
    return json_text(value) if isinstance(value, (bool, int, float)) else value


def _value_as_text(value: Any) -> Any:
    return value if isinstance(value, str) or value is None else json_text(value)


Scalar = Annotated[str, BeforeValidator(_scalar_as_text)]
"""A string; a template that gives a number, true or false is written as text."""

Message = Annotated[str, BeforeValidator(_value_as_text)]
"""A string for people; a template that gives another value is written as JSON."""

Text = Annotated[str, WrapValidator(_keep_secret_text), BeforeValidator(_scalar_as_text)]
"""A Scalar that may hold `${NAME}`; a plain `str` field makes an inert text of it."""


class Model(BaseModel):
    """Base of inputs and outputs: camelCase on the wire, unknown properties refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out", bound=BaseModel)


class Plugin(ABC, Generic[In, Out]):
    """A task type. One object serves one attempt."""

    id: ClassVar[str]
    name: ClassVar[str]
    category: ClassVar[str]
    description: ClassVar[str]
    example: ClassVar[dict[str, Any]]
    pure: ClassVar[bool] = False
    """Without side effects: needs no journal, and may be repeated at will."""
    accepts_bound_credentials: ClassVar[bool] = True
    """Whether it sends credentials to a host that it knows; where not, `resolve` is called without a host."""
    credential_properties: ClassVar[tuple[str, ...]] = ()
    literal_properties: ClassVar[tuple[str, ...]] = ()
    verbatim_properties: ClassVar[tuple[str, ...]] = ()

    Inputs: ClassVar[type[BaseModel]]
    Outputs: ClassVar[type[BaseModel]]

    def __init_subclass__(cls) -> None:
        """Take `Inputs` and `Outputs` from `Plugin[Inputs, Outputs]`."""
        super().__init_subclass__()
        for base in get_original_bases(cls):
            if get_origin(base) is Plugin:
                cls.Inputs, cls.Outputs = get_args(base)

    @abstractmethod
    async def run(self, inputs: In, context: TaskContext) -> Out:
        """Do the task; TaskError is its failure, anything else is a fault of the plugin."""

    @classmethod
    def manifest(cls) -> "Manifest":
        """The plugin as data."""
        from tailrace_crds.language.manifest import Manifest

        return Manifest(
            id=cls.id,
            name=cls.name,
            category=cls.category,
            description=cls.description,
            input_schema=cls.Inputs.model_json_schema(),
            output_schema=cls.Outputs.model_json_schema(mode="serialization"),
            pure=cls.pure,
            credential_properties=cls.credential_properties,
            literal_properties=cls.literal_properties,
            verbatim_properties=cls.verbatim_properties,
            example=cls.example,
        )

    @classmethod
    def render(cls, properties: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
        """The properties with their templates rendered, but for those that are passed on as written."""
        kept = {*cls.literal_properties, *cls.verbatim_properties}
        return {
            key: item if key in kept else templates.render(item, context) for key, item in properties.items()
        }

    @classmethod
    def parse(cls, properties: Mapping[str, Any]) -> BaseModel:
        """Rendered properties as `Inputs`; TaskError names the property and says what would be right."""
        try:
            return cls.Inputs.model_validate(dict(properties))
        except ValidationError as error:
            problems = structure.problems(error, cls.Inputs, "properties")
            message = "; ".join(str(problem) for problem in problems[:5])
            raise TaskError(message, "InvalidProperties", retryable=False) from None

    async def execute(self, properties: Mapping[str, Any], context: TaskContext) -> dict[str, Any]:
        """Rendered properties in, outputs as JSON out: all that the runner calls."""
        inputs = self.parse(properties)
        outputs = await self.run(cast("In", inputs), context)
        return outputs.model_dump(mode="json", by_alias=True)

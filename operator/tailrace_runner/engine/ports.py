"""What the engine needs of the world; a cluster and a laptop provide it differently."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tailrace_runner.engine.plan import TaskPlan
from tailrace_runner.engine.state import TaskState


class Journal(Protocol):
    """The durable record of ended tasks."""

    def record(self, entry: dict[str, Any], /) -> Awaitable[None]:
        """Put an entry on its way; awaiting the result waits until it is durable."""

    async def flush(self) -> None:
        """Wait until all entries are durable."""


class Store(Protocol):
    """Where outputs go that are too large for a status."""

    async def put(self, name: str, content: bytes) -> str:
        """Keep a JSON document; the reference to it."""

    async def get(self, name: str) -> bytes:
        """The document kept under a name."""


class Log(Protocol):
    """The Run's log."""

    def write(
        self, message: str, level: str = "info", task: str | None = None, attempt: int | None = None
    ) -> None:
        """One line; never blocks."""


class Plugins(Protocol):
    """The task types."""

    def is_pure(self, task_type: str) -> bool:
        """Whether executing such a task again changes nothing in the world."""

    def render(self, task: TaskPlan, context: Mapping[str, Any]) -> dict[str, Any]:
        """The task's properties with their templates rendered. Raises TemplateError and TaskError."""

    async def execute(self, task: TaskPlan, attempt: int, properties: Mapping[str, Any]) -> dict[str, Any]:
        """One attempt at a task with rendered properties: its outputs as JSON values, or a TaskError."""


class Redactor(Protocol):
    """Keeps secrets out of what the engine passes on."""

    def text(self, text: str) -> str:
        """The text without secrets."""

    def value(self, value: Any) -> Any:
        """The JSON value without secrets."""


@dataclass(frozen=True)
class Ports:
    """All of it, and the clock."""

    plugins: Plugins
    journal: Journal
    store: Store
    log: Log
    redactor: Redactor
    changed: Callable[[TaskState], None]
    now: Callable[[], datetime]
    draw: Callable[[], float]

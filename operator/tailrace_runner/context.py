"""What a plugin may ask of the runner, and how its errors reach the flow."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tailrace_plugins import catalogue, secrets
from tailrace_plugins.base import Containers, Credential, KeyValue, Level, Network, Plugin, TaskError
from tailrace_runner.engine.plan import TaskPlan
from tailrace_runner.engine.ports import Log
from tailrace_runner.redaction import Redactor


@dataclass(frozen=True)
class Services:
    """What tasks use, provided by the cluster or by a laptop."""

    run: str
    run_key: str
    workdir: Path
    network: Network
    kv: KeyValue
    containers: Callable[[str, int], Containers]
    credential: Callable[[str], Awaitable[Credential]]
    log: Log
    redactor: Redactor


class Context:
    """`tailrace_plugins.base.TaskContext` for one attempt of a task."""

    def __init__(self, services: Services, task: str, attempt: int) -> None:
        self.run = services.run
        self.task = task
        self.attempt = attempt
        self.idempotency_key = f"{services.run_key}/{task}"
        self.network = services.network
        self.kv = services.kv
        self.containers = services.containers(task, attempt)
        self._services = services
        self._workdir: Path | None = None

    @property
    def workdir(self) -> Path:
        """A directory of this attempt alone, made when it is first asked for."""
        if self._workdir is None:
            import tempfile

            name = f"{self.task}-{self.attempt}-"
            self._workdir = Path(tempfile.mkdtemp(prefix=name, dir=self._services.workdir))
        return self._workdir

    def close(self) -> None:
        """Remove what the attempt left in its directory."""
        if self._workdir is not None:
            import shutil

            shutil.rmtree(self._workdir, ignore_errors=True)

    def log(self, message: str, level: Level = "info") -> None:
        """A line of the Run's log."""
        self._services.log.write(message, level, self.task, self.attempt)

    def redact(self, text: str) -> str:
        """The text without secrets."""
        return self._services.redactor.text(text)

    async def credential(self, name: str) -> Credential:
        """A credential; from now on its value is redacted everywhere."""
        credential = await self._services.credential(name)
        self._services.redactor.add(credential.value)
        return credential

    async def resolve(self, value: Any, host: str | None) -> Any:
        """The value with its credentials, for sending to `host` alone."""
        return await secrets.resolve(value, host, self.credential)


class PluginRunner:
    """The engine's view of the catalogue: only what the plan names is imported, when it is needed."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def is_pure(self, task_type: str) -> bool:
        """Whether a task of this type may be repeated at will."""
        try:
            return catalogue.get(task_type).pure
        except LookupError:
            return False

    def render(self, task: TaskPlan, context: Mapping[str, Any]) -> dict[str, Any]:
        """The properties as the plugin wants them rendered."""
        return _plugin(task.type).render(task.properties, context)

    async def execute(self, task: TaskPlan, attempt: int, properties: Mapping[str, Any]) -> dict[str, Any]:
        """One attempt."""
        plugin = _plugin(task.type)
        context = Context(self._services, task.name, attempt)
        try:
            return await plugin().execute(properties, context)
        finally:
            context.close()


def _plugin(task_type: str) -> type[Plugin[Any, Any]]:
    try:
        return catalogue.get(task_type)
    except LookupError as error:
        raise TaskError(str(error), "UnknownTaskType", retryable=False) from None
    except ImportError as error:
        message = f"task type {task_type} cannot be loaded: {error}"
        raise TaskError(message, "PluginUnavailable", retryable=False) from error

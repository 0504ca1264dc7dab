"""What tasks use in a cluster, all of it through the internal API."""

from typing import Any

from tailrace_plugins.base import ContainerRequest, ContainerResult, Credential, TaskError
from tailrace_runner.errors import ServerError
from tailrace_runner.http import Unreachable
from tailrace_runner.internal import InternalApi

WAIT_SECONDS = 30.0


class ClusterCredentials:
    """Credentials of the Run's namespace, asked for each time: one that was replaced is used at once."""

    def __init__(self, api: InternalApi) -> None:
        self._api = api

    async def __call__(self, name: str) -> Credential:
        """TaskError where there is none, or its value cannot be read."""
        try:
            found = await self._api.credential(name)
        except ServerError as refusal:
            reason = {404: "CredentialNotFound", 422: "CredentialUnreadable"}.get(
                refusal.status, "CredentialRefused"
            )
            raise TaskError(f"credential {name}: {refusal.message}", reason, retryable=False) from None
        except Unreachable as error:
            raise TaskError(f"credential {name} cannot be had: {error}", "Unavailable") from None
        return Credential(found["value"], tuple(found.get("hosts") or ()))


class ClusterKeyValue:
    """The key-value store of the Run's namespace."""

    def __init__(self, api: InternalApi) -> None:
        self._api = api

    async def get(self, key: str) -> Any:
        """The value; KeyError where there is none."""
        try:
            return await self._api.get_key(key)
        except ServerError as refusal:
            if refusal.status == 404:  # noqa: PLR2004 - HTTP's own error
                raise KeyError(key) from None
            raise _failed(key, refusal) from None
        except Unreachable as error:
            raise _failed(key, error) from None

    async def set(self, key: str, value: Any) -> None:
        """Store a value."""
        try:
            await self._api.set_key(key, value)
        except (ServerError, Unreachable) as error:
            raise _failed(key, error) from None

    async def delete(self, key: str) -> None:
        """Remove a key, if it is there."""
        try:
            await self._api.delete_key(key)
        except ServerError as refusal:
            if refusal.status != 404:  # noqa: PLR2004 - HTTP's own error
                raise _failed(key, refusal) from None
        except Unreachable as error:
            raise _failed(key, error) from None


class ClusterContainers:
    """Containers as Jobs that the operator makes; only args and env are ours to give."""

    def __init__(self, api: InternalApi, task: str, attempt: int) -> None:
        self._api = api
        self._task = task
        self._attempt = attempt

    async def run(self, request: ContainerRequest) -> ContainerResult:
        """Ask for it, wait for its end. Asked for again after a lost pod, it is the same container."""
        body: dict[str, Any] = {"task": self._task, "attempt": self._attempt, "env": dict(request.env)}
        if request.args is not None:
            body["args"] = list(request.args)
        try:
            identifier = await self._api.start_container(body)
            while True:
                found = await self._api.container(identifier, WAIT_SECONDS)
                if found["state"] == "done":
                    return ContainerResult(
                        found.get("exitCode", -1), found.get("message"), found.get("result")
                    )
        except ServerError as refusal:
            raise TaskError(f"the container was refused: {refusal.message}", "ContainerRefused") from None
        except Unreachable as error:
            raise TaskError(f"the container cannot be asked for: {error}", "Unavailable") from None


class ClusterStore:
    """Outputs too large for the journal."""

    def __init__(self, api: InternalApi) -> None:
        self._api = api

    async def put(self, name: str, content: bytes) -> str:
        """Keep a document; the reference to it."""
        return await self._api.put_outputs(name, content)

    async def get(self, name: str) -> bytes:
        """The document."""
        return await self._api.get_outputs(name)


def _failed(key: str, error: ServerError | Unreachable) -> TaskError:
    if isinstance(error, ServerError):
        return TaskError(f"key {key}: {error.message}", "KeyValueRefused", retryable=False)
    return TaskError(f"key {key}: {error}", "Unavailable")

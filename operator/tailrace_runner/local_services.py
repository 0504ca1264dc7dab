"""What tasks use on a laptop: the same as in a cluster, from the user's own files and programs."""

import asyncio
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tailrace_crds.language import credentials as language
from tailrace_plugins.base import ContainerRequest, ContainerResult, Credential, TaskError

ENGINES = ("docker", "podman")
LONGEST_LINE = 65536


class NoJournal:
    """A laptop makes no second attempt, so that nothing need outlast the first."""

    def record(self, _entry: dict[str, Any]) -> "asyncio.Future[None]":
        """Done at once."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def flush(self) -> None:
        """Nothing is on its way."""


class DirectoryStore:
    """Large outputs as files."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def put(self, name: str, content: bytes) -> str:
        """Write a document; its path."""
        path = self._directory / f"{name}.json"
        path.write_bytes(content)
        return str(path)

    async def get(self, name: str) -> bytes:
        """Read it."""
        return (self._directory / f"{name}.json").read_bytes()


class LocalCredentials:
    """Credentials that the user has given."""

    def __init__(self, given: Mapping[str, Credential]) -> None:
        self._given = given

    async def __call__(self, name: str) -> Credential:
        """By its name, or the UPPER_SNAKE form of it; TaskError tells how to give one."""
        found = language.find([(given, None) for given in self._given], name)
        if found is None:
            message = f"there is no credential {name}: give it with --credential '{name}=env:VARIABLE'"
            raise TaskError(message, "CredentialNotFound", retryable=False)
        return self._given[found]


class LocalKeyValue:
    """A key-value store in a JSON file, or in memory alone."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._data: dict[str, Any] = {}
        if path is not None and path.exists():
            self._data = json.loads(path.read_text())

    async def get(self, key: str) -> Any:
        """The value; KeyError where there is none."""
        return self._data[key]

    async def set(self, key: str, value: Any) -> None:
        """Store a value."""
        self._data[key] = value
        self._save()

    async def delete(self, key: str) -> None:
        """Remove a key, if it is there."""
        self._data.pop(key, None)
        self._save()

    def _save(self) -> None:
        if self._path is not None:
            draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            draft.write_text(json.dumps(self._data, indent=2, ensure_ascii=False))
            draft.replace(self._path)


class LocalContainers:
    """Containers by docker or podman, whichever is there."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log

    async def run(self, request: ContainerRequest) -> ContainerResult:
        """Run it, its output as log lines; TaskError where there is no engine."""
        engine = next((found for name in ENGINES if (found := shutil.which(name))), None)
        if engine is None:
            message = "container tasks need docker or podman on this machine; neither was found"
            raise TaskError(message, "NoContainerEngine", retryable=False)
        name = f"tailrace-{secrets.token_hex(6)}"
        with tempfile.NamedTemporaryFile(prefix="tailrace-") as termination:
            os.chmod(termination.name, 0o666)  # noqa: PTH101, S103 - the container may run as any user
            arguments = _arguments(request, name, termination.name)
            exit_code = await self._execute(engine, name, arguments, request.env)
            message = termination.read().decode(errors="replace")
        return ContainerResult(exit_code, message or None, _as_json(message))

    async def _execute(self, engine: str, name: str, arguments: list[str], env: Mapping[str, str]) -> int:
        # Values go by the environment: an argument would be in everyone's process list.
        process = await asyncio.create_subprocess_exec(
            engine,
            *arguments,
            env={**os.environ, **env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            assert process.stdout is not None  # noqa: S101 - it was asked for
            async for line in lines(process.stdout):
                self._log(line)
            return await process.wait()
        except asyncio.CancelledError:
            killer = await asyncio.create_subprocess_exec(
                engine, "kill", name, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
            )
            await killer.wait()
            raise
        finally:
            with suppress(ProcessLookupError):
                process.kill()


async def lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """The lines of a stream, however long; one without an end is given in pieces."""
    pending = b""
    while chunk := await stream.read(LONGEST_LINE):
        *whole, pending = (pending + chunk).split(b"\n")
        if len(pending) >= LONGEST_LINE:
            whole, pending = [*whole, pending], b""
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
    if pending:
        yield pending.decode(errors="replace").rstrip("\r")


def _arguments(request: ContainerRequest, name: str, termination: str) -> list[str]:
    """As Kubernetes reads them: `command` is the entry point, `args` what follows."""
    command = list(request.command or ())
    entry = ["--entrypoint", command[0]] if command else []
    env = [part for key in request.env for part in ("--env", key)]
    mount = ["--volume", f"{termination}:/dev/termination-log"]
    following = [*command[1:], *(request.args or ())]
    return ["run", "--rm", "--name", name, *mount, *env, *entry, request.image, *following]


def _as_json(message: str) -> Any:
    try:
        return json.loads(message)
    except ValueError:
        return None

"""A program in a process group of its own: its output as log lines, and the end of all that it started."""

import asyncio
import contextlib
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tailrace_plugins.base import Level

MAX_LINE = 16 * 1024
"""Longer lines are logged in pieces, in bytes."""
MAX_RESULT = 100 * 1024 * 1024
GRACE_SECONDS = 2.0
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")

Log = Callable[[str, Level], None]


@dataclass(frozen=True)
class Ended:
    """How a program ended: its outputs as JSON text, or why it failed."""

    outputs: dict[str, Any] | None = None
    failure: str | None = None
    reason: str = "ScriptFailed"
    retryable: bool = True


_UNREADABLE = Ended(failure="the script's result cannot be read", reason="InvalidOutputs", retryable=False)


async def run(code: str, inputs: Mapping[str, Any], env: Mapping[str, str], workdir: Path, log: Log) -> Ended:
    """Run Python code to its end. Cancelling this ends the program and all that it started."""
    control = workdir / ".tailrace"
    control.mkdir(mode=0o700, parents=True, exist_ok=True)
    (control / "code.py").write_text(code, "utf-8")
    (control / "inputs.json").write_text(json.dumps(inputs), "utf-8")
    (control / "result.json").unlink(missing_ok=True)
    command = [sys.executable, "-I", "-u", "-X", "utf8", str(_BOOTSTRAP), str(control)]
    # Opened beforehand: the program may put a link to another task's directory in this one's place.
    opened = os.open(control, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        returncode = await logged(command, environment(env, workdir), workdir, log)
        return _ended(opened, returncode)
    finally:
        os.close(opened)


def environment(given: Mapping[str, str], workdir: Path) -> dict[str, str]:
    """A minimal environment: nothing of the runner's own, whose variables name tokens and addresses."""
    inherited = {name: os.environ[name] for name in ("PATH", "TZ", "LANG", "LC_ALL") if name in os.environ}
    return {"LANG": "C.UTF-8", **inherited, "HOME": str(workdir), "TMPDIR": str(workdir), **given}


def _ended(control: int, returncode: int) -> Ended:
    try:
        text = _result(control)
    except FileNotFoundError:
        if returncode < 0:
            name = signal.Signals(-returncode).name
            hint = ": it may have used more memory than its pod has" if name == "SIGKILL" else ""
            return Ended(failure=f"the script was ended by {name}{hint}", reason="ScriptKilled")
        return Ended(failure=f"the script ended with exit code {returncode} before it gave outputs")
    except OSError:
        return _UNREADABLE
    if len(text) > MAX_RESULT:
        message = f"the outputs have more than {MAX_RESULT} bytes"
        return Ended(failure=message, reason="OutputsTooLarge", retryable=False)
    try:
        return Ended(**json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return _UNREADABLE


def _result(control: int) -> bytes:
    """At most MAX_RESULT + 1 bytes; OSError where there is no regular file: a link may lead anywhere."""
    descriptor = os.open("result.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=control)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("no regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(min(status.st_size, MAX_RESULT) + 1)
    finally:
        os.close(descriptor)


async def logged(command: Sequence[str], env: Mapping[str, str], cwd: Path, log: Log) -> int:
    """Run a command, log each line of its output while it runs, give its exit code (negative: a signal)."""
    async with contextlib.AsyncExitStack() as stack:
        stdout = await stack.enter_async_context(_lines(log, "info"))
        stderr = await stack.enter_async_context(_lines(log, "warning"))
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
        try:
            return await process.wait()
        except asyncio.CancelledError:
            _signal_group(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), GRACE_SECONDS)
            raise
        finally:
            _signal_group(process.pid, signal.SIGKILL)


def _signal_group(pid: int, signal_: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal_)


@contextlib.asynccontextmanager
async def _lines(log: Log, level: Level) -> AsyncIterator[int]:
    """The writing end of a pipe whose lines are logged; at the end, what is still in it."""
    reading, writing = os.pipe()
    reader = asyncio.StreamReader(limit=2 * MAX_LINE)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
    )
    pump = asyncio.create_task(_pump(reader, log, level))
    try:
        yield writing
    finally:
        os.close(writing)
        # A process that left the group may hold the pipe open: it is not waited for.
        await asyncio.wait({pump}, timeout=GRACE_SECONDS)
        pump.cancel()
        transport.close()


async def _pump(reader: asyncio.StreamReader, log: Log, level: Level) -> None:
    pending = b""
    while chunk := await reader.read(MAX_LINE):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            _log_line(line, log, level)
        if len(pending) >= MAX_LINE:
            _log_line(pending, log, level)
            pending = b""
    if pending:
        _log_line(pending, log, level)


def _log_line(line: bytes, log: Log, level: Level) -> None:
    log(line.decode("utf-8", "replace").rstrip("\r"), level)

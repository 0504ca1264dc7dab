"""`python -m tailrace_runner.local`: a flow on this machine, with the code that executes it in a pod.

Events go to a file descriptor as JSON lines, each with an `event`: `task` (its state changed), `log`, and at
the end `run`. SIGINT cancels, and runs `finally`; a second one stops at once.
Exit codes: 0 succeeded, 1 not, 2 bad input, 130 cancelled.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from tailrace_crds.language import inputs as flow_inputs
from tailrace_crds.language.validation import validate
from tailrace_crds.language.yaml_text import load_yaml
from tailrace_crds.phases import RunPhase
from tailrace_plugins import catalogue
from tailrace_plugins.base import Credential, Network
from tailrace_runner.context import PluginRunner, Services
from tailrace_runner.engine.execution import Execution
from tailrace_runner.engine.plan import flow_plan
from tailrace_runner.engine.ports import Ports
from tailrace_runner.engine.state import Result, TaskState, timestamp
from tailrace_runner.engine.values import RUN_OUTPUTS, Values, roots
from tailrace_runner.local_services import (
    DirectoryStore,
    LocalContainers,
    LocalCredentials,
    LocalKeyValue,
    NoJournal,
)
from tailrace_runner.logs import Log
from tailrace_runner.redaction import Redactor

SUCCEEDED, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
NAMESPACE = "local"


class BadInputError(Exception):
    """What the user gave cannot be executed; the message says why."""


class Events:
    """Events as JSON lines on a file descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def emit(self, event: str, content: Mapping[str, Any]) -> None:
        """One line."""
        os.write(self._descriptor, orjson.dumps({"event": event, **content}) + b"\n")


def main() -> None:
    """Execute the flow of the command line; exits."""
    options = _options(sys.argv[1:])
    descriptor = sys.stdout.fileno() if options.events == "-" else int(options.events)
    try:
        document, given = _flow(options.flow), _inputs(options.inputs)
        credentials = _credentials(options.credentials, options.credential)
        _check(document, given)
    except BadInputError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(BAD_INPUT)
    with tempfile.TemporaryDirectory(prefix="tailrace-") as directory:
        events = Events(descriptor)
        try:
            code = asyncio.run(_run(document, given, credentials, options.kv, Path(directory), events))
        except (KeyboardInterrupt, asyncio.CancelledError):
            code = INTERRUPTED
    sys.exit(code)


async def _run(
    document: dict[str, Any],
    given: dict[str, Any],
    credentials: dict[str, Credential],
    kv: Path | None,
    directory: Path,
    events: Events,
) -> int:
    started = _now()
    flow = flow_plan((document.get("metadata") or {}).get("name") or "flow", document["spec"])
    redactor = Redactor()
    log = Log(redactor, lambda: timestamp(_now()), lambda line: events.emit("log", line))
    store = DirectoryStore(directory)

    def containers(task: str, attempt: int) -> LocalContainers:
        return LocalContainers(lambda line: log.write(line, "info", task, attempt))

    run = _run_object(flow.name, given, started)
    services = Services(
        run=run["metadata"]["name"],
        run_key=run["metadata"]["uid"],
        workdir=directory,
        network=Network(allow_private=True, allow_loopback=True),
        kv=LocalKeyValue(kv),
        containers=containers,
        credential=LocalCredentials(credentials),
        log=log,
        redactor=redactor,
    )
    ports = Ports(
        plugins=PluginRunner(services),
        journal=NoJournal(),
        store=store,
        log=log,
        redactor=redactor,
        changed=lambda state: events.emit("task", _task(state, redactor)),
        now=_now,
        draw=random.random,
    )
    execution = Execution(flow, ports, Values(roots(run, flow), store), started=started)
    for state in execution.states.values():
        events.emit("task", _task(state, redactor))
    result = await _interruptible(execution)
    outputs = result.outputs
    if result.outputs_ref is not None:
        outputs = orjson.loads(await store.get(RUN_OUTPUTS))
    events.emit("run", _end(result, outputs, started))
    return _exit_code(result)


async def _interruptible(execution: Execution) -> Result:
    loop = asyncio.get_running_loop()
    work = asyncio.create_task(execution.run())

    def interrupt() -> None:
        # The second one stops what finally does, too.
        loop.add_signal_handler(signal.SIGINT, work.cancel)
        execution.cancel()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, execution.cancel)
    return await work


def _task(state: TaskState, redactor: Redactor) -> dict[str, Any]:
    document = asdict(state)
    document["phase"] = state.phase.value
    document["message"] = redactor.text(state.message or "") or None
    renamed = {"start_time": "startTime", "completion_time": "completionTime"}
    return {renamed.get(key, key): value for key, value in document.items() if value is not None}


def _end(result: Result, outputs: Any, started: datetime) -> dict[str, Any]:
    took = round((_now() - started).total_seconds() * 1000)
    document = {
        "phase": result.phase.value,
        "reason": result.reason,
        "message": result.message,
        "outputs": outputs,
    }
    return {key: value for key, value in document.items() if value} | {"durationMs": took}


def _exit_code(result: Result) -> int:
    if result.phase is RunPhase.CANCELLED:
        return INTERRUPTED
    return SUCCEEDED if result.phase in {RunPhase.SUCCEEDED, RunPhase.PARTIAL} else FAILED


def _run_object(flow: str, given: dict[str, Any], started: datetime) -> dict[str, Any]:
    """The Run that a cluster would have."""
    return {
        "metadata": {"name": f"{flow}-local", "namespace": NAMESPACE, "uid": str(uuid.uuid4())},
        "spec": {"flow": flow, "inputs": given, "trigger": {"type": "manual"}},
        "status": {"phase": "Running", "startTime": timestamp(started), "claim": {"attempt": 1}},
    }


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tailrace_runner.local", description=__doc__)
    parser.add_argument("--flow", required=True, help="a Flow as YAML or JSON; - for standard input")
    parser.add_argument("--inputs", default="{}", help="a JSON object")
    parser.add_argument("--events", default="-", help="the file descriptor for events; - for standard output")
    parser.add_argument("--credential", action="append", default=[], metavar="NAME=env:VARIABLE")
    parser.add_argument("--credentials", type=Path, help="a YAML file: NAME: value, or {value, hosts}")
    parser.add_argument("--kv", type=Path, help="a JSON file for the key-value store; absent: in memory")
    return parser.parse_args(arguments)


def _flow(source: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{source}: {error}") from None
    document, problems = load_yaml(text)
    if problems:
        raise BadInputError("\n".join(f"{source}: {problem}" for problem in problems))
    if not isinstance(document, dict) or not isinstance(document.get("spec"), dict):
        raise BadInputError(f"{source}: not a Flow: an object with a spec is expected")
    return document


def _inputs(text: str) -> dict[str, Any]:
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadInputError(f"--inputs is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise BadInputError("--inputs should be a JSON object")
    return given


def _check(document: dict[str, Any], given: dict[str, Any]) -> None:
    problems = validate(document["spec"], catalogue)
    problems = problems or flow_inputs.check(document["spec"].get("inputs"), given, "inputs")
    if problems:
        raise BadInputError("\n".join(str(problem) for problem in problems))


def _credentials(file: Path | None, given: Sequence[str]) -> dict[str, Credential]:
    found = _credentials_file(file) if file is not None else {}
    for item in given:
        name, _, source = item.partition("=")
        kind, _, variable = source.partition(":")
        if not name or kind != "env" or not variable:
            raise BadInputError(f"--credential {name}: write NAME=env:VARIABLE")
        value = os.environ.get(variable)
        if value is None:
            raise BadInputError(f"--credential {name}: the variable {variable} is not set")
        found[name] = Credential(value)
    return found


def _credentials_file(path: Path) -> dict[str, Credential]:
    try:
        document, problems = load_yaml(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: {error}") from None
    if problems or not isinstance(document, dict):
        raise BadInputError(
            f"{path}: " + ("; ".join(map(str, problems)) or "should be an object of credentials")
        )
    found = {}
    for name, item in document.items():
        entry = item if isinstance(item, dict) else {"value": item}
        value, hosts = entry.get("value"), entry.get("hosts", [])
        if not isinstance(value, str) or not isinstance(hosts, list):
            raise BadInputError(f"{path}: {name} should be a text, or an object with value and hosts")
        found[str(name)] = Credential(value, tuple(map(str, hosts)))
    return found


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()

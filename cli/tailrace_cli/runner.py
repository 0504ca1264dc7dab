"""Starting the runner as a program, and reading its events."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tailrace_cli.show import JsonLines, LiveTable, PlainLines

Display = JsonLines | PlainLines | LiveTable
FAULT = 1


def run(flow: dict[str, Any], inputs: dict[str, Any], options: Sequence[str], display: Display) -> int:
    """Execute a flow here; the runner's exit code. Ctrl-C cancels it, and lets it run `finally`."""
    reading, writing = os.pipe()
    arguments = ["--flow", "-", "--inputs", json.dumps(inputs), "--events", str(writing), *options]
    # A session of its own: the terminal's Ctrl-C reaches the runner once, from here, and not its tasks.
    process = subprocess.Popen(
        [sys.executable, "-m", "tailrace_runner.local", *arguments],
        stdin=subprocess.PIPE,
        pass_fds=(writing,),
        start_new_session=True,
        text=True,
    )
    os.close(writing)
    with _interrupts_passed_to(process):
        assert process.stdin is not None  # noqa: S101 - it was asked for
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(json.dumps(flow))
        with display, os.fdopen(reading, encoding="utf-8") as events:
            for line in events:
                display.show(json.loads(line))
        return process.wait()


def read_inputs(pairs: Sequence[str], file: Path | None, types: Mapping[str, Any]) -> dict[str, Any]:
    """`--input name=value` over `--inputs file.json`; ValueError says what is wrong.

    A value that is JSON keeps its type, unless the flow declares its input as text.
    """
    inputs = _inputs_file(file) if file is not None else {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not key or not separator:
            raise ValueError(f"--input {pair}: write name=value")
        inputs[key] = text if types.get(key) == "string" else _json_or_text(text)
    return inputs


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _inputs_file(path: Path) -> dict[str, Any]:
    try:
        inputs = json.loads(sys.stdin.read() if str(path) == "-" else path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"--inputs {path}: {error}") from None
    if not isinstance(inputs, dict):
        raise ValueError(f"--inputs {path}: should hold a JSON object")  # noqa: TRY004 - it is what the user gave
    return inputs


@contextmanager
def _interrupts_passed_to(process: "subprocess.Popen[str]") -> Iterator[None]:
    def forward(number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):
            process.send_signal(number)

    before = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

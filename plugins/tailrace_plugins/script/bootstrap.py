"""What the process of a script.python task executes: the user's program, between its inputs and its outputs.

Called as `python -I bootstrap.py <directory>`; the directory holds `code.py` and `inputs.json`, and gets
`result.json`: `{"outputs": {…}}` or `{"failure", "reason", "retryable"}`. Before the program is so much as
compiled, the process enters a Landlock domain in which the directory's parent alone is its own, as far as the
kernel has Landlock; whether that is far enough is the runner's to decide. Standard library only.
"""

import json
import linecache
import math
import sys
import traceback
import types
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

SCRIPT = "<script>"


def main(directory: Path) -> int:
    """Execute the program; the exit code is 0 where it has outputs."""
    source = (directory / "code.py").read_text("utf-8")
    inputs = json.loads((directory / "inputs.json").read_text("utf-8"))
    result = confine(directory.parent) or execute(source, inputs)
    (directory / "result.json").write_text(json.dumps(result), "utf-8")
    return 0 if "outputs" in result else 1


def confine(own: Path) -> dict[str, Any] | None:
    """Enter the domain; how that failed, if it did: the program is then not executed."""
    landlock = types.ModuleType("landlock")
    SourceFileLoader(landlock.__name__, str(Path(__file__).with_name("landlock.py"))).exec_module(landlock)
    try:
        if abi := landlock.abi():
            landlock.enter(str(own), abi)
    except OSError as error:
        message = f"the script was not started: it cannot enter a Landlock domain: {error}"
        return failure(message, "IsolationFailed", retryable=False)
    return None


def execute(source: str, inputs: Any) -> dict[str, Any]:
    """The program's outputs, or how it failed; a traceback goes to stderr."""
    linecache.cache[SCRIPT] = (len(source), None, source.splitlines(keepends=True), SCRIPT)
    module = types.ModuleType("__main__")
    module.__dict__.update(inputs=inputs, outputs={})
    sys.modules["__main__"] = module
    try:
        exec(compile(source, SCRIPT, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 — this is its purpose
    except SystemExit as exit_:
        if exit_.code not in {None, 0}:
            said = f"with exit code {exit_.code}" if isinstance(exit_.code, int) else f"saying: {exit_.code}"
            return failure(f"the script ended {said}")
    except SyntaxError as error:
        traceback.print_exception(error.with_traceback(None))
        return failure(f"line {error.lineno}: {type(error).__name__}: {error.msg}", retryable=False)
    except BaseException as error:  # noqa: BLE001 — whatever the user's program raises is its failure
        own = error.__traceback__.tb_next if error.__traceback__ else None
        traceback.print_exception(error.with_traceback(own))
        return failure(f"{line_of(own)}{last_line(error)}")
    outputs = module.__dict__.get("outputs")
    if not isinstance(outputs, dict):
        return failure(
            f"outputs should be a dict, not {type(outputs).__name__}", "InvalidOutputs", retryable=False
        )
    fault = not_json(outputs, "outputs", 0)
    return failure(fault, "InvalidOutputs", retryable=False) if fault else {"outputs": outputs}


def failure(message: str, reason: str = "ScriptFailed", *, retryable: bool = True) -> dict[str, Any]:
    """How a failure is told to the runner."""
    return {"failure": message[:2000], "reason": reason, "retryable": retryable}


def line_of(trace: types.TracebackType | None) -> str:
    """`line 3: ` for the innermost line of the program itself; empty where it is none of its lines."""
    lines = [frame.lineno for frame in traceback.extract_tb(trace) if frame.filename == SCRIPT]
    return f"line {lines[-1]}: " if lines else ""


def last_line(error: BaseException) -> str:
    """The traceback's last line, as Python writes it."""
    return "".join(traceback.format_exception_only(type(error), error)).strip()


def not_json(value: Any, path: str, depth: int) -> str | None:
    """Where a value is not JSON, and what it is there; None where all of it is."""
    if depth > 100:  # noqa: PLR2004 — deeper than any JSON that people write
        return f"{path[:200]} is nested too deep or contains itself"
    if value is None or isinstance(value, (str, bool, int)):
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{path} is {value}, which JSON does not have"
    if isinstance(value, dict):
        odd = next((key for key in value if not isinstance(key, str)), None)
        if odd is not None:
            return f"{path} has the key {odd!r}; keys should be text"
        parts = ((f"{path}[{key!r}]", item) for key, item in value.items())
    elif isinstance(value, (list, tuple)):
        parts = ((f"{path}[{index}]", item) for index, item in enumerate(value))
    else:
        return f"{path} is of type {type(value).__name__}, which is not JSON"
    return next((fault for part, item in parts if (fault := not_json(item, part, depth + 1))), None)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

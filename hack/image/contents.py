"""What the image is made of besides its base: the dependencies, and our own code, in a directory each.

The dependencies change seldom and are large, our code is the other way round: two directories make
two layers, and a change of our code makes only the small one anew.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from common.archive import machine
from common.cache import filling, key_of, write_atomically
from common.console import ToolError, step
from common.process import program, run

PYTHON_VERSION = "3.11"
C_LIBRARY = "manylinux_2_28"
# The same content has to give the same layer, whenever it was installed.
MODIFIED = 0


@dataclass(frozen=True)
class Checkout:
    """The repository and what is prepared in it."""

    root: Path

    @property
    def prepared(self) -> Path:
        """What the Dockerfile copies, and what was needed to make it."""
        return self.root / "build" / "image"

    @property
    def dependencies(self) -> Path:
        """The packages of requirements.lock."""
        return self.prepared / "deps"

    @property
    def application(self) -> Path:
        """Our own package."""
        return self.prepared / "app"

    @property
    def lock(self) -> Path:
        """The versions and hashes of the dependencies."""
        return self.root / "requirements.lock"

    @property
    def python(self) -> Path:
        """The checkout's virtual environment."""
        return self.root / ".venv" / "bin" / "python"


def prepare(checkout: Checkout) -> None:
    """Fill both directories, each only if what goes into it has changed."""
    uv = find_uv(checkout)
    platform = f"{machine()}-{C_LIBRARY}"
    target = ["--python-version", PYTHON_VERSION, "--python-platform", platform]
    install: list[str | Path] = [uv, "pip", "install", "--quiet", "--link-mode", "copy", *target]

    def install_dependencies(directory: Path) -> None:
        only: list[str | Path] = [
            "--only-binary",
            ":all:",
            "--require-hashes",
            "--requirement",
            checkout.lock,
        ]
        run([*install, "--target", directory, *only])

    key = key_of([*target], [checkout.lock])
    _fill_if_changed("install the dependencies", checkout.dependencies, key, install_dependencies)

    with step("build the wheel"):
        wheel = build_wheel(checkout, uv)

    def install_wheel(directory: Path) -> None:
        run([*install, "--no-deps", "--target", directory, wheel])

    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    _fill_if_changed("install the wheel", checkout.application, digest, install_wheel)


def find_uv(checkout: Checkout) -> Path:
    """The checkout's uv, or else the machine's."""
    beside = checkout.python.with_name("uv")
    found = beside if beside.exists() else program("uv")
    if found is None or not checkout.python.exists():
        raise ToolError("the checkout has no .venv with uv yet: `make check` or `make up` makes it")
    return found


def build_wheel(checkout: Checkout, uv: Path) -> Path:
    """Build our package's wheel."""
    wheels = checkout.prepared / "wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    # The build backend is in .venv already, so that nothing has to be fetched for it.
    backend: list[str | Path] = ["--no-build-isolation", "--python", checkout.python]
    run([uv, "build", "--quiet", "--wheel", *backend, "--out-dir", wheels, checkout.root])
    return next(wheels.glob("*.whl"))


def _fill_if_changed(title: str, directory: Path, key: str, install: Callable[[Path], None]) -> None:
    noted = directory.with_name(f"{directory.name}.key")
    if directory.exists() and noted.exists() and noted.read_text() == key:
        return
    noted.unlink(missing_ok=True)
    with step(title), filling(directory) as partial:
        install(partial)
        _normalize(partial)
    write_atomically(noted, key)


def _normalize(directory: Path) -> None:
    (directory / ".lock").unlink(missing_ok=True)
    for path in [directory, *directory.rglob("*")]:
        os.utime(path, (MODIFIED, MODIFIED), follow_symlinks=False)

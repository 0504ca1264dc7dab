"""The programs that build an image from the Dockerfile: docker, podman or buildah, the first that works."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cluster import packages
from common.cache import cache_directory, lock, write_atomically
from common.console import ToolError, step
from common.process import run, succeeds
from image import base

PULL_SECONDS = 300.0


class Engine(Protocol):
    """Builds in a checkout's root, and writes archives."""

    @property
    def name(self) -> str:
        """The command's name."""

    def build(self, root: Path, tag: str, base_image: str | None) -> None:
        """Build the Dockerfile in `root`; without a base image the engine knows one."""

    def save(self, tag: str, archive: Path) -> None:
        """Write the image as a docker-archive."""


@dataclass(frozen=True)
class ClientAndStore:
    """Docker, or podman, which has the same commands.

    Its base image is the Dockerfile's own, where that is there or can be pulled, else ours.
    """

    name: str

    def build(self, root: Path, tag: str, base_image: str | None) -> None:
        """Build the Dockerfile in `root`; without a base image the engine knows one."""
        if base_image is None and not self._has(default_base(root / "Dockerfile")):
            archive = base.archived()
            with step("import the base image"):
                run([self.name, "load", "--input", archive])
            base_image = base.NAME
        arguments = ["--build-arg", f"BASE_IMAGE={base_image}"] if base_image else []
        run([self.name, "build", "--tag", tag, *arguments, root])

    def save(self, tag: str, archive: Path) -> None:
        """Write the image as a docker-archive."""
        run([self.name, "save", "--output", archive, tag])

    def _has(self, image: str) -> bool:
        return succeeds([self.name, "image", "inspect", image]) or succeeds(
            [self.name, "pull", "--quiet", image], seconds=PULL_SECONDS
        )


@dataclass(frozen=True)
class Buildah:
    """Buildah, with a store of its own in the cache and a base image that needs no registry."""

    store: Path
    name: str = "buildah"

    def build(self, root: Path, tag: str, base_image: str | None) -> None:
        """Build the Dockerfile in `root`; without a base image the engine knows one."""
        policy = self.store / "policy.json"
        # Only archives of our own are read, which nobody signs.
        write_atomically(policy, json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
        trust = ["--signature-policy", str(policy)]
        if base_image is None:
            base_image = base.NAME
            if not succeeds([*self._command, "inspect", "--type", "image", base_image]):
                archive = base.archived()
                with step("import the base image"):
                    run([*self._command, "pull", *trust, f"docker-archive:{archive}"])
        build = [
            *self._command,
            "build",
            *trust,
            # Runs where there are no user namespaces, and inside of containers.
            "--isolation=chroot",
            "--layers",
            "--pull-never",
            f"--build-arg=BASE_IMAGE={base_image}",
            f"--tag={tag}",
            str(root),
        ]
        with lock(cache_directory() / "locks" / self.name):
            self._tidy()
            run(build)

    def save(self, tag: str, archive: Path) -> None:
        """Write the image as a docker-archive."""
        archive.unlink(missing_ok=True)
        trust = ["--signature-policy", f"{self.store}/policy.json"]
        run([*self._command, "push", *trust, tag, f"docker-archive:{archive}:{tag}"])

    def _tidy(self) -> None:
        """Remove what no build can use again: what a failed one was at, and former versions of tags."""
        for words in (["rm", "--all"], ["rmi", "--prune"]):
            # The build does not depend on it.
            succeeds([*self._command, *words], seconds=60)

    @property
    def _command(self) -> list[str]:
        return ["buildah", f"--root={self.store}/root", f"--runroot={self.store}/run"]


def default_base(dockerfile: Path) -> str:
    """The base image that the Dockerfile names itself."""
    found = re.search(r"^ARG BASE_IMAGE=(\S+)", dockerfile.read_text(), re.MULTILINE)
    if found is None:
        raise ToolError(f"{dockerfile} names no default for BASE_IMAGE")
    return found[1]


def choose(works: Callable[[str], bool]) -> Engine:
    """The first engine that works, given a test of whether one does."""
    for name in ("docker", "podman"):
        if works(name):
            return ClientAndStore(name)
    return Buildah(cache_directory() / "buildah")


def find(name: str | None = None) -> Engine:
    """The engine of that name, or the first that works; buildah is installed if there is no other."""
    engine = choose(lambda one: name in (None, one) and succeeds([one, "info"]))
    if name is not None and engine.name != name:
        raise ToolError(f"{name} does not work here: `{name} info` fails")
    if isinstance(engine, Buildah):
        packages.ensure({"buildah": "buildah"})
    return engine

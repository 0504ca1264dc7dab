"""The commands."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from cluster import images, layout, programs
from common.console import ToolError, step
from common.process import program, run
from image import contents, engines

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    options = parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.function
    return command(options)


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(
        prog="hack/image", description="Build Tailrace's container image and load it into a cluster."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    build = commands.add_parser("build", help="build the image from this checkout's Dockerfile")
    build.add_argument("--tag", required=True, help="NAME:TAG")
    build.add_argument("--output", type=Path, help="write it as a docker-archive too")
    build.add_argument("--engine", choices=("docker", "podman", "buildah"))
    build.set_defaults(function=_build)
    load = commands.add_parser("load", help="make an archive's image available to a cluster's pods")
    where = load.add_mutually_exclusive_group(required=True)
    where.add_argument("--cluster", metavar="NAME", help="a cluster of hack/cluster")
    where.add_argument("--kind", metavar="NAME", help="a cluster of kind")
    load.add_argument("archive", type=Path)
    load.set_defaults(function=_load)
    return top


def _build(options: argparse.Namespace) -> int:
    engine = engines.find(options.engine)
    contents.prepare(contents.Checkout(ROOT))
    with step(f"build {options.tag} with {engine.name}"):
        engine.build(ROOT, options.tag, os.environ.get("BASE_IMAGE") or None)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        with step(f"write {options.output}"):
            engine.save(options.tag, options.output)
    return 0


def _load(options: argparse.Namespace) -> int:
    if not options.archive.is_file():
        raise ToolError(f"there is no archive {options.archive}")
    with step(f"load {options.archive.name} into {options.cluster or options.kind}"):
        if options.cluster:
            images.load(layout.require(options.cluster), options.archive)
        else:
            kind = program("kind") or programs.ensure((programs.KIND,)) / "kind"
            run([kind, "load", "image-archive", "--name", options.kind, options.archive])
    return 0

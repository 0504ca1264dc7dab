"""The commands."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cluster import components, control, finder, images, layout, lifecycle, programs, sandbox
from cluster.layout import DEFAULT_API_ONLY_NAME, DEFAULT_NAME
from cluster.supervisor import Supervisor
from common.cache import cache_directory
from common.console import ToolError, say, step

COMPONENT_SECONDS = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    options = parser().parse_args(arguments)
    if options.name is None:
        options.name = DEFAULT_API_ONLY_NAME if options.api_only else DEFAULT_NAME
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(
        prog="hack/cluster",
        description="A Kubernetes cluster for development on this machine, without docker.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, function: Callable[[argparse.Namespace], int], text: str, *aliases: str
    ) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text, aliases=aliases)
        one.add_argument("--name", help=f"of the cluster; otherwise {DEFAULT_NAME}")
        one.add_argument(
            "--api-only",
            action="store_true",
            help=f"without a node and without root; its name is otherwise {DEFAULT_API_ONLY_NAME}",
        )
        one.set_defaults(command=function)
        return one

    add("up", _up, "have the cluster running; print its kubeconfig's path")
    down = add("down", _down, "remove the cluster")
    down.add_argument("--cache", action="store_true", help="remove the build cache as well")
    add("status", _status, "print the state of each component; fail unless all are ready")
    add("kubeconfig", _kubeconfig, "print the path of the administrator's kubeconfig")
    load = add("load", _load, "make the images of an archive available to pods")
    load.add_argument("archive", type=Path)
    add("build", _build, "build and install what is missing")
    add("tools", _tools, "print the directory that holds kubectl and helm")
    logs = add("logs", _logs, "print what a component has logged")
    logs.add_argument("component")
    for verb in ("stop", "start"):
        text = f"{verb} one component, for tests of failures; nothing else starts it again"
        one = add(verb, _stop if verb == "stop" else _start, text, f"{verb}-component")
        one.add_argument("component")
    add("find", _find, "choose a cluster as `make` does, have it running, print KEY=VALUE lines")
    add("release", _release, "remove the cluster that `find` made")
    add("supervise", _supervise, "what `up` starts; not for people")
    return top


def _up(options: argparse.Namespace) -> int:
    cluster = lifecycle.up(options.name, api_only=options.api_only)
    say(f"{cluster.name} is up; its kubeconfig:")
    print(cluster.kubeconfig)
    return 0


def _down(options: argparse.Namespace) -> int:
    cluster = layout.find(options.name)
    if cluster is None:
        say(f"there is no cluster named {options.name}")
    else:
        lifecycle.down(cluster)
    if options.cache:
        with step("remove the build cache"):
            shutil.rmtree(cache_directory(), ignore_errors=True)
    return 0


def _status(options: argparse.Namespace) -> int:
    cluster = layout.find(options.name)
    states = control.states(cluster) if cluster else None
    if states is None:
        print(f"{options.name}: {'stopped' if cluster else 'not there'}")
        return 1
    for name, state in states.items():
        print(f"{name:20}{state}")
    return 0 if set(states.values()) == {"ready"} else 1


def _kubeconfig(options: argparse.Namespace) -> int:
    print(layout.require(options.name).kubeconfig)
    return 0


def _load(options: argparse.Namespace) -> int:
    cluster = layout.require(options.name)
    if not options.archive.is_file():
        raise ToolError(f"there is no archive {options.archive}")
    with step(f"load {options.archive.name} into {cluster.name}"):
        images.load(cluster, options.archive)
    return 0


def _build(options: argparse.Namespace) -> int:
    lifecycle.obtain(api_only=options.api_only)
    return 0


def _tools(_: argparse.Namespace) -> int:
    print(programs.ensure(programs.CLIENTS))
    return 0


def _logs(options: argparse.Namespace) -> int:
    cluster = layout.require(options.name)
    log = cluster.logs / f"{Path(options.component).name}.log"
    if not log.exists():
        there = ", ".join(sorted(file.stem for file in cluster.logs.glob("*.log")))
        raise ToolError(f"no log of {options.component!r}; there are: {there}")
    with log.open() as lines:
        shutil.copyfileobj(lines, sys.stdout)
    return 0


def _stop(options: argparse.Namespace) -> int:
    cluster = layout.require(options.name)
    control.set_wanted(cluster, options.component, wanted=False, seconds=COMPONENT_SECONDS)
    return 0


def _start(options: argparse.Namespace) -> int:
    cluster = layout.require(options.name)
    control.set_wanted(cluster, options.component, wanted=True, seconds=COMPONENT_SECONDS)
    return 0


def _find(options: argparse.Namespace) -> int:
    for key, value in finder.find(options.name).items():
        print(f"{key}={value}")
    return 0


def _release(options: argparse.Namespace) -> int:
    finder.release(options.name)
    return 0


def _supervise(options: argparse.Namespace) -> int:
    cluster = layout.require(options.name)
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    sandbox.wait_for_host()
    sandbox.raise_file_limit()
    if not cluster.api_only:
        sandbox.prepare(cluster)
    Supervisor(
        components.all_of(cluster, programs.tools_directory()),
        cluster.logs,
        cluster.control_socket,
        cluster.certificates / "ca.crt",
    ).run_forever()
    return 0

"""The commands."""

import argparse
import os
from collections.abc import Callable, Sequence

from cluster import control, finder, layout, programs
from cluster.finder import Choice, Found
from cluster.layout import DEFAULT_NAME
from common.console import say
from install import release
from install.image import available
from install.kubernetes import Kubernetes


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; its exit status."""
    options = parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="hack/install", description="Tailrace from this checkout on a cluster."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, function, text in (
        ("up", _up, "have a cluster with Tailrace on it"),
        ("down", _down, "remove every trace of it"),
        ("status", _status, "print what is there"),
    ):
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument("--name", default=DEFAULT_NAME, help="of the cluster")
        one.set_defaults(command=function)
    commands.choices["up"].add_argument(
        "--own",
        action="store_true",
        help="on the development cluster, whatever CLUSTER says and docker offers",
    )
    return top


def _up(options: argparse.Namespace) -> int:
    found = finder.find(options.name, own=options.own)
    kubernetes = Kubernetes(programs.ensure(programs.CLIENTS), found.kubeconfig, found.context)
    image = available(found)
    storage = release.has_default_storage(kubernetes)
    release.install(kubernetes, release.values(image, default_storage=storage))
    say(f"Tailrace is ready in the namespace {release.NAMESPACE}")
    return 0


def _down(options: argparse.Namespace) -> int:
    if os.environ.get(finder.VARIABLE):
        found = finder.find(options.name)
        release.uninstall(Kubernetes(programs.ensure(programs.CLIENTS), found.kubeconfig, found.context))
    finder.release(options.name)
    return 0


def _status(options: argparse.Namespace) -> int:
    found = _running(options.name)
    if found is None:
        print("there is no cluster: `make up` makes one")
        return 1
    print(f"cluster: {found.context} ({found.choice.value}), kubeconfig: {found.kubeconfig}\n")
    print(release.status(Kubernetes(programs.ensure(programs.CLIENTS), found.kubeconfig, found.context)))
    return 0


def _running(name: str) -> Found | None:
    """The cluster that `up` made and that runs, without making one."""
    if os.environ.get(finder.VARIABLE):
        return finder.find(name)
    own = layout.find(name)
    if own is not None and control.states(own) is not None:
        return Found(Choice.DEVELOPMENT, own.kubeconfig, own.name)
    kind = layout.user_state() / f"kind-{finder.KIND_NAME}.kubeconfig"
    return Found(Choice.KIND, kind, f"kind-{finder.KIND_NAME}") if kind.exists() else None

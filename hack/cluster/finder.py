"""Which cluster to work with: one that is named, else kind where docker answers, else our own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from cluster import layout, lifecycle, programs
from common.cache import cache_directory, lock
from common.console import say, step
from common.process import program, run, succeeds

VARIABLE = "CLUSTER"
KIND_NAME = "tailrace"


class Choice(Enum):
    """The sorts of clusters."""

    CONTEXT = "context"
    KIND = "kind"
    DEVELOPMENT = "dev"


@dataclass(frozen=True)
class Found:
    """A cluster that runs, and how to reach it."""

    choice: Choice
    kubeconfig: Path
    context: str

    def items(self) -> list[tuple[str, str]]:
        """As KEY, VALUE."""
        return [
            ("KIND", self.choice.value),
            ("KUBECONFIG", str(self.kubeconfig)),
            ("CONTEXT", self.context),
        ]


def choose(environment: Mapping[str, str], *, docker: bool) -> Choice:
    """Decide, given the environment and whether docker answers."""
    if environment.get(VARIABLE):
        return Choice.CONTEXT
    return Choice.KIND if docker else Choice.DEVELOPMENT


def find(name: str, *, own: bool = False) -> Found:
    """Have the chosen cluster running; `own` chooses ours, of that name, whatever else there is."""
    choice = Choice.DEVELOPMENT if own else _choose_here()
    if choice is Choice.CONTEXT:
        return Found(choice, own_kubeconfig(os.environ), os.environ[VARIABLE])
    if choice is Choice.KIND:
        return Found(choice, _kind_up(), f"kind-{KIND_NAME}")
    return Found(choice, lifecycle.up(name, api_only=False).kubeconfig, name)


def release(name: str) -> None:
    """Remove the cluster that `find` made; one that was named is left alone."""
    choice = _choose_here()
    if choice is Choice.CONTEXT:
        say(f"{os.environ[VARIABLE]} is yours, and stays")
    elif choice is Choice.KIND:
        with step(f"delete the kind cluster {KIND_NAME}"):
            run([_kind(), "delete", "cluster", "--name", KIND_NAME])
        _kind_kubeconfig().unlink(missing_ok=True)
    elif cluster := layout.find(name):
        lifecycle.down(cluster)


def _choose_here() -> Choice:
    return choose(os.environ, docker=succeeds(["docker", "info"]))


def own_kubeconfig(environment: Mapping[str, str]) -> Path:
    """The person's kubeconfig."""
    return Path(environment.get("KUBECONFIG") or Path.home() / ".kube" / "config")


def _kind_kubeconfig() -> Path:
    # The person's own ~/.kube/config stays as it is.
    return layout.user_state() / f"kind-{KIND_NAME}.kubeconfig"


def _kind() -> Path:
    return program("kind") or programs.ensure((programs.KIND,)) / "kind"


def _kind_up() -> Path:
    kind, kubeconfig = _kind(), _kind_kubeconfig()
    with lock(cache_directory() / "locks" / "kind"):
        if KIND_NAME not in run([kind, "get", "clusters"]).split():
            with step(f"create the kind cluster {KIND_NAME}"):
                create: list[str | Path] = [kind, "create", "cluster", "--name", KIND_NAME, "--wait", "180s"]
                run([*create, "--kubeconfig", kubeconfig])
        kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        run([kind, "export", "kubeconfig", "--name", KIND_NAME, "--kubeconfig", kubeconfig])
    return kubeconfig

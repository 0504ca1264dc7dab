"""Bringing a cluster up and taking it down."""

import contextlib
import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

from cluster import bootstrap, cgroups, control, files, layout, packages, programs, sandbox
from cluster.addresses import Network, NoFreeBlockError, choose, parse_routes
from cluster.layout import Cluster, Ports
from cluster.probes import free_ports
from common.cache import cache_directory, lock
from common.console import ToolError, step
from common.process import run

START_SECONDS = 120.0
REMOVAL_SECONDS = 5.0


def up(name: str, *, api_only: bool) -> Cluster:
    """Have the cluster running and usable."""
    layout.check_name(name)
    with lock(cache_directory() / "locks" / f"cluster-{name}"):
        cluster = layout.find(name)
        if cluster is not None and cluster.api_only != api_only:
            kind = "only an API" if cluster.api_only else "a node"
            raise ToolError(f"{name} exists already, with {kind}; choose another --name")
        if not api_only and os.geteuid() != 0:
            raise ToolError("a node needs root: use sudo, or `up --api-only` for an API without a node")
        tools, plugins = obtain(api_only=api_only)
        if cluster is None:
            cluster = _create(name, api_only=api_only)
        states = control.states(cluster)
        if states is None:
            cluster = _start(cluster, tools, plugins)
        else:
            _start_again(cluster, [name for name, state in states.items() if state == "stopped"])
        bootstrap.complete(cluster, tools)
    return cluster


def obtain(*, api_only: bool) -> tuple[Path, Path | None]:
    """Build and install what is missing: the directories of our programs and of CNI plugins."""
    plugins = None if api_only else packages.ensure_node()
    return programs.ensure(programs.API_ONLY if api_only else programs.EVERYTHING), plugins


def down(cluster: Cluster) -> None:
    """Remove the cluster without a trace."""
    with lock(cache_directory() / "locks" / f"cluster-{cluster.name}"), step(f"down {cluster.name}"):
        if not cluster.api_only and os.geteuid() != 0:
            raise ToolError("this cluster belongs to root: use sudo")
        control.kill(cluster)
        if not cluster.api_only:
            cgroups.remove(cluster.cgroup)
        _remove_directory(cluster.directory)
        with contextlib.suppress(OSError):
            cluster.directory.parent.rmdir()
            if not cluster.api_only:
                # It was only ever a place to mount on.
                sandbox.CNI_CACHE.rmdir()


def _create(name: str, *, api_only: bool) -> Cluster:
    # The lock: two new clusters must not choose the same addresses.
    with lock(cache_directory() / "locks" / "addresses"):
        ports = Ports(*free_ports(3)) if api_only else Ports()
        try:
            # Without a node no traffic goes to the addresses: only the API's flags name them.
            block = choose(name, [] if api_only else _taken()).block
        except NoFreeBlockError as error:
            raise ToolError(str(error)) from error
        cluster = Cluster(name, api_only, block, ports)
        for directory in (cluster.certificates, cluster.configuration, cluster.logs):
            directory.mkdir(parents=True, exist_ok=True)
        cluster.directory.chmod(0o700 if api_only else 0o755)
        cluster.certificates.chmod(0o700)
        cluster.save()
    return cluster


def _taken() -> list[Network]:
    """Networks that the host has routes to, or that a cluster will have which is stopped now."""
    routes = parse_routes(run(["ip", "-4", "route", "show", "table", "all"]))
    return [*routes, *(cluster.addresses.everything for cluster in layout.with_nodes())]


def _start(cluster: Cluster, tools: Path, plugins: Path | None) -> Cluster:
    with step(f"start {cluster.name}"):
        if cluster.api_only:
            # Another program may have taken a port since the cluster last ran.
            cluster = replace(cluster, ports=Ports(*free_ports(3)))
            cluster.save()
        files.write(cluster, tools, plugins)
        if not cluster.api_only:
            cgroups.create(cluster.cgroup)
        command = [sys.executable, str(Path(__file__).parent), "supervise", "--name", cluster.name]
        control.kill(cluster)
        sandbox.launch(cluster, command, cluster.logs / "supervisor.log")
        control.await_state(cluster, {"apiserver": "ready"}, START_SECONDS)
    return cluster


def _start_again(cluster: Cluster, stopped: list[str]) -> None:
    """Start what `stop` has stopped."""
    for name in stopped:
        with step(f"start {name}"):
            control.set_wanted(cluster, name, wanted=True, seconds=START_SECONDS)


def _remove_directory(directory: Path) -> None:
    # The namespace's mounts are released a moment after its last process.
    deadline = time.monotonic() + REMOVAL_SECONDS
    while directory.exists():
        try:
            shutil.rmtree(directory)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)

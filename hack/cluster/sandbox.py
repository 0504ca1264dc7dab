"""A cluster's own view of the machine: network, mounts, processes and host name.

`launch` runs on the host; `prepare` runs inside, as process 1, before anything else starts there.
"""

import hashlib
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO, cast

from cluster import control
from cluster.layout import Cluster
from common.cache import write_atomically
from common.console import ToolError
from common.process import run, succeeds

READY = b"go\n"
CNI_CACHE = Path("/var/lib/cni")
# Settings of the whole machine, with the values that a kubelet insists on.
KUBELET_SETTINGS = {
    "kernel/keys/root_maxbytes": 25000000,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
}
NAMESPACES = ("--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--mount-proc")


def host_link(cluster: Cluster) -> str:
    """The host's end of the pair of interfaces."""
    return "tr" + hashlib.sha256(cluster.name.encode()).hexdigest()[:12]


def launch(cluster: Cluster, command: list[str], log: Path) -> None:
    """Start the supervisor, in namespaces of its own if the cluster has a node."""
    if not cluster.api_only:
        command = ["unshare", *NAMESPACES, "--propagation", "private", "--", *command]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
        )
    stdin = cast("IO[bytes]", process.stdin)
    try:
        pid = process.pid if cluster.api_only else _child_of(process, log)
        if not cluster.api_only:
            _connect(cluster, pid)
        # Before anything starts: `down` has to find it even if this process ends here.
        control.remember(cluster, pid)
        stdin.write(READY)
        stdin.close()
    except BaseException:
        process.kill()
        raise


def _child_of(process: subprocess.Popen[bytes], log: Path) -> int:
    """The host's number for process 1 of the new namespace."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        if numbers := children.read_text().split():
            child = int(numbers[0])
            if _network_of(child) != _network_of(os.getpid()):
                return child
    said = log.read_text().strip().splitlines()[-1:]
    raise ToolError(f"namespaces cannot be made here, perhaps in a container without privileges: {said}")


def _network_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/ns/net").readlink()


def _connect(cluster: Cluster, pid: int) -> None:
    link, addresses = host_link(cluster), cluster.addresses
    succeeds(["ip", "link", "delete", link])
    run(["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(pid)])
    run(["ip", "address", "add", f"{addresses.host}/{addresses.link.prefixlen}", "dev", link])
    run(["ip", "link", "set", link, "up"])
    for network in (addresses.services, addresses.pods):
        run(["ip", "route", "replace", str(network), "via", addresses.node, "dev", link, "onlink"])


def wait_for_host() -> None:
    """Wait until the host's side is done; without a host there is nothing to run for."""
    if sys.stdin.buffer.readline() != READY:
        raise SystemExit("the command that started this cluster is gone")


def prepare(cluster: Cluster) -> None:
    """Set up the namespaces from inside."""
    socket.sethostname(cluster.name)
    _mount(cluster)
    _network(cluster)


def raise_file_limit() -> None:
    """Let the components open as many files as this process may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _mount(cluster: Cluster) -> None:
    run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run"])
    for directory, target in (("pod-logs", Path("/var/log")), ("cni-cache", CNI_CACHE)):
        source = cluster.directory / directory
        source.mkdir(exist_ok=True)
        target.mkdir(exist_ok=True)
        run(["mount", "--bind", source, target])
    settings = cluster.directory / "settings"
    for name, value in KUBELET_SETTINGS.items():
        # It finds what it wants, and so leaves the machine as it is.
        write_atomically(settings / name, f"{value}\n")
        run(["mount", "--bind", settings / name, Path("/proc/sys") / name])
    # The pull of an image that was not loaded fails at once, and not when a name server does not answer.
    resolver = Path("/etc/resolv.conf").resolve()
    resolver.parent.mkdir(parents=True, exist_ok=True)
    if not resolver.exists():
        resolver.touch()
    run(["mount", "--bind", cluster.configuration / "resolv.conf", resolver])
    # Pods may ask for mounts that propagate to the node.
    run(["mount", "--make-rshared", "/"])


def _network(cluster: Cluster) -> None:
    addresses = cluster.addresses
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "address", "add", f"{addresses.node}/{addresses.link.prefixlen}", "dev", "eth0"])
    run(["ip", "link", "set", "eth0", "up"])
    run(["ip", "route", "add", "default", "via", addresses.host])
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    # Without it the answer of a service's pod on the same bridge comes from the wrong address.
    bridged = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if bridged.exists():
        bridged.write_text("1")

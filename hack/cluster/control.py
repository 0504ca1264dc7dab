"""Talking to the supervisor of a cluster, and telling whether it runs."""

import json
import os
import signal
import socket
import time
from pathlib import Path

from cluster.layout import Cluster
from common.cache import write_atomically
from common.console import ToolError

ANSWER_SECONDS = 5.0


def ask(cluster: Cluster, verb: str, component: str = "") -> dict[str, dict[str, dict[str, object]]]:
    """Send one request to the supervisor."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(ANSWER_SECONDS)
        client.connect(str(cluster.control_socket))
        client.sendall(json.dumps({"verb": verb, "component": component}).encode())
        received = b""
        while part := client.recv(65536):
            received += part
    answer = json.loads(received)
    if "error" in answer:
        raise ToolError(answer["error"])
    return dict(answer)


def states(cluster: Cluster) -> dict[str, str] | None:
    """The state of each component; None if the cluster does not run."""
    try:
        components = ask(cluster, "status")["components"]
    except OSError:
        return None
    return {name: str(described["state"]) for name, described in components.items()}


def all_ready(cluster: Cluster) -> bool:
    """Whether the cluster runs with all its components."""
    return set((states(cluster) or {}).values()) == {"ready"}


def processes(cluster: Cluster) -> list[int]:
    """The components' process ids as the supervisor sees them."""
    try:
        components = ask(cluster, "status")["components"]
    except OSError:
        return []
    return [pid for described in components.values() if isinstance(pid := described["pid"], int)]


def set_wanted(cluster: Cluster, component: str, *, wanted: bool, seconds: float) -> None:
    """Start or stop a component, and wait until that is so."""
    try:
        ask(cluster, "start" if wanted else "stop", component)
    except OSError as error:
        raise ToolError(f"{cluster.name} does not run") from error
    await_state(cluster, {component: "ready" if wanted else "stopped"}, seconds)


def await_state(cluster: Cluster, expected: dict[str, str], seconds: float) -> None:
    """Wait until each component has its state; ToolError if that takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        now = states(cluster) or {}
        late = [name for name, state in expected.items() if now.get(name) != state]
        if not late:
            return
        if time.monotonic() > deadline or supervisor(cluster) is None:
            name = late[0]
            raise ToolError(
                f"{name} is {now.get(name, 'not there')} and not {expected[name]}; "
                f"see {cluster.logs / name}.log and supervisor.log beside it"
            )
        time.sleep(0.05)


def remember(cluster: Cluster, pid: int) -> None:
    """Note which process is the supervisor."""
    stored = {"pid": pid, "started": start_time(pid)}
    write_atomically(_file(cluster), json.dumps(stored) + "\n")


def supervisor(cluster: Cluster) -> int | None:
    """The supervisor's process id, if it is still the same process."""
    try:
        stored = json.loads(_file(cluster).read_text())
    except FileNotFoundError:
        return None
    pid = int(stored["pid"])
    return pid if start_time(pid) == stored["started"] else None


def start_time(pid: int) -> str | None:
    """When a process started, in the kernel's clock; with its id this names it for good."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    # A zombie is as good as gone.
    return None if fields[0] in "ZX" else fields[19]


def kill(cluster: Cluster, seconds: float = 10.0) -> None:
    """End the supervisor and, with it, everything that it runs."""
    top = supervisor(cluster)
    if top is None:
        return
    inside = processes(cluster) if cluster.api_only else []
    watched = {pid: start_time(pid) for pid in (top, *inside)}
    os.kill(top, signal.SIGKILL)
    deadline = time.monotonic() + seconds
    while any(started and start_time(pid) == started for pid, started in watched.items()):
        if time.monotonic() > deadline:
            raise ToolError(f"the processes of {cluster.name} do not end: {sorted(watched)}")
        time.sleep(0.02)


def _file(cluster: Cluster) -> Path:
    return cluster.directory / "supervisor.json"

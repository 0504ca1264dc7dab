"""Where a cluster keeps its files, and what of it is remembered between two commands."""

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster.addresses import Addresses
from common.cache import write_atomically
from common.console import ToolError

SYSTEM_STATE = Path("/var/lib/tailrace")
# Interface names hold 15 characters, and a socket's path 107.
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
IDENTITY = "cluster.json"
DEFAULT_NAME = "tailrace-dev"
DEFAULT_API_ONLY_NAME = "tailrace-api"


def user_state() -> Path:
    """Where clusters without a node are kept, which need no root."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "tailrace"


@dataclass(frozen=True)
class Ports:
    """The control plane's ports on the loopback address or on the node's."""

    apiserver: int = 6443
    etcd: int = 2379
    etcd_peer: int = 2380


@dataclass(frozen=True)
class Cluster:
    """A cluster's identity: everything else follows from it."""

    name: str
    api_only: bool
    block: int
    ports: Ports

    @property
    def addresses(self) -> Addresses:
        """Its networks."""
        return Addresses(self.block)

    @property
    def address(self) -> str:
        """Where the host reaches the API."""
        return "127.0.0.1" if self.api_only else self.addresses.node

    @property
    def server(self) -> str:
        """The API's URL."""
        return f"https://{self.address}:{self.ports.apiserver}"

    @property
    def directory(self) -> Path:
        """All that the cluster has on disk."""
        return (user_state() if self.api_only else SYSTEM_STATE) / self.name

    @property
    def certificates(self) -> Path:
        """Keys and certificates."""
        return self.directory / "pki"

    @property
    def configuration(self) -> Path:
        """What the components read: configuration and kubeconfigs of their own."""
        return self.directory / "etc"

    @property
    def logs(self) -> Path:
        """A log for each component."""
        return self.directory / "logs"

    @property
    def etcd_data(self) -> Path:
        """The database of etcd."""
        return self.directory / "etcd"

    @property
    def containerd_data(self) -> Path:
        """Images and containers' file systems."""
        return self.directory / "containerd"

    @property
    def containerd_socket(self) -> Path:
        """The container runtime's socket, reachable from the host too."""
        return self.directory / "containerd.sock"

    @property
    def control_socket(self) -> Path:
        """The supervisor's socket."""
        return self.directory / "control.sock"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.directory / "kubeconfig"

    @property
    def cgroup(self) -> str:
        """What the cgroups of all pods are below, relative to the root of each hierarchy."""
        return f"tailrace/{self.name}"

    def kubeconfig_of(self, component: str) -> Path:
        """A component's own kubeconfig."""
        return self.configuration / f"{component}.kubeconfig"

    def save(self) -> None:
        """Remember the cluster."""
        write_atomically(self.directory / IDENTITY, json.dumps(asdict(self)) + "\n")


def check_name(name: str) -> str:
    """The name, if it may be one."""
    if not NAME.fullmatch(name):
        raise ToolError(f"{name!r} is no name for a cluster: up to 40 lower-case letters, digits and dashes")
    return name


def find(name: str) -> Cluster | None:
    """The cluster of that name, running or not."""
    for base in (user_state(), SYSTEM_STATE):
        file = base / check_name(name) / IDENTITY
        if file.exists():
            return _read(file)
    return None


def with_nodes() -> list[Cluster]:
    """All clusters with a node, running or not."""
    return [_read(file) for file in sorted(SYSTEM_STATE.glob(f"*/{IDENTITY}"))]


def _read(file: Path) -> Cluster:
    stored = json.loads(file.read_text())
    return Cluster(**{**stored, "ports": Ports(**stored["ports"])})


def require(name: str) -> Cluster:
    """The cluster of that name; ToolError if there is none."""
    found = find(name)
    if found is None:
        raise ToolError(f"there is no cluster named {name}; `up --name {name}` makes it")
    return found

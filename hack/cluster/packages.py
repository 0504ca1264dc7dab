"""What comes from the distribution: the container runtime and network programs."""

import os
from pathlib import Path

from common.console import ToolError, say, step
from common.process import program, run, succeeds

# A command that has to be there, and the Debian package that brings it.
COMMANDS = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "mount": "mount",
    "unshare": "util-linux",
    "setpriv": "util-linux",
}
CNI_DIRECTORIES = (Path("/opt/cni/bin"), Path("/usr/lib/cni"), Path("/usr/libexec/cni"))
CNI_PLUGINS = ("bridge", "host-local", "loopback", "portmap")
UPDATE_SECONDS = 600.0
CNI_PACKAGE = "containernetworking-plugins"


def cni_plugins() -> Path | None:
    """The directory with the network plugins."""
    for directory in CNI_DIRECTORIES:
        if all((directory / plugin).exists() for plugin in CNI_PLUGINS):
            return directory
    return None


def ensure(commands: dict[str, str], extra: list[str] | None = None) -> None:
    """Install the packages of the commands that are missing, after saying which."""
    packages = {package for command, package in commands.items() if program(command) is None}
    missing = sorted(packages | set(extra or []))
    if not missing:
        return
    if program("apt-get") is None or os.geteuid() != 0:
        raise ToolError("please install with the system's package manager: " + " ".join(missing))
    say("packages of the distribution that are missing: " + " ".join(missing))
    with step("apt-get install"):
        # It fails as a whole where one source does, even if that has none of the packages.
        succeeds(["apt-get", "update", "-q"], seconds=UPDATE_SECONDS)
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
        run(command, environment={"DEBIAN_FRONTEND": "noninteractive"})


def ensure_node() -> Path:
    """Have all that a node needs; the directory of the network plugins."""
    ensure(COMMANDS, [] if cni_plugins() else [CNI_PACKAGE])
    found = cni_plugins()
    if found is None:
        raise ToolError(f"{CNI_PACKAGE} is installed, but has no {', '.join(CNI_PLUGINS)}")
    return found

"""The cgroup below which all pods of a cluster live, for cgroup versions 1 and 2."""

import contextlib
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
REMOVAL_SECONDS = 5.0


def hierarchies(root: Path = ROOT) -> list[Path]:
    """Version 2 has one hierarchy; version 1 one for each controller."""
    if (root / "cgroup.controllers").exists():
        return [root]
    return [one for one in sorted(root.iterdir()) if one.is_dir() and not one.is_symlink()]


def create(cgroup: str, root: Path = ROOT) -> None:
    """Make the cgroup, with every controller, in each hierarchy."""
    for hierarchy in hierarchies(root):
        parent = hierarchy
        for part in Path(cgroup).parts:
            _delegate(parent)
            child = parent / part
            child.mkdir(exist_ok=True)
            _copy_cpuset(parent, child)
            parent = child
        _delegate(parent)


def remove(cgroup: str, root: Path = ROOT) -> None:
    """Remove the cgroup with all below it, once its processes are gone."""
    deadline = time.monotonic() + REMOVAL_SECONDS
    for hierarchy in hierarchies(root):
        top = hierarchy / cgroup
        while top.exists() and time.monotonic() < deadline:
            for directory in sorted(top.rglob("*"), reverse=True):
                if directory.is_dir():
                    with contextlib.suppress(OSError):
                        directory.rmdir()
            with contextlib.suppress(OSError):
                top.rmdir()
                break
            time.sleep(0.05)
        with contextlib.suppress(OSError):
            # Another cluster may still be below it.
            top.parent.rmdir()


def _delegate(directory: Path) -> None:
    controllers = directory / "cgroup.controllers"
    if not controllers.exists():
        return
    for controller in controllers.read_text().split():
        # One that cannot be delegated here is one that pods do without.
        with contextlib.suppress(OSError):
            (directory / "cgroup.subtree_control").write_text(f"+{controller}")


def _copy_cpuset(parent: Path, child: Path) -> None:
    # In version 1 a new cpuset is empty, and takes no process until it has these.
    if (parent / "cgroup.controllers").exists():
        return
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (child / name).exists() and not (child / name).read_text().strip():
            (child / name).write_text((parent / name).read_text())

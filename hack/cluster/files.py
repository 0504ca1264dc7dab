"""Writing a cluster's files: keys, kubeconfigs, configuration, the sandbox image."""

import json
import os
from pathlib import Path

from cluster import certificates, node_files, pause_image
from cluster.kubeconfigs import render
from cluster.layout import Cluster
from common.cache import write_atomically
from common.process import run

CAP_SYS_RESOURCE = 24


def pause_archive(cluster: Cluster) -> Path:
    """Where the sandbox image's archive is."""
    return cluster.directory / "pause.tar"


def write(cluster: Cluster, tools: Path, cni_plugins: Path | None) -> None:
    """Write all that the components read. Keys are made once: tokens and certificates stay valid."""
    if not (cluster.certificates / "ca.crt").exists():
        run([tools / "kube", "certs"], stdin=json.dumps(certificates.request(cluster)))
    _write_kubeconfig(cluster, cluster.kubeconfig, certificates.ADMINISTRATOR)
    if "SUDO_UID" in os.environ:
        # The person who called sudo goes on without it.
        os.chown(cluster.kubeconfig, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]))
    if cluster.api_only or cni_plugins is None:
        return
    for user in certificates.COMPONENTS_WITH_KUBECONFIG:
        _write_kubeconfig(cluster, cluster.kubeconfig_of(user), user)
    rendered = node_files.render(
        cluster, cni_plugins, restrict_oom_score=not has_capability(CAP_SYS_RESOURCE)
    )
    for name, content in rendered.items():
        write_atomically(cluster.configuration / name, content)
    pause_image.write(tools / "pause", pause_archive(cluster))


def _write_kubeconfig(cluster: Cluster, file: Path, user: str) -> None:
    text = render(cluster.name, cluster.server, cluster.certificates, user)
    write_atomically(file, text, mode=0o600)


def has_capability(number: int) -> bool:
    """Whether this process holds a capability of Linux."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return False

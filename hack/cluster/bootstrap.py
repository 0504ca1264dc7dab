"""What a new cluster needs before it is of use: its DNS server's role, the sandbox image, a ready node."""

import json
import time
from pathlib import Path

from cluster import control, images
from cluster.certificates import COMPONENT_USERS
from cluster.files import pause_archive
from cluster.layout import Cluster
from cluster.node_files import PAUSE_IMAGE
from common.console import ToolError, step
from common.process import run, succeeds

NODE_SECONDS = 120.0
NODE_COMPONENTS = ("controller-manager", "scheduler", "kubelet", "proxy", "dns")


def complete(cluster: Cluster, tools: Path) -> None:
    """Do what is not done yet, and wait until pods can run."""
    if cluster.api_only:
        control.await_state(cluster, {"apiserver": "ready"}, NODE_SECONDS)
        return
    kubectl = [str(tools / "kubectl"), f"--kubeconfig={cluster.kubeconfig}"]
    control.await_state(cluster, {"containerd": "ready"}, NODE_SECONDS)
    if PAUSE_IMAGE not in images.names(cluster):
        images.load(cluster, pause_archive(cluster))
    if control.all_ready(cluster) and is_ready(kubectl, cluster.name):
        return
    run([*kubectl, "apply", "--server-side", "-f", "-"], stdin=json.dumps(dns_role()))
    with step("wait for the node"):
        deadline = time.monotonic() + NODE_SECONDS
        # The node's condition is of no use before: it may be from when the cluster last ran.
        control.await_state(cluster, dict.fromkeys(NODE_COMPONENTS, "ready"), NODE_SECONDS)
        while not is_ready(kubectl, cluster.name):
            if time.monotonic() > deadline:
                raise ToolError(f"the node is not ready; see {cluster.logs / 'kubelet.log'}")
            time.sleep(0.2)


def is_ready(kubectl: list[str], node: str) -> bool:
    """Whether the node is ready and a pod would be admitted in the namespace `default`."""
    template = '{.status.conditions[?(@.type=="Ready")].status}'
    query = [*kubectl, "get", "node", node, "--ignore-not-found", "-o", f"jsonpath={template}"]
    account = [*kubectl, "get", "serviceaccount", "default", "--namespace=default"]
    return run(query) == "True" and succeeds(account)


def dns_role() -> dict[str, object]:
    """What the DNS server may read."""
    user, _ = COMPONENT_USERS["dns"]
    read = ["get", "list", "watch"]
    rules = [
        {"apiGroups": [""], "resources": ["services", "namespaces"], "verbs": read},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read},
    ]
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": f"{group}/v1",
                "kind": "ClusterRole",
                "metadata": {"name": user},
                "rules": rules,
            },
            {
                "apiVersion": f"{group}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": user},
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": user},
                "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
            },
        ],
    }

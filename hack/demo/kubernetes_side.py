"""The examples on the cluster, and a Run that kubectl creates."""

import json
from pathlib import Path
from typing import Any

from common.console import step
from demo.shell import kubectl, show
from install.kubernetes import Kubernetes

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EXAMPLE_IMAGE = "tailrace:0.1.0"
NAMESPACE = "default"
FLOW = "big-orders"


def apply(kubernetes: Kubernetes, image: str, pull: str) -> None:
    """Apply every example and wait until the shop answers and the flow is Ready.

    The examples name the released image; here it is the one that this cluster has.
    """
    files = sorted([*EXAMPLES.glob("orders/*.yaml"), *EXAMPLES.glob("flows/*.yaml")])
    text = "\n---\n".join(file.read_text() for file in files)
    text = text.replace(f"image: {EXAMPLE_IMAGE}", f"image: {image}\n        imagePullPolicy: {pull}")
    with step("apply examples/"):
        kubernetes.kubectl("apply", "-f", "-", stdin=text)
        patience = ("-n", NAMESPACE, "--timeout=120s")
        kubernetes.kubectl("rollout", "status", "deployment/shop", *patience)
        kubernetes.kubectl("wait", "--for=condition=Ready", f"flow/{FLOW}", *patience)


def run(kubernetes: Kubernetes) -> dict[str, Any]:
    """Create a Run, wait until it is complete; the Run."""
    file = EXAMPLES / "runs" / f"{FLOW}.yaml"
    show("kubectl", "create", "-f", str(file.relative_to(EXAMPLES.parent)))
    name = kubernetes.kubectl("create", "-f", str(file), "-o", "name").strip()
    print(f"{name} created")
    kubectl(kubernetes, "wait", "--for=condition=Complete", "-n", NAMESPACE, "--timeout=120s", name)
    kubectl(kubernetes, "get", "runs", "-n", NAMESPACE)
    found: dict[str, Any] = json.loads(kubernetes.kubectl("get", name, "-n", NAMESPACE, "-o", "json"))
    return found

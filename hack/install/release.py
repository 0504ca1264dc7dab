"""The chart on a cluster."""

import json
from collections.abc import Mapping
from pathlib import Path

from common.console import ToolError, say, step
from install.diagnosis import diagnosis
from install.image import Image
from install.kubernetes import Kubernetes

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "tailrace"
EXAMPLES = ROOT / "examples"
TENANT = "tailrace.dev/tenant"
NAME = "tailrace"
NAMESPACE = "tailrace-system"
TIMEOUT = "4m"
DEFINITIONS = tuple(f"{kind}.tailrace.dev" for kind in ("flows", "runs", "triggers", "credentials"))
REMOVAL_SECONDS = 60.0


def values(image: Image, *, default_storage: bool) -> dict[str, object]:
    """The chart's values for this image on this cluster."""
    chosen: dict[str, object] = {
        "image": {"repository": image.repository, "tag": image.tag, "pullPolicy": image.pull}
    }
    if not default_storage:
        # A claim would wait for ever for a volume.
        chosen["database"] = {"persistence": {"enabled": False}}
    return chosen


def has_default_storage(kubernetes: Kubernetes) -> bool:
    """Whether the cluster makes volumes for claims that name no class."""
    default = "storageclass.kubernetes.io/is-default-class"
    classes = kubernetes.get("storageclasses")["items"]
    return any(item["metadata"].get("annotations", {}).get(default) == "true" for item in classes)


def install(kubernetes: Kubernetes, chosen: Mapping[str, object]) -> None:
    """Install or upgrade, and wait until everything is ready; ToolError explains what is not."""
    where = ("--namespace", NAMESPACE, "--create-namespace")
    with step("install the chart"):
        try:
            kubernetes.helm(
                *("upgrade", NAME, str(CHART), "--install", *where),
                *("--wait", "--timeout", TIMEOUT, "--set-json", *_flags(chosen)),
            )
        except ToolError as error:
            raise ToolError(f"{error}\n{diagnosis(kubernetes, NAMESPACE)}") from error


def uninstall(kubernetes: Kubernetes) -> None:
    """Remove the examples, the release, and what it leaves to people: Flows, Runs, the key, the labels."""
    gone = ("--ignore-not-found", f"--timeout={REMOVAL_SECONDS:.0f}s")
    with step("uninstall the chart"):
        if kubernetes.kubectl("get", "crd", DEFINITIONS[0], "--ignore-not-found"):
            folders = (f"--filename={EXAMPLES / name}" for name in ("orders", "flows"))
            kubernetes.kubectl("delete", *folders, *gone)
        if kubernetes.finds("status", NAME, "--namespace", NAMESPACE):
            kubernetes.helm("uninstall", NAME, "--namespace", NAMESPACE, "--wait", "--timeout", TIMEOUT)
        kubernetes.kubectl("delete", "crd", *DEFINITIONS, *gone)
        kubernetes.kubectl("label", "namespaces", "--selector", TENANT, f"{TENANT}-")
        kubernetes.kubectl("delete", "namespace", NAMESPACE, *gone)
    say(
        "namespaces of tenants stay: `kubectl delete namespace production`, if it was made for Tailrace alone"
    )


def installed_image(kubernetes: Kubernetes) -> tuple[str, str]:
    """The image that is installed, and whether it may be pulled."""
    deployment = kubernetes.get("deployment", "tailrace-operator", "--namespace", NAMESPACE)
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return container["image"], container["imagePullPolicy"]


def status(kubernetes: Kubernetes) -> str:
    """What there is, as a person reads it."""
    if not kubernetes.finds("status", NAME, "--namespace", NAMESPACE):
        return "Tailrace is not installed"
    parts = [
        kubernetes.helm("list", "--namespace", NAMESPACE),
        kubernetes.kubectl("get", "deployments,pods", "--namespace", NAMESPACE),
        kubernetes.kubectl("get", "tailrace", "--all-namespaces"),
    ]
    return "\n".join(part.strip() for part in parts)


def _flags(chosen: Mapping[str, object]) -> list[str]:
    return [",".join(f"{key}={json.dumps(value)}" for key, value in chosen.items())]

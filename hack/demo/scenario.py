"""What `make demo` shows, in its order."""

import argparse
import shutil

from cluster import finder, programs
from cluster.layout import DEFAULT_NAME
from common.console import ToolError, say
from demo import kubernetes_side, report, rest_side
from demo.kubernetes_side import NAMESPACE
from demo.shell import kubectl
from install import release
from install.diagnosis import diagnosis
from install.kubernetes import Kubernetes

TITLE = "Big orders"
INPUTS = {"orderId": "1002"}
NEXT = f"""Where to look next
  kubectl get runs -n {NAMESPACE} --watch
  kubectl get flows,triggers,credentials -n {NAMESPACE}
  kubectl create -f examples/runs/{kubernetes_side.FLOW}.yaml
  kubectl port-forward -n {release.NAMESPACE} service/tailrace 8080:8080
  examples/ has the flow, docs/ says what else there is; `make down` removes everything."""


def main() -> int:
    """Run the demo on the cluster that `hack/install up` made ready."""
    parser = argparse.ArgumentParser(prog="hack/demo", description="Run the examples and show what they do.")
    parser.add_argument("--name", default=DEFAULT_NAME, help="of the cluster")
    options = parser.parse_args()
    found = finder.find(options.name)
    kubernetes = Kubernetes(programs.ensure(programs.CLIENTS), found.kubeconfig, found.context)
    try:
        play(kubernetes)
    except ToolError as error:
        say(diagnosis(kubernetes, release.NAMESPACE))
        raise ToolError(str(error)) from error
    return 0


def play(kubernetes: Kubernetes) -> None:
    """The two Runs."""
    image, pull = release.installed_image(kubernetes)
    kubernetes_side.apply(kubernetes, image, pull)

    print("\n" + "\n".join(settings(kubernetes, at_hand=shutil.which("kubectl") is not None)))

    print("\nA Run from kubectl")
    run = kubernetes_side.run(kubernetes)
    print(report.tasks(report.tasks_of_run(run)))
    print(report.outputs(run["status"].get("outputs")))

    print("\nA Run from HTTP: kubectl forwards the facade's port to 127.0.0.1:8080 for this while")
    with rest_side.port_forward(kubernetes):
        execution = rest_side.execute(rest_side.flow_id(TITLE), INPUTS)
        body = rest_side.ended(execution)
    print(f"execution {execution}: {body['execution']['status']}, {body['execution']['durationMs']} ms")
    print(report.tasks(report.tasks_of_execution(body)))
    if body["execution"]["status"] != "SUCCESS":
        raise ToolError(f"execution {execution} ended as {body['execution']['status']}")

    print("\nBoth are Runs:")
    kubectl(kubernetes, "get", "runs", "-n", NAMESPACE)
    kubectl(kubernetes, "get", "triggers", "-n", NAMESPACE, "-o", "wide")
    print(f"\n{NEXT}")


def settings(kubernetes: Kubernetes, *, at_hand: bool) -> list[str]:
    """What a person types first, so that the commands below reach the same cluster."""
    lines = [f"$ export KUBECONFIG={kubernetes.kubeconfig}"]
    if not at_hand:
        lines.append(f"$ export PATH={kubernetes.tools}:$PATH")
    if kubernetes.context:
        lines.append(f"$ kubectl config use-context {kubernetes.context}")
    return lines

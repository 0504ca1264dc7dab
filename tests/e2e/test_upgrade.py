"""The chart's life: upgraded under Runs in flight, uninstalled, installed again. Its name sorts last."""

import json

from tests.cluster_tool import ROOT
from tests.e2e.conftest import install
from tests.e2e.system import SYSTEM, TENANT, System, eventually, log, sleep


def test_runs_in_flight_finish_under_the_new_operator(system: System) -> None:
    flow = system.flow(log("first", "one"), sleep("pause", "20s"), log("last", "two"))
    names = [system.create_run(flow) for _ in range(3)]
    eventually("all are running", lambda: all(system.phase(name) == "Running" for name in names), timeout=60)
    system.helm(
        "upgrade", "tailrace", str(ROOT / "charts/tailrace"), "--reuse-values", "--wait", "--timeout", "3m",
        "--set-string", "podAnnotations.upgraded=yes",
    )  # fmt: skip
    runs = [system.ended(name) for name in names]
    assert {(run["status"]["phase"], run["status"]["attempt"]) for run in runs} == {("Succeeded", 1)}


def test_uninstalled_it_leaves_only_the_users_data(system: System) -> None:
    kept = system.flow(log("first", "one"))
    system.helm("uninstall", "tailrace", "--wait", "--timeout", "3m")
    left = system.kubectl.json(
        "get", "all,secrets,configmaps,serviceaccounts,rolebindings,networkpolicies", "-n", SYSTEM
    )
    names = {f"{item['kind']}/{item['metadata']['name']}" for item in left["items"]}
    assert names <= {"ConfigMap/kube-root-ca.crt", "ServiceAccount/default", "Secret/tailrace-encryption-key"}
    ours = system.kubectl.json(
        "get", "serviceaccounts,rolebindings,networkpolicies,configmaps,jobs,pods", "-n", TENANT,
        "-l", "app.kubernetes.io/managed-by=tailrace",
    )["items"]  # fmt: skip
    assert [item["metadata"]["name"] for item in ours if item["kind"] not in {"Job", "Pod"}] == []
    for kind in ("clusterroles", "clusterrolebindings", "validatingadmissionpolicies"):
        assert "tailrace" not in system.kubectl("get", kind, "-o", "name"), kind
    assert system.kubectl.json("get", "flow", kept, "-n", TENANT)["metadata"]["name"] == kept


def test_installed_again_it_goes_on_with_what_was_there(system: System) -> None:
    install()
    flows = system.kubectl.json("get", "flows", "-n", TENANT)["items"]
    assert flows, json.dumps(flows)
    flow = system.flow(log("first", "again"))
    assert system.ended(system.create_run(flow))["status"]["phase"] == "Succeeded"


def test_helms_own_test_finds_the_installation_sound(system: System) -> None:
    assert "Succeeded" in system.helm("test", "tailrace", "--timeout", "2m")

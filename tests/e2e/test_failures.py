"""What happens when something dies: nothing is lost, nothing is done twice."""

import time

from tests.cluster_tool import cluster
from tests.e2e.rest import lines
from tests.e2e.system import SYSTEM, TENANT, System, eventually, log, sleep


def said(system: System, run: dict[str, object], message: str) -> int:
    """How often the run's log has this message."""
    with system.port_forward() as address:
        found = lines(address, run["metadata"]["uid"])  # type: ignore[index]
    return [line["message"] for line in found].count(message)


def test_the_operator_dies_in_the_middle_of_20_runs(system: System) -> None:
    flow = system.flow(log("once", "done once"), sleep("pause", "500ms"))
    names = [system.create_run(flow) for _ in range(20)]
    eventually("a first end", lambda: any(system.phase(name) == "Succeeded" for name in names), timeout=90)
    assert any(system.phase(name) != "Succeeded" for name in names), "too late: all have ended"
    system.kubectl(
        "delete",
        "pod",
        "-n",
        SYSTEM,
        "-l",
        "app.kubernetes.io/component=operator",
        "--grace-period=0",
        "--force",
    )
    runs = [system.ended(name, timeout=180) for name in names]
    assert {run["status"]["phase"] for run in runs} == {"Succeeded"}
    assert {run["status"]["attempt"] for run in runs} == {1}
    assert {said(system, run, "done once") for run in runs} == {1}


def test_the_pod_of_a_running_run_is_deleted(system: System) -> None:
    code = "print('first was here')\noutputs = {'n': 7}"
    flow = system.flow(
        {"name": "first", "type": "script.python", "properties": {"code": code}},
        sleep("pause", "6s"),
        log("last", "first said {{ tasks.first.outputs.n }}"),
    )  # fmt: skip
    name = system.create_run(flow)
    pod = system.runner_pod(name)

    def first_has_ended() -> bool:
        tasks = {task["name"]: task["phase"] for task in system.run(name)["status"].get("tasks", [])}
        return tasks.get("first") == "Succeeded"

    eventually("the first task's end", first_has_ended, timeout=20, pause=0.1)
    system.kubectl("delete", "pod", pod, "-n", TENANT, "--grace-period=0", "--force")
    run = system.ended(name)
    assert run["status"]["phase"] == "Succeeded", run["status"]
    assert run["status"]["attempt"] == 2
    assert said(system, run, "first was here") == 1
    assert said(system, run, "first said 7") == 1


def test_the_api_server_is_away_for_20_seconds(system: System) -> None:
    flow = system.flow(log("once", "done once"), sleep("pause", "4s"), log("then", "and then"))
    names = [system.create_run(flow) for _ in range(3)]
    eventually("all are running", lambda: all(system.phase(name) == "Running" for name in names), timeout=60)
    cluster("stop", "apiserver", "--name", system.name)
    try:
        time.sleep(20)
    finally:
        cluster("start", "apiserver", "--name", system.name)
    eventually("an API server", lambda: system.kubectl.attempt("get", "--raw", "/readyz").returncode == 0)
    runs = [system.ended(name) for name in names]
    assert {(run["status"]["phase"], run["status"]["attempt"]) for run in runs} == {("Succeeded", 1)}
    assert {said(system, run, "and then") for run in runs} == {1}
    assert system.ended(system.create_run(flow))["status"]["phase"] == "Succeeded"

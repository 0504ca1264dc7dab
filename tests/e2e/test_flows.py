"""What a flow can say, executed in pods."""

import json
from typing import Any

import httpx2
import pytest

from tests.e2e.rest import execution, lines
from tests.e2e.system import TENANT, System, eventually, log, sleep


def test_the_graph_conditions_retries_and_hooks(system: System) -> None:
    flow = system.flow(
        {"name": "left", "type": "util.set", "needs": [], "properties": {"values": {"n": 20}}},
        {"name": "right", "type": "util.set", "needs": [], "properties": {"values": {"n": 22}}},
        {
            "name": "add",
            "type": "script.python",
            "needs": ["left", "right"],
            "properties": {
                "code": "outputs = {'sum': inputs['a'] + inputs['b']}",
                "inputs": {"a": "{{ tasks.left.outputs.n }}", "b": "{{ tasks.right.outputs.n }}"},
            },
        },
        log("skipped", "never", when="{{ tasks.add.outputs.sum > 100 }}"),
        {
            "name": "flaky",
            "type": "util.fail",
            "properties": {"message": "on purpose", "retryable": True},
            "retry": {"maxAttempts": 2, "backoff": {"initial": "100ms"}},
            "continueOnError": True,
        },
        {"name": "last", "type": "util.fail", "properties": {"message": "this fails the flow"}},
        onFailure=[log("told", "failed: {{ error.message }}")],
        **{"finally": [log("cleaned", "always")]},
    )
    run = system.ended(system.create_run(flow))
    tasks = {task["name"]: task for task in run["status"]["tasks"]}
    assert run["status"]["phase"] == "Failed"
    assert "this fails the flow" in run["status"]["message"]
    assert {name: task["phase"] for name, task in tasks.items()} == {
        "left": "Succeeded", "right": "Succeeded", "add": "Succeeded", "skipped": "Skipped",
        "flaky": "Failed", "last": "Failed", "told": "Succeeded", "cleaned": "Succeeded",
    }  # fmt: skip
    assert tasks["flaky"]["attempts"] == 2


def test_a_container_of_its_own_gives_its_result(system: System) -> None:
    image = system.kubectl(
        "get", "deploy", "-n", "tailrace-system", "-l", "app.kubernetes.io/component=operator",
        "-o", "jsonpath={.items[0].spec.template.spec.containers[0].image}",
    )  # fmt: skip
    code = (
        "import os, json; result = {'twice': 2 * int(os.environ['N'])};"
        " open('/dev/termination-log', 'w').write(json.dumps(result))"
    )
    flow = system.flow(
        {
            "name": "boxed",
            "type": "container.run",
            "properties": {
                "image": image,
                "command": ["python3", "-c"],
                "args": [code],
                "env": {"N": "{{ inputs.n }}"},
            },
        },
        outputs={"twice": "{{ tasks.boxed.outputs.result.twice }}"},
    )
    run = system.ended(system.create_run(flow, inputs={"n": 21}))
    assert run["status"].get("outputs") == {"twice": 42}, run["status"]


def test_what_one_run_keeps_the_next_one_reads(system: System, rest: httpx2.Client) -> None:
    flow = system.flow(
        {"name": "before", "type": "kv.get", "properties": {"key": "e2e-count", "default": 0}},
        {
            "name": "after",
            "type": "kv.set",
            "properties": {"key": "e2e-count", "value": "{{ tasks.before.outputs.value + 1 }}"},
        },
    )
    for _ in range(2):
        assert system.ended(system.create_run(flow))["status"]["phase"] == "Succeeded"
    assert rest.get(f"/api/v1/kv/{TENANT}/e2e-count").json()["value"] == 2


def test_a_credential_reaches_its_host_and_no_log(system: System, rest: httpx2.Client) -> None:
    secret = "s3cret-value-of-the-test"
    answer = rest.post(
        "/api/v1/credentials",
        json={"name": "E2E Token", "namespace": TENANT, "type": "token", "value": secret},
    )
    assert answer.status_code == 201, answer.text
    assert secret not in answer.text
    code = "import os; print('token is', os.environ['TOKEN']); outputs = {'length': len(os.environ['TOKEN'])}"
    flow = system.flow(
        {
            "name": "use",
            "type": "script.python",
            "properties": {"code": code, "env": {"TOKEN": "${E2E_TOKEN}"}},
        }
    )
    name = system.create_run(flow)
    run = system.ended(name)
    assert run["status"]["phase"] == "Succeeded", run["status"]
    with system.port_forward() as address:
        text = json.dumps(lines(address, run["metadata"]["uid"]))
    assert "token is ***" in text
    everything = (
        text + json.dumps(run) + system.kubectl("logs", "-n", TENANT, "-l", f"tailrace.dev/run={name}")
    )
    assert secret not in everything


def test_a_credential_that_is_missing_fails_the_run_readably(system: System) -> None:
    document = {"name": "use", "type": "http.request", "properties": {"url": "https://x.example/${NO_SUCH}"}}
    name = "e2e-no-credential"
    system.apply("Flow", name, {"tasks": [document]})
    condition = eventually("Ready with a reason", lambda: system.ready("flow", name))
    assert (condition["status"], condition["reason"]) == ("False", "CredentialMissing")
    run = system.ended(system.create_run(name))
    assert run["status"]["phase"] == "Failed"
    assert "NO_SUCH" in run["status"]["message"]


def test_a_flow_that_takes_too_long_times_out(system: System, rest: httpx2.Client) -> None:
    flow = system.flow(sleep("long", "5m"), timeout="2s")
    run = system.ended(system.create_run(flow))
    assert run["status"]["phase"] == "TimedOut"
    assert run["status"]["durationMs"] < 10_000
    execution(rest, run["metadata"]["uid"], "TIMED_OUT")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        pytest.param(
            {"tasks": [log("a", "x", needs=["b"]), log("b", "x", needs=["a"])]}, "cycle", id="a cycle"
        ),
        pytest.param({"tasks": [{"name": "a", "type": "util.lg"}]}, "util.log", id="an unknown type"),
        pytest.param(
            {"tasks": [{"name": "a", "type": "util.sleep", "properties": {"duration": [1]}}]},
            "spec.tasks[0].properties.duration",
            id="a property of the wrong type",
        ),
        pytest.param(
            {"tasks": [log("a", "{{ inputs.x }}")], "inputs": {"type": "object", "properties": {"y": {}}}},
            "inputs.x",
            id="an unknown input",
        ),
        pytest.param(
            {"tasks": [log("a", "{{ tasks.b.outputs.x }}")]}, "there is no task b", id="an unknown task"
        ),
    ],
)
def test_a_flow_that_can_never_work_says_why_and_runs_nothing(
    system: System, spec: dict[str, Any], says: str
) -> None:
    name = "e2e-invalid"
    system.kubectl("delete", "flow", name, "-n", TENANT, "--ignore-not-found")
    system.apply("Flow", name, spec)
    condition = eventually("Ready", lambda: system.ready("flow", name))
    assert condition["status"] == "False"
    assert condition["reason"] == "Invalid"
    assert says in condition["message"]
    run = system.ended(system.create_run(name))
    assert run["status"]["phase"] == "Failed"
    assert run["status"]["reason"] == "FlowInvalid"
    assert not run["status"].get("attempt")

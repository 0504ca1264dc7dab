"""Runs from end to end: created with kubectl and seen through REST, and the other way round."""

import json
import re

import httpx2
from websockets.sync.client import connect

from tests.e2e.rest import create_flow, execution, lines
from tests.e2e.system import TENANT, System, log, sleep


def test_a_run_from_kubectl_is_polled_through_rest(system: System, rest: httpx2.Client) -> None:
    flow = system.flow(log("hello", "Hello {{ inputs.who }}"), outputs={"greeted": "{{ inputs.who }}"})
    name = system.create_run(flow, inputs={"who": "world"})
    identity = system.run(name)["metadata"]["uid"]
    body = execution(rest, identity, "SUCCESS")
    assert body["execution"]["tasksTotal"] == body["execution"]["tasksExecuted"] == 1
    assert [task["taskName"] for task in body["tasks"]] == ["hello"]
    assert json.loads(body["tasks"][0]["outputs"])
    assert system.run(name)["status"]["outputs"] == {"greeted": "world"}


def test_a_run_from_rest_is_waited_for_with_kubectl(system: System, rest: httpx2.Client) -> None:
    flow = create_flow(rest, "waited for", log("hello", "Hello world"))
    answer = rest.post(f"/api/v1/flows/{flow['id']}/execute")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"executionId": answer.json()["executionId"], "status": "QUEUED", "tasksTotal": 1}
    runs = system.kubectl.json("get", "runs", "-n", TENANT)["items"]
    [name] = [
        run["metadata"]["name"] for run in runs if run["metadata"]["uid"] == answer.json()["executionId"]
    ]
    system.kubectl("wait", "--for=condition=Complete", "--timeout=60s", f"run/{name}", "-n", TENANT)
    assert re.search(rf"{name}\s+\S+\s+Succeeded\s+1/1", system.kubectl("get", "runs", "-n", TENANT))


def test_a_running_execution_is_cancelled_and_retried(system: System, rest: httpx2.Client) -> None:
    flow = create_flow(rest, "cancelled", sleep("long", "5m"), **{"finally": [log("cleaned", "swept")]})
    identity = rest.post(f"/api/v1/flows/{flow['id']}/execute", json={}).json()["executionId"]
    execution(rest, identity, "RUNNING")
    assert rest.post(f"/api/v1/executions/{identity}/cancel").status_code == 200
    tasks = {task["taskName"]: task["status"] for task in execution(rest, identity, "CANCELLED")["tasks"]}
    assert tasks["cleaned"] == "SUCCESS"
    answer = rest.post(f"/api/v1/executions/{identity}/retry")
    assert answer.status_code in {200, 201}, answer.text
    again = answer.json()["executionId"]
    assert again != identity
    assert rest.post(f"/api/v1/executions/{again}/cancel").status_code == 200
    execution(rest, again, "CANCELLED")


def test_the_log_is_streamed_while_it_runs_and_kept_after(system: System, rest: httpx2.Client) -> None:
    flow = create_flow(rest, "streamed", log("first", "one"), sleep("pause", "3s"), log("second", "two"))
    identity = rest.post(f"/api/v1/flows/{flow['id']}/execute").json()["executionId"]
    address = str(rest.base_url).rstrip("/")
    with connect(address.replace("http", "ws", 1) + f"/api/v1/executions/{identity}/logs") as socket:
        live = []
        for message in socket:
            live.append(json.loads(message))
            if live[-1]["message"] == "one":
                assert rest.get(f"/api/v1/executions/{identity}").json()["execution"]["status"] == "RUNNING"
    assert [line["message"] for line in live if line["message"] in {"one", "two"}] == ["one", "two"]
    assert lines(address, identity) == live


def test_a_webhook_starts_its_flow_with_the_payload(system: System, rest: httpx2.Client) -> None:
    flow = create_flow(rest, "hooked", log("show", "customer {{ inputs.customerId }}"))
    trigger = {"name": "hook", "flowId": flow["id"], "type": "webhook", "config": {"key": "e2e-hook"}}
    answer = rest.post("/api/v1/triggers", json=trigger)
    assert answer.status_code == 201, answer.text
    answer = rest.post("/api/v1/webhook/e2e-hook", json={"customerId": 42})
    assert answer.status_code in {200, 202}, answer.text
    identity = answer.json()["executionId"]
    execution(rest, identity, "SUCCESS")
    assert "customer 42" in json.dumps(lines(str(rest.base_url).rstrip("/"), identity))
    assert rest.post("/api/v1/webhook/no-such-hook", json={}).status_code == 404

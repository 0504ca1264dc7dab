"""Executions through REST: started, polled, listed, cancelled, retried; live and archived."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.cluster_tool import Kubectl
from tests.facade import OWN_NAMESPACE, Facade, token
from tests.operator_by_hand import Operator, eventually

API = "/api/v1"
TEXT = """
inputs: {type: object, properties: {n: {type: integer, default: 1}}}
tasks:
- {name: first, type: util.log, properties: {message: "{{ inputs.n }}"}}
- {name: second, type: util.log, properties: {message: x}}
"""


@pytest.fixture
def flow(client: httpx2.Client) -> dict[str, Any]:
    return dict(client.post(f"{API}/flows", json={"name": "two tasks", "yamlContent": TEXT}).json())


def execute(client: httpx2.Client, flow: dict[str, Any], **options: Any) -> str:
    answer = client.post(f"{API}/flows/{flow['id']}/execute", **options)
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["executionId", "status", "tasksTotal"]
    assert answer.json()["status"] == "QUEUED"
    assert answer.json()["tasksTotal"] == 2
    return str(answer.json()["executionId"])


def end(operator: Operator, uid: str, phase: str, **status: Any) -> dict[str, Any]:
    run = operator.run_of(uid)
    metadata = run["metadata"]
    ended = {
        "phase": phase,
        "startTime": "2026-03-25T10:00:01.250000Z",
        "completionTime": "2026-03-25T10:00:03Z",
        "durationMs": 1650,
        "taskCounts": {"total": 2, "succeeded": 1, "failed": 0, "skipped": 1, "running": 0},
        **status,
    }
    operator.status("run", metadata["namespace"], metadata["name"], ended)
    return operator.run_of(uid)


def archive(facade: Facade, run: dict[str, Any]) -> None:
    mine = token(facade.kubectl, OWN_NAMESPACE, "tailrace-operator")
    metadata = run["metadata"]
    with facade.internal_client(mine) as internal:
        path = f"/operator/archive/{metadata['namespace']}/{metadata['uid']}"
        answer = internal.put(path, json=run)
    assert answer.json() == {"archived": True}, answer.text


def test_a_run_from_rest_is_a_resource(client: httpx2.Client, flow: Any, operator: Operator) -> None:
    uid = execute(client, flow, json={"n": 42})
    run = operator.run_of(uid)
    assert run["spec"]["flow"] == "two-tasks"
    assert run["spec"]["inputs"] == {"n": 42}
    assert run["spec"]["trigger"] == {"type": "api"}
    assert run["metadata"]["labels"]["tailrace.dev/flow"] == "two-tasks"
    assert client.get(f"{API}/executions/{uid}").json()["execution"]["status"] == "QUEUED"


@pytest.mark.parametrize(
    ("body", "inputs"), [(b"", {}), (b"{}", {}), (b'{"n": 2}', {"n": 2})], ids=["none", "empty", "inputs"]
)
def test_the_body_is_the_inputs(
    client: httpx2.Client, flow: Any, operator: Operator, body: bytes, inputs: Any
) -> None:
    uid = execute(client, flow, content=body)
    assert operator.run_of(uid)["spec"].get("inputs", {}) == inputs


def test_inputs_that_do_not_fit_are_refused(client: httpx2.Client, flow: Any) -> None:
    refused = client.post(f"{API}/flows/{flow['id']}/execute", json={"n": "many"})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_inputs")
    assert "n" in refused.json()["details"][0]["path"]


@pytest.mark.parametrize("state", ["Draft", "Paused"])
def test_a_flow_that_is_not_active_cannot_be_started(
    client: httpx2.Client, flow: Any, kubectl: Kubectl, state: str
) -> None:
    patch = json.dumps({"spec": {"state": state}})
    kubectl("patch", "flow", "two-tasks", "--type=merge", "-p", patch)
    path = f"{API}/flows/{flow['id']}/execute"
    refused = eventually(lambda: (answer := client.post(path)).status_code == 409 and answer)
    assert refused.json()["error"] == "flow_not_active"
    assert state in refused.json()["message"]


def test_a_run_from_kubectl_can_be_polled(client: httpx2.Client, flow: Any, operator: Operator) -> None:
    run = operator.create_run("default", "by-hand", "two-tasks")
    uid = run["metadata"]["uid"]
    eventually(lambda: client.get(f"{API}/executions/{uid}").status_code == 200)
    tasks = [{"name": "first", "type": "util.log", "phase": "Running", "startTime": "2026-03-25T10:00:01Z"}]
    status = {"phase": "Running", "startTime": "2026-03-25T10:00:01Z", "tasks": tasks}
    operator.status("run", "default", "by-hand", status)
    found = client.get(f"{API}/executions/{uid}").json()
    assert found["execution"]["status"] == "RUNNING"
    assert found["execution"]["flowId"] == flow["id"]
    assert found["tasks"] == [
        {
            "taskName": "first",
            "taskType": "util.log",
            "status": "RUNNING",
            "outputs": None,
            "startedAt": "2026-03-25T10:00:01Z",
            "finishedAt": None,
        }
    ]


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        ("Queued", "QUEUED"),
        ("Running", "RUNNING"),
        ("Waiting", "PAUSED"),
        ("Succeeded", "SUCCESS"),
        ("Partial", "SUCCESS"),
        ("Failed", "FAILED"),
        ("Cancelled", "CANCELLED"),
        ("TimedOut", "TIMED_OUT"),
    ],
)
def test_every_phase_has_its_name(
    client: httpx2.Client, flow: Any, operator: Operator, phase: str, status: str
) -> None:
    uid = execute(client, flow)
    end(operator, uid, phase, message="because")
    execution = client.get(f"{API}/executions/{uid}").json()["execution"]
    assert execution["status"] == status
    assert execution.get("error") == ("because" if status in {"FAILED", "CANCELLED", "TIMED_OUT"} else None)
    eventually(
        lambda: [item["id"] for item in client.get(f"{API}/executions?status={status}").json()] == [uid]
    )


def test_live_and_archived_runs_are_one_list(
    client: httpx2.Client, facade: Facade, flow: Any, operator: Operator, kubectl: Kubectl
) -> None:
    uids = [execute(client, flow) for _ in range(5)]
    for uid in uids[:3]:
        run = end(operator, uid, "Succeeded")
        archive(facade, run)
        if uid != uids[2]:  # archived, but still a resource
            kubectl("delete", "run", run["metadata"]["name"])
    wanted = {"namespace": "default", "flowId": flow["id"]}

    def listed(**more: Any) -> list[str]:
        return [item["id"] for item in client.get(f"{API}/executions", params={**wanted, **more}).json()]

    eventually(lambda: sorted(listed()) == sorted(uids))
    everything = listed()
    paged: list[str] = []
    cursor = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = client.get(f"{API}/executions", params={**wanted, "limit": 2, **more})
        paged += [item["id"] for item in page.json()]
        cursor = page.headers.get("x-next-cursor")
        if cursor is None:
            break
        assert len(page.json()) == 2
    assert paged == everything
    details = client.get(f"{API}/executions/{uids[0]}").json()["execution"]
    assert (details["status"], details["flowId"], details["durationMs"]) == ("SUCCESS", flow["id"], 1650)
    assert (details["startedAt"], details["tasksExecuted"]) == ("2026-03-25T10:00:01Z", 1)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=%00",
        "cursor=eHg",
        "cursor=" + "9" * 300,
        "status=DONE",
        "limit=",
    ],
)
def test_a_wrong_query_is_named(client: httpx2.Client, query: str) -> None:
    refused = client.get(f"{API}/executions?{query}")
    assert refused.status_code == 400, refused.text
    assert refused.json()["details"][0]["path"] == query.partition("=")[0]


def test_cancelling_asks_the_run_to_stop(client: httpx2.Client, flow: Any, operator: Operator) -> None:
    uid = execute(client, flow)
    answer = client.post(f"{API}/executions/{uid}/cancel")
    assert (answer.status_code, answer.json()) == (200, {"executionId": uid, "status": "QUEUED"})
    assert operator.run_of(uid)["spec"]["cancel"] is True
    assert client.post(f"{API}/executions/{uid}/cancel").status_code == 200
    end(operator, uid, "Cancelled")
    refused = client.post(f"{API}/executions/{uid}/cancel")
    assert (refused.status_code, refused.json()["error"]) == (409, "execution_ended")


def test_a_failed_execution_can_be_retried_also_from_the_archive(
    client: httpx2.Client, facade: Facade, flow: Any, operator: Operator, kubectl: Kubectl
) -> None:
    uid = execute(client, flow, json={"n": 7})
    refused = client.post(f"{API}/executions/{uid}/retry")
    assert (refused.status_code, refused.json()["error"]) == (409, "execution_not_failed")
    run = end(operator, uid, "Failed")
    again = client.post(f"{API}/executions/{uid}/retry", headers={"Idempotency-Key": "once"}).json()
    retried = operator.run_of(again["executionId"])
    assert retried["spec"]["retryOf"] == run["metadata"]["name"]
    assert retried["spec"]["inputs"] == {"n": 7}
    archive(facade, run)
    kubectl("delete", "run", run["metadata"]["name"])
    same = client.post(f"{API}/executions/{uid}/retry", headers={"Idempotency-Key": "once"}).json()
    assert same == again
    third = client.post(f"{API}/executions/{uid}/retry").json()
    assert operator.run_of(third["executionId"])["spec"]["inputs"] == {"n": 7}
    client.delete(f"{API}/flows/{flow['id']}")
    gone = client.post(f"{API}/executions/{uid}/retry")
    assert (gone.status_code, gone.json()["error"]) == (409, "flow_not_found")
    assert client.get(f"{API}/executions/{uid}").json()["execution"]["flowId"] == flow["id"]


def test_an_idempotency_key_makes_one_run(
    client: httpx2.Client, facade: Facade, flow: Any, operator: Operator, kubectl: Kubectl
) -> None:
    key = {"Idempotency-Key": "order-1"}

    def post(_number: int) -> str:
        return execute(client, flow, json={"n": 1}, headers=key)

    with ThreadPoolExecutor(8) as pool:
        uids = set(pool.map(post, range(8)))
    assert len(uids) == 1
    uid = uids.pop()
    other = client.post(f"{API}/flows/{flow['id']}/execute", json={"n": 2}, headers=key)
    assert (other.status_code, other.json()["error"]) == (422, "idempotency_key_reused")
    run = end(operator, uid, "Succeeded")
    archive(facade, run)
    kubectl("delete", "run", run["metadata"]["name"])
    assert post(0) == uid  # a replay after the Run's removal starts nothing


@pytest.mark.parametrize("key", ["", "x" * 129, "ä".encode()], ids=["empty", "too long", "not ASCII"])
def test_a_wrong_idempotency_key_is_refused(client: httpx2.Client, flow: Any, key: Any) -> None:
    refused = client.post(f"{API}/flows/{flow['id']}/execute", headers={"Idempotency-Key": key})
    assert refused.status_code == 400, refused.text


def test_a_failed_start_leaves_the_key_free(client: httpx2.Client, flow: Any, kubectl: Kubectl) -> None:
    key = {"Idempotency-Key": "later"}
    kubectl("patch", "flow", "two-tasks", "--type=merge", "-p", '{"spec": {"state": "Paused"}}')
    path = f"{API}/flows/{flow['id']}/execute"
    eventually(lambda: client.post(path, headers=key).status_code == 409)
    kubectl("patch", "flow", "two-tasks", "--type=merge", "-p", '{"spec": {"state": "Active"}}')
    eventually(lambda: client.post(path, headers=key).status_code == 200)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("identifier", ["nope", "00000000-0000-0000-0000-000000000000", "%00", "a" * 500])
def test_unknown_ids_are_404(client: httpx2.Client, method: str, identifier: str) -> None:
    paths = {
        "get": [f"/executions/{identifier}", f"/flows/{identifier}", f"/flows/{identifier}/export"],
        "post": [f"/executions/{identifier}/cancel", f"/executions/{identifier}/retry"],
    }
    for path in paths[method]:
        answer = client.request(method, API + path)
        assert answer.status_code == 404, answer.text
        assert set(answer.json()) == {"error", "message", "details"}

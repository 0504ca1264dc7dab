"""workflowdev's API reference, word for word: each route of its tables, each request and answer."""

import json
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from websockets.sync.client import connect

from tests.cluster_tool import Kubectl
from tests.facade import OWN_NAMESPACE, Facade, token
from tests.operator_by_hand import Operator, empty, eventually

CREATE = r"""curl -X POST http://localhost:8080/api/v1/flows \
  -H "Content-Type: application/json" \
  -d '{
    "name": "my-workflow",
    "namespace": "production",
    "yamlContent": "name: my-workflow\ntasks:\n  - name: hello\n    type: util.log\n    properties:\n      message: Hello world\n"
  }'"""  # noqa: E501 - as the document has it
EXECUTE = "curl -X POST http://localhost:8080/api/v1/flows/{id}/execute"
STATUS = "curl http://localhost:8080/api/v1/executions/{id}"
WEBHOOK = r"""curl -X POST http://localhost:8080/api/v1/webhook/my-webhook-key \
  -H "Content-Type: application/json" \
  -d '{"customerId": 42}'"""
PLUGINS = "curl http://localhost:8080/api/v1/plugins"
REGISTER = r"""curl -X POST http://localhost:8080/auth/register \
  -H "Content-Type: application/json" \
  -d '{"username": "admin", "password": "...", "role": "admin"}'"""
LOGIN = r"""curl -s -X POST http://localhost:8080/auth/login \
  -H "Content-Type: application/json" \
  -d '{"username": "admin", "password": "..."}'"""

THREE_TASKS = """name: three
tasks:
- {name: fetch, type: http.request, properties: {url: "https://x.example"}}
- {name: one, type: util.log, properties: {message: x}}
- {name: two, type: util.log, properties: {message: x}}
"""


@pytest.fixture
def client(facade: Facade, kubectl: Kubectl) -> Iterator[httpx2.Client]:
    with facade.client() as client:
        yield client
    empty(kubectl)


@pytest.fixture
def curl(facade: Facade, client: httpx2.Client) -> Any:
    """Run a documented command, but for the address; the status and the JSON it prints."""

    def run(command: str, **ids: str) -> tuple[int, Any]:
        for name, value in ids.items():
            command = command.replace(f"{{{name}}}", value)
        words = shlex.split(command.replace("http://localhost:8080", facade.base).replace("\\\n", ""))
        done = subprocess.run(
            [*words, "-s", "-w", "\n%{http_code}"], capture_output=True, text=True, check=True, timeout=30
        )
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body)

    return run


def test_create_a_flow(curl: Any) -> None:
    status, flow = curl(CREATE)
    assert status == 201
    assert list(flow) == ["id", "name", "namespace", "yamlContent", "createdAt", "updatedAt"]
    assert flow["name"] == "my-workflow"
    assert flow["namespace"] == "production"
    assert flow["yamlContent"] == (
        "name: my-workflow\ntasks:\n  - name: hello\n    type: util.log\n    properties:\n"
        "      message: Hello world\n"
    )
    assert len(flow["id"]) == 36
    for time in (flow["createdAt"], flow["updatedAt"]):
        assert len(time) == len("2026-03-25T10:00:00Z")
        assert time.endswith("Z")


def test_execute_a_flow(curl: Any, client: httpx2.Client) -> None:
    flow = client.post("/api/v1/flows", json={"yamlContent": THREE_TASKS}).json()
    status, started = curl(EXECUTE, id=flow["id"])
    assert status == 200
    assert list(started) == ["executionId", "status", "tasksTotal"]
    assert started == {"executionId": started["executionId"], "status": "QUEUED", "tasksTotal": 3}
    assert len(started["executionId"]) == 36


def test_get_execution_status(curl: Any, client: httpx2.Client, facade: Facade, operator: Operator) -> None:
    flow = client.post("/api/v1/flows", json={"yamlContent": THREE_TASKS}).json()
    identifier = client.post(f"/api/v1/flows/{flow['id']}/execute").json()["executionId"]
    name = operator.run_of(identifier)["metadata"]["name"]
    pod, mine = operator.start_pod("default", f"contract-{identifier[:8]}")
    operator.assign("default", name, "contract", pod)
    operator.claim("default", name, "contract", pod)
    with facade.internal_client(mine) as internal:
        entry = {
            "task": "fetch",
            "attempt": 1,
            "phase": "Succeeded",
            "outputs": {"status_code": 200, "body": {"a": 1}},
            "startTime": "2026-03-25T10:00:01.1Z",
            "completionTime": "2026-03-25T10:00:02.2Z",
        }
        internal.post(f"/runs/default/{name}/journal", json={"entries": [entry]})
    status = {
        "phase": "Succeeded",
        "startTime": "2026-03-25T10:00:01Z",
        "completionTime": "2026-03-25T10:00:03Z",
        "durationMs": 1650,
        "taskCounts": {"total": 3, "succeeded": 3, "failed": 0, "skipped": 0, "running": 0},
        "tasks": [{"name": "fetch", "type": "http.request", "phase": "Succeeded"}],
    }
    operator.status("run", "default", name, status)
    code, answer = curl(STATUS, id=identifier)
    assert code == 200
    assert json.dumps(answer) == json.dumps(
        {
            "execution": {
                "id": identifier,
                "flowId": flow["id"],
                "status": "SUCCESS",
                "tasksTotal": 3,
                "tasksExecuted": 3,
                "startedAt": "2026-03-25T10:00:01Z",
                "finishedAt": "2026-03-25T10:00:03Z",
                "durationMs": 1650,
            },
            "tasks": [
                {
                    "taskName": "fetch",
                    "taskType": "http.request",
                    "status": "SUCCESS",
                    "outputs": '{"status_code":200,"body":{"a":1}}',
                    "startedAt": "2026-03-25T10:00:01Z",
                    "finishedAt": "2026-03-25T10:00:02Z",
                }
            ],
        }
    )
    assert isinstance(answer["tasks"][0]["outputs"], str)


def test_fire_a_webhook(curl: Any, client: httpx2.Client, operator: Operator) -> None:
    flow = client.post("/api/v1/flows", json={"yamlContent": THREE_TASKS}).json()
    body = {"name": "hook", "flowId": flow["id"], "type": "webhook", "config": {"key": "my-webhook-key"}}
    assert client.post("/api/v1/triggers", json=body).status_code == 201
    status, started = curl(WEBHOOK)
    assert status == 200
    assert operator.run_of(started["executionId"])["spec"]["inputs"] == {"customerId": 42}


def test_list_plugins(curl: Any) -> None:
    status, plugins = curl(PLUGINS)
    assert status == 200
    identifiers = [plugin["id"] for plugin in plugins]  # jq '.[].id'
    assert {"util.log", "http.request"} <= set(identifiers)
    for plugin in plugins:
        assert list(plugin) == ["id", "name", "category", "description", "inputSchema", "outputSchema"]


@pytest.mark.parametrize("command", [REGISTER, LOGIN], ids=["register", "login"])
def test_authentication_is_optional_and_off(curl: Any, command: str) -> None:
    status, answer = curl(command)
    assert status == 404
    assert "JWT" in answer["message"]


def test_a_token_changes_nothing_while_authentication_is_off(client: httpx2.Client) -> None:
    assert client.get("/api/v1/flows", headers={"Authorization": "Bearer token"}).status_code == 200


def test_every_documented_route(  # noqa: PLR0915 - the document's tables, from top to bottom
    client: httpx2.Client, facade: Facade, operator: Operator
) -> None:
    """The tables of the document from top to bottom, each row once, with the status it should have."""
    done: list[str] = []

    def call(method: str, path: str, expected: int, body: Any = None) -> Any:
        done.append(f"{method} {path}")
        options = {} if body is None else {"json": body}
        answer = client.request(method, path, **options)
        assert answer.status_code == expected, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else answer.text

    v1 = "/api/v1"
    flow = call("POST", f"{v1}/flows", 201, {"name": "documented", "yamlContent": THREE_TASKS})
    mine = f"{v1}/flows/{flow['id']}"
    operator.pin("default", "documented")
    assert call("GET", f"{v1}/flows", 200) == [flow]
    assert call("GET", mine, 200) == flow
    changed = call("PUT", mine, 200, {"yamlContent": THREE_TASKS + "vars: {a: 1}\n"})
    operator.pin("default", "documented")
    assert changed["yamlContent"].endswith("vars: {a: 1}\n")
    started = call("POST", f"{mine}/execute", 200)
    assert call("POST", f"{v1}/flows/validate", 200, {"yamlContent": THREE_TASKS}) == {
        "valid": True,
        "errors": [],
    }
    exported = call("GET", f"{mine}/export", 200)
    imported = call("POST", f"{v1}/flows/import", 201, {**exported, "name": "imported"})
    assert imported["yamlContent"] == changed["yamlContent"]
    revisions = call("GET", f"{mine}/revisions", 200)
    assert [item["revision"] for item in revisions] == [1, 2]
    assert call("POST", f"{mine}/revisions/1/restore", 200)["yamlContent"] == THREE_TASKS

    execution = f"{v1}/executions/{started['executionId']}"
    assert [item["id"] for item in call("GET", f"{v1}/executions", 200)] == [started["executionId"]]
    assert list(call("GET", execution, 200)) == ["execution", "tasks"]
    call("POST", f"{execution}/cancel", 200)
    run = operator.run_of(started["executionId"])
    operator.status("run", "default", run["metadata"]["name"], {"phase": "Cancelled"})
    address = facade.base.replace("http", "ws")
    with connect(f"{address}{execution}/logs") as socket, pytest.raises(Exception, match="1000"):
        socket.recv(timeout=10)
    done.append(f"GET {execution}/logs")
    call("POST", f"{execution}/retry", 200)

    body = {"name": "hook", "flowId": flow["id"], "type": "webhook", "config": {"key": "documented-key"}}
    trigger = call("POST", f"{v1}/triggers", 201, body)
    assert call("GET", f"{v1}/triggers", 200) == [trigger]
    call("PUT", f"{v1}/triggers/{trigger['id']}", 200, {"name": "renamed"})
    call("POST", f"{v1}/webhook/documented-key", 200, {"customerId": 42})
    call("DELETE", f"{v1}/triggers/{trigger['id']}", 204)

    call("GET", f"{v1}/plugins", 200)
    call("GET", f"{v1}/plugins/categories", 200)
    call("GET", f"{v1}/plugins/util.log", 200)

    credential = call("POST", f"{v1}/credentials", 201, {"name": "CREDENTIAL_NAME", "value": "x"})
    assert call("GET", f"{v1}/credentials", 200) == [credential]
    assert call("GET", f"{v1}/credentials/{credential['id']}", 200) == credential
    call("PUT", f"{v1}/credentials/{credential['id']}", 200, {"value": "y"})
    call("DELETE", f"{v1}/credentials/{credential['id']}", 204)

    call("PUT", f"{v1}/kv/production/key", 200, {"value": {"any": "json"}})
    assert call("GET", f"{v1}/kv/production/key", 200)["value"] == {"any": "json"}
    assert call("GET", f"{v1}/kv/production", 200) == ["key"]
    call("DELETE", f"{v1}/kv/production/key", 204)

    call("GET", "/healthz", 200)
    call("GET", "/readyz", 200)
    assert "tailrace_api_requests_total" in call("GET", "/metrics", 200)
    call("DELETE", mine, 204)

    call("GET", f"{v1}/audit", 404)
    call("GET", f"{v1}/approvals/x", 404)
    call("POST", f"{v1}/approvals/x/approve", 404)
    call("POST", f"{v1}/approvals/x/reject", 404)
    assert len(done) >= 35


def test_terminal_statuses(client: httpx2.Client, operator: Operator) -> None:
    flow = client.post("/api/v1/flows", json={"yamlContent": THREE_TASKS}).json()
    seen = set()
    for phase in ("Succeeded", "Failed", "Cancelled", "TimedOut"):
        identifier = client.post(f"/api/v1/flows/{flow['id']}/execute").json()["executionId"]
        run = operator.run_of(identifier)["metadata"]["name"]
        operator.status("run", "default", run, {"phase": phase})
        seen.add(client.get(f"/api/v1/executions/{identifier}").json()["execution"]["status"])
    assert seen == {"SUCCESS", "FAILED", "CANCELLED", "TIMED_OUT"}


def test_credentials_are_referenced_by_name(
    client: httpx2.Client, facade: Facade, operator: Operator
) -> None:
    text = 'tasks: [{name: a, type: http.request, properties: {url: "https://x.example/${CREDENTIAL_NAME}"}}]'
    flow = client.post("/api/v1/flows", json={"name": "uses", "yamlContent": text})
    assert flow.status_code == 201, "a credential that does not exist yet is no reason to refuse"
    client.post("/api/v1/credentials", json={"name": "Credential Name", "value": "the value"})
    revision = operator.pin("default", "uses")
    identifier = client.post(f"/api/v1/flows/{flow.json()['id']}/execute").json()["executionId"]
    run = operator.run_of(identifier)["metadata"]["name"]
    pod, mine = operator.start_pod("default", f"contract-{identifier[:8]}")
    operator.assign("default", run, "contract", pod, revision=revision)
    operator.claim("default", run, "contract", pod)
    with facade.internal_client(mine) as internal:
        path = f"/runs/default/{run}/credentials/CREDENTIAL_NAME"
        assert eventually(lambda: internal.get(path).status_code == 200)
        assert internal.get(path).json()["value"] == "the value"


@pytest.fixture
def operator(kubectl: Kubectl) -> Operator:
    return Operator(kubectl)


def test_the_operator_token_is_of_use_only_inside(client: httpx2.Client, kubectl: Kubectl) -> None:
    mine = token(kubectl, OWN_NAMESPACE, "tailrace-operator")
    headers = {"Authorization": f"Bearer {mine}"}
    assert client.get("/internal/v1/operator/containers", headers=headers).status_code == 404

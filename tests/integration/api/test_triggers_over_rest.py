"""Triggers and webhooks through REST."""

import json
import sqlite3
import time
from typing import Any

import httpx2
import pytest

from tests.cluster_tool import Kubectl
from tests.facade import Facade
from tests.operator_by_hand import Operator, eventually

API = "/api/v1"
TEXT = """
inputs: {type: object, properties: {n: {type: integer}}}
tasks: [{name: a, type: util.log, properties: {message: x}}]
"""


@pytest.fixture
def flow(client: httpx2.Client) -> dict[str, Any]:
    return dict(client.post(f"{API}/flows", json={"name": "fired", "yamlContent": TEXT}).json())


def create(client: httpx2.Client, flow: Any, **fields: Any) -> dict[str, Any]:
    body = {"name": "t", "flowId": flow["id"], "type": "webhook", "config": {"key": "a-key"}, **fields}
    answer = client.post(f"{API}/triggers", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def ledger(facade: Facade, trigger: str) -> list[tuple[str, str | None]]:
    with sqlite3.connect(facade.directory / "tailrace.db") as database:
        rows = database.execute(
            "SELECT result, reason FROM ledger WHERE trigger_uid = ? ORDER BY id", (trigger,)
        )
        return [(row[0], row[1]) for row in rows]


def test_a_webhook_starts_its_flow(
    client: httpx2.Client, facade: Facade, flow: Any, operator: Operator
) -> None:
    trigger = create(client, flow)
    assert trigger["config"] == {"key": "a-key"}
    fired = client.post(f"{API}/webhook/a-key", json={"n": 42})
    assert fired.status_code == 200
    assert fired.json()["tasksTotal"] == 1
    run = operator.run_of(fired.json()["executionId"])
    assert run["spec"]["inputs"] == {"n": 42}
    assert run["spec"]["trigger"] == {"type": "webhook", "name": "t", "payload": {"n": 42}}
    assert ledger(facade, trigger["id"]) == [("run", None)]


@pytest.mark.parametrize("header", ["Idempotency-Key", "Webhook-Id", "X-GitHub-Delivery"])
def test_a_repeated_delivery_starts_nothing(
    client: httpx2.Client, facade: Facade, flow: Any, header: str
) -> None:
    trigger = create(client, flow)
    first, second = (
        client.post(f"{API}/webhook/a-key", json={"n": 1}, headers={header: "d1"}) for _ in range(2)
    )
    other = client.post(f"{API}/webhook/a-key", json={"n": 1}, headers={header: "d2"})
    assert first.json() == second.json() != other.json()
    assert ledger(facade, trigger["id"]) == [("run", None)] * 2


def test_what_is_not_run_is_in_the_ledger(
    client: httpx2.Client, facade: Facade, flow: Any, kubectl: Kubectl
) -> None:
    trigger = create(client, flow)
    assert client.post(f"{API}/webhook/a-key", json={"n": "x"}).status_code == 400
    client.put(f"{API}/triggers/{trigger['id']}", json={"enabled": False})
    suspended = client.post(f"{API}/webhook/a-key", json={})
    assert (suspended.status_code, suspended.json()["error"]) == (409, "trigger_suspended")
    client.put(f"{API}/triggers/{trigger['id']}", json={"enabled": True})
    kubectl("patch", "flow", "fired", "--type=merge", "-p", '{"spec": {"state": "Paused"}}')
    path = f"{API}/webhook/a-key"
    eventually(lambda: client.post(path, json={}).json().get("error") == "flow_not_active")
    client.delete(f"{API}/flows/{flow['id']}")
    assert client.post(path, json={}).json()["error"] == "flow_not_found"
    found = ledger(facade, trigger["id"])
    assert {result for result, _ in found} <= {"skipped", "run"}
    reasons = " ".join(str(reason) for _, reason in found)
    for part in ("inputs do not fit", "suspended", "Paused", "does not exist"):
        assert part in reasons


def test_inputs_can_be_made_of_the_payload(
    client: httpx2.Client, flow: Any, kubectl: Kubectl, operator: Operator
) -> None:
    create(client, flow)
    patch = json.dumps({"spec": {"inputs": {"n": "{{ trigger.payload.order.total }}"}}})
    kubectl("patch", "trigger", "t", "--type=merge", "-p", patch)
    path = f"{API}/webhook/a-key"
    wrong = eventually(lambda: (got := client.post(path, json={"no": 1})).status_code == 400 and got)
    assert wrong.json()["error"] == "invalid_payload"
    fired = client.post(path, json={"order": {"total": 7}})
    assert operator.run_of(fired.json()["executionId"])["spec"]["inputs"] == {"n": 7}


@pytest.mark.parametrize("body", [b"[1]", b"1", b'"x"', b"null", b"a=b", b"{"])
def test_a_payload_is_an_object(client: httpx2.Client, flow: Any, body: bytes) -> None:
    create(client, flow)
    assert client.post(f"{API}/webhook/a-key", content=body).status_code == 400


def test_keys_are_unique_and_drawn_where_none_is_given(client: httpx2.Client, flow: Any) -> None:
    first = create(client, flow)
    body = {"name": "t2", "flowId": flow["id"], "type": "webhook", "config": {"key": "a-key"}}
    taken = client.post(f"{API}/triggers", json=body)
    assert (taken.status_code, taken.json()["error"]) == (409, "duplicate_key")
    drawn = create(client, flow, name="t2", config=None)
    key = drawn["config"]["key"]
    assert len(key) >= 22
    assert client.put(f"{API}/triggers/{drawn['id']}", json={"config": {"key": "a-key"}}).status_code == 409
    renamed = client.put(f"{API}/triggers/{drawn['id']}", json={"name": "t3"}).json()
    assert (renamed["name"], renamed["config"]["key"]) == ("t3", key)
    same = client.put(f"{API}/triggers/{first['id']}", json={"config": {"key": "a-key"}})
    assert same.status_code == 200


def test_a_key_belongs_to_the_oldest_trigger(
    client: httpx2.Client, flow: Any, kubectl: Kubectl, operator: Operator
) -> None:
    create(client, flow)
    time.sleep(1.1)  # Kubernetes knows ages to the second
    thief = {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Trigger",
        "metadata": {"name": "thief", "namespace": "team-a"},
        "spec": {"flow": "nothing", "type": "webhook", "webhook": {"key": "a-key"}},
    }
    kubectl.apply(thief)
    eventually(lambda: len(client.get(f"{API}/triggers").json()) == 2)
    fired = client.post(f"{API}/webhook/a-key", json={})
    assert operator.run_of(fired.json()["executionId"])["metadata"]["namespace"] == "default"


def test_schedules(client: httpx2.Client, flow: Any, kubectl: Kubectl) -> None:
    config = {"cron": "*/5 * * * *", "timezone": "Europe/Berlin", "missed": "all", "missedLimit": 3}
    trigger = create(client, flow, type="SCHEDULE", config=config)
    assert trigger["type"] == "schedule"
    assert trigger["config"] == config
    stored = kubectl.json("get", "trigger", "t")["spec"]
    assert stored["schedule"] == {
        "cron": "*/5 * * * *",
        "timeZone": "Europe/Berlin",
        "missed": "All",
        "missedLimit": 3,
    }
    changed = client.put(f"{API}/triggers/{trigger['id']}", json={"config": {"cron": "@daily"}}).json()
    assert changed["config"]["cron"] == "@daily"
    hook = client.put(
        f"{API}/triggers/{trigger['id']}", json={"type": "webhook", "config": {"key": "k"}}
    ).json()
    assert (hook["type"], hook["config"]) == ("webhook", {"key": "k"})
    assert client.delete(f"{API}/triggers/{trigger['id']}").status_code == 204
    assert client.get(f"{API}/triggers").json() == []


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"flowId": None}, "flowId"),
        ({"flowId": "00000000-0000-0000-0000-000000000000"}, "flowId"),
        ({"type": "carrier pigeon"}, "type"),
        ({"config": {"key": "has space"}}, "config.key"),
        ({"config": {"cron": "* * * * *"}}, "config.cron"),
        ({"type": "schedule", "config": {"key": "k"}}, "config.key"),
        ({"type": "schedule", "config": None}, "config.cron"),
        ({"type": "schedule", "config": {"cron": "* * *"}}, "config.cron"),
        ({"type": "schedule", "config": {"cron": "0 0 30 2 *"}}, "config.cron"),
        ({"type": "schedule", "config": {"cron": "@daily", "timezone": "Mars/Olympus"}}, "config.timezone"),
        ({"type": "schedule", "config": {"cron": "@daily", "timezone": "../etc/passwd"}}, "config.timezone"),
        ({"type": "schedule", "config": {"cron": "@daily", "missed": "some"}}, "config.missed"),
        ({"nonsense": 1}, "nonsense"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else value,
)
def test_wrong_triggers_are_named(client: httpx2.Client, flow: Any, fields: Any, path: str) -> None:
    body = {"name": "t", "flowId": flow["id"], "type": "webhook", "config": {"key": "k"}, **fields}
    refused = client.post(f"{API}/triggers", json=body)
    assert refused.status_code == 400, refused.text
    assert refused.json()["details"][0]["path"] == path


def test_a_trigger_stays_in_the_namespace_of_its_flow(client: httpx2.Client, flow: Any) -> None:
    trigger = create(client, flow)
    other = client.post(f"{API}/flows", json={"name": "o", "yamlContent": TEXT, "namespace": "team-a"}).json()
    moved = client.put(f"{API}/triggers/{trigger['id']}", json={"flowId": other["id"]})
    assert (moved.status_code, moved.json()["details"][0]["path"]) == (400, "flowId")


def test_an_unknown_key_is_404_and_not_in_the_log(client: httpx2.Client, facade: Facade) -> None:
    unknown = client.post(f"{API}/webhook/never-heard-of-this-key", json={})
    assert (unknown.status_code, unknown.json()["error"]) == (404, "webhook_not_found")
    assert "never-heard-of-this-key" not in facade.log
    assert "never-heard-of-this-key" not in client.get("/metrics").text

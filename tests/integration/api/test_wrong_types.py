"""Every route, every field, every wrong JSON type: the caller's mistake is named, and never a 500."""

import json
from typing import Any

import httpx2
import pytest

from tests.operator_by_hand import empty

API = "/api/v1"
TEXT = """
inputs: {type: object, properties: {n: {type: integer}}}
tasks: [{name: a, type: util.log, properties: {message: x}}]
"""

VALUES: dict[str, Any] = {
    "null": None,
    "number": 7,
    "fraction": 1.5,
    "huge number": 10**40,
    "boolean": True,
    "text": "text",
    "empty text": "",
    "odd text": "\u0000\u202e\U0001f600",
    "long text": "x" * 100_000,
    "list": [1],
    "list of lists": [[["x"]]],
    "object": {"a": 1},
    "deep": json.loads("[" * 60 + "]" * 60),
}

ROUTES: dict[str, tuple[str, str, dict[str, Any], dict[str, set[str]]]] = {
    # name: method, path, a right body, and which of the values are right for a field
    "create flow": (
        "POST",
        "/flows",
        {"name": "wrong types", "namespace": "default", "yamlContent": TEXT},
        {"name": {"text"}, "namespace": {"null"}, "yamlContent": set()},
    ),
    "update flow": (
        "PUT",
        "/flows/{flow}",
        {"name": "right", "namespace": "default", "yamlContent": TEXT},
        {"name": {"text", "null"}, "namespace": {"null"}, "yamlContent": {"null"}},
    ),
    "validate flow": (
        "POST",
        "/flows/validate",
        {"yamlContent": TEXT},
        {"yamlContent": {"text", "empty text", "odd text", "long text"}},
    ),
    "import flow": (
        "POST",
        "/flows/import",
        {"name": "wrong types", "namespace": "default", "yamlContent": TEXT},
        {"name": {"text"}, "namespace": {"null"}, "yamlContent": set()},
    ),
    "import flow as JSON": (
        "POST",
        "/flows/import",
        {"name": "wrong types", "description": "d", "tasks": [], "vars": {}, "inputs": {"type": "object"}},
        {
            "name": {"text"},
            "description": {"null", "text", "empty text", "odd text"},
            "tasks": set(),
            "vars": {"object"},
            "inputs": {"null", "object"},
        },
    ),
    "execute": ("POST", "/flows/{flow}/execute", {"n": 1}, {"n": {"number", "huge number"}}),
    "create trigger": (
        "POST",
        "/triggers",
        {
            "name": "wrong types",
            "flowId": "{flow}",
            "type": "webhook",
            "config": {"key": "wrong-types"},
            "enabled": True,
        },
        {
            "name": {"text"},
            "flowId": set(),
            "type": set(),
            "config": {"null"},
            "enabled": {"null", "boolean"},
        },
    ),
    "update trigger": (
        "PUT",
        "/triggers/{trigger}",
        {"name": "hook", "flowId": "{flow}", "type": "webhook", "config": {"key": "k"}, "enabled": True},
        {
            "name": {"null", "text"},
            "flowId": {"null"},
            "type": {"null"},
            "config": {"null"},
            "enabled": {"null", "boolean"},
        },
    ),
    "create credential": (
        "POST",
        "/credentials",
        {"name": "wrong types", "namespace": "default", "type": "t", "value": "v", "hosts": ["x.example"]},
        {
            "name": {"text"},
            "namespace": {"null"},
            "type": {"null", "text", "odd text"},
            "value": {"text", "odd text"},
            "hosts": {"null"},
        },
    ),
    "update credential": (
        "PUT",
        "/credentials/{credential}",
        {"name": "secret", "namespace": "default", "type": "t", "value": "v", "hosts": ["x.example"]},
        {
            "name": {"null", "text"},
            "namespace": {"null"},
            "type": {"null", "text", "odd text"},
            "value": {"null", "text", "odd text"},
            "hosts": {"null"},
        },
    ),
    "set key": ("PUT", "/kv/default/wrong-types", {"value": 1}, {"value": set(VALUES)}),
    "fire webhook": ("POST", "/webhook/k", {"n": 1}, {"n": {"number", "huge number"}}),
}

BODIES = {
    "nothing": b"",
    "not JSON": b"{",
    "not UTF-8": b'{"name": "\xff"}',
    "lone surrogate": b'{"name": "\\ud800", "value": "\\ud800", "yamlContent": "\\ud800", "n": "\\ud800"}',
    "NaN": b'{"name": NaN}',
    "1e999": b'{"n": 1e999}',
    "null": b"null",
    "number": b"1",
    "text": b'"x"',
    "list": b"[]",
    "nested": b"[" * 5000 + b"]" * 5000,
    "nested objects": b'{"n":' * 100 + b"1" + b"}" * 100,
    "a form": b"name=x&value=y",
    "too much": b'{"name": "' + b"x" * 1024 * 1024 + b'"}',
}


@pytest.fixture(scope="module")
def ids(facade: Any, kubectl: Any) -> Any:
    """A flow, a trigger and a credential for the routes that need one."""
    with facade.client() as client:
        flow = client.post(f"{API}/flows", json={"name": "right", "yamlContent": TEXT}).json()["id"]
        trigger = {"name": "hook", "flowId": flow, "type": "webhook", "config": {"key": "k"}}
        credential = {"name": "secret", "type": "t", "value": "v", "hosts": ["x.example"]}
        made = {
            "flow": flow,
            "trigger": client.post(f"{API}/triggers", json=trigger).json()["id"],
            "credential": client.post(f"{API}/credentials", json=credential).json()["id"],
        }
        yield made
    empty(kubectl)


@pytest.fixture(scope="module")
def open_client(facade: Any) -> Any:
    with facade.client() as client:
        yield client


def send(
    client: httpx2.Client, method: str, path: str, ids: dict[str, str], content: bytes
) -> httpx2.Response:
    answer = client.request(method, API + path.format(**ids), content=content)
    if answer.status_code == 201:
        client.delete(f"{API}{path.removesuffix('/import')}/{answer.json()['id']}")
    return answer


def assert_refused(answer: httpx2.Response) -> None:
    assert answer.status_code in {400, 403, 413, 422}, (answer.status_code, answer.text[:500])
    body = answer.json()
    assert set(body) == {"error", "message", "details"}
    assert body["message"]
    assert len(answer.content) < 5000, "what was sent is not sent back"


@pytest.mark.parametrize("name", ROUTES)
def test_a_right_body_is_taken(open_client: httpx2.Client, ids: Any, name: str) -> None:
    method, path, body, _ = ROUTES[name]
    content = json.dumps(body).replace("{flow}", ids["flow"]).encode()
    answer = send(open_client, method, path, ids, content)
    assert answer.status_code in {200, 201}, answer.text


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, route in ROUTES.items() for field in route[2]]
)
def test_each_field_of_each_wrong_type(open_client: httpx2.Client, ids: Any, name: str, field: str) -> None:
    method, path, body, right = ROUTES[name]
    for kind, value in VALUES.items():
        if method == "PUT":
            restored = json.dumps(body).replace("{flow}", ids["flow"]).encode()
            assert send(open_client, method, path, ids, restored).status_code == 200
        content = json.dumps({**body, field: value}).replace("{flow}", ids["flow"]).encode()
        answer = send(open_client, method, path, ids, content)
        if kind in right[field]:
            assert answer.status_code in {200, 201}, (kind, answer.text[:500])
        else:
            assert_refused(answer)
            if answer.status_code == 400 and name != "execute" and field not in {"yamlContent", "n"}:
                assert any(field in detail["path"] for detail in answer.json()["details"]), (
                    kind,
                    answer.text,
                )


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("kind", BODIES)
def test_each_wrong_body(open_client: httpx2.Client, ids: Any, name: str, kind: str) -> None:
    method, path, _, _ = ROUTES[name]
    answer = send(open_client, method, path, ids, BODIES[kind])
    optional = name in {"execute", "fire webhook", "update flow", "update trigger", "update credential"}
    if kind == "nothing" and optional:
        assert answer.status_code == 200
        return
    assert_refused(answer)
    if kind == "too much":
        assert answer.status_code == 413


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "path",
    ["/flows/x/execute/y", "/flows", "/executions/x/logs", "/kv/default", "/webhook", "/plugins/x/y"],
)  # fmt: skip
def test_what_no_route_takes_has_the_envelope(open_client: httpx2.Client, method: str, path: str) -> None:
    answer = open_client.request(method, API + path)
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert set(answer.json()) == {"error", "message", "details"}

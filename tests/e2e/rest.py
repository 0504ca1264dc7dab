"""Flows from the facade's side, as the tests need them."""

import json
from typing import Any

import httpx2
import yaml
from websockets.sync.client import connect

from tests.e2e.system import TENANT, eventually


def create_flow(rest: httpx2.Client, name: str, *tasks: dict[str, Any], **spec: Any) -> dict[str, Any]:
    text = yaml.safe_dump({"name": name, "tasks": list(tasks), **spec}, sort_keys=False)
    answer = rest.post("/api/v1/flows", json={"name": name, "namespace": TENANT, "yamlContent": text})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def execution(rest: httpx2.Client, identity: str, status: str, timeout: float = 60) -> dict[str, Any]:
    def probe() -> Any:
        answer = rest.get(f"/api/v1/executions/{identity}")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["execution"]["status"] in {"QUEUED", "RUNNING", status}, body
        return body if body["execution"]["status"] == status else None

    found: dict[str, Any] = eventually(f"execution {identity} {status}", probe, timeout)
    return found


def lines(address: str, identity: str) -> list[dict[str, Any]]:
    """The whole log of an execution; the server closes the stream when it has ended."""
    with connect(address.replace("http", "ws", 1) + f"/api/v1/executions/{identity}/logs") as socket:
        return [json.loads(message) for message in socket]

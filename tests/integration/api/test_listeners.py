"""Who can reach what: loopback is open, the pod's address is not."""

import json
import re
from typing import Any

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests import facade as program
from tests.facade import Facade
from tests.operator_by_hand import eventually

API = "/api/v1"


@pytest.fixture
def service(facade: Facade) -> Any:
    """A client of the address behind the Service."""
    port = facade.base.rpartition(":")[2]
    with httpx2.Client(base_url=f"http://127.0.0.2:{port}") as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/flows"),
        ("POST", "/api/v1/flows"),
        ("POST", "/api/v1/webhook/k"),
        ("GET", "/metrics"),
        ("GET", "/healthz"),
        ("POST", "/auth/login"),
        ("GET", "/"),
        ("GET", "/internal/v1/operator/containers"),
    ],
)
def test_from_the_network_everything_is_refused(service: httpx2.Client, method: str, path: str) -> None:
    answer = service.request(method, path)
    assert answer.status_code == 403
    assert answer.json()["error"] == "open_on_loopback_only"
    assert "kubectl port-forward -n tailrace-facade svc/tailrace" in answer.json()["message"]


def test_a_websocket_from_the_network_is_refused(facade: Facade) -> None:
    port = facade.base.rpartition(":")[2]
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.2:{port}{API}/executions/x/logs"):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:1234"}, 200),
        ({"Host": "[::1]:8080"}, 200),
        ({"Host": "tailrace.tailrace-facade.svc"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "localhost.evil.example"}, 421),
        ({"Host": "[::1"}, 421),
        ({"Origin": "http://localhost:8080"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[bad"}, 403),
    ],
)
def test_only_our_own_hosts_and_pages(client: httpx2.Client, headers: dict[str, str], status: int) -> None:
    answer = client.get(f"{API}/flows", headers=headers)
    assert answer.status_code == status
    if status >= 400:
        assert set(answer.json()) == {"error", "message", "details"}


def test_probes_and_metrics_have_ports_of_their_own(facade: Facade) -> None:
    assert httpx2.get(f"{facade.probes}/healthz").json() == {"status": "ok"}
    assert httpx2.get(f"{facade.probes}/readyz").json() == {"status": "ok"}
    assert httpx2.get(f"{facade.probes}/api/v1/flows").status_code == 404
    text = httpx2.get(f"{facade.metrics}/metrics").text
    for name in (
        "tailrace_api_requests_total",
        "tailrace_api_store_seconds",
        "tailrace_api_cache_age_seconds",
    ):
        assert name in text


def test_metrics_count_by_template(client: httpx2.Client) -> None:
    client.get(f"{API}/flows/some-id-that-is-not-there")
    text = client.get("/metrics").text
    assert re.search(
        r'tailrace_api_requests_total\{[^}]*route="/api/v1/flows/\{id\}",status="404"\}', text
    ), text
    assert "some-id-that-is-not-there" not in text


def test_requests_have_ids(client: httpx2.Client, facade: Facade) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    drawn = client.get(f"{API}/flows", headers={"X-Request-Id": "not\tmine"}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", drawn)
    line = eventually(lambda: next((line for line in facade.log.splitlines() if drawn in line), None))
    assert json.loads(line)["route"] == "/api/v1/flows"


def test_every_line_of_the_log_is_json(facade: Facade) -> None:
    for line in facade.log.splitlines():
        assert json.loads(line)["event"], line


def test_the_program_stops_when_told(kubectl: Any, tmp_path: Any) -> None:
    with program.running(kubectl, tmp_path / "x", f"sqlite:///{tmp_path}/x.db") as running:
        running.process.terminate()
        assert running.process.wait(15) == 0
        assert "Traceback" not in running.log

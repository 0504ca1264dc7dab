"""The log over a WebSocket: live, and after the end."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests import facade as program
from tests.facade import Facade
from tests.operator_by_hand import Operator

API = "/api/v1"
TEXT = "tasks: [{name: a, type: util.log, properties: {message: x}}]"


@pytest.fixture
def run(facade: Facade, client: httpx2.Client, operator: Operator) -> Iterator[tuple[str, Any, str]]:
    """A claimed Run: its id, what posts lines as its pod, and its name."""
    flow = client.post(f"{API}/flows", json={"name": "logged", "yamlContent": TEXT}).json()
    execution = client.post(f"{API}/flows/{flow['id']}/execute").json()["executionId"]
    name = operator.run_of(execution)["metadata"]["name"]
    pod = f"pod-{uuid4().hex[:8]}"
    uid, mine = operator.start_pod("default", pod)
    operator.assign("default", name, pod, uid)
    operator.claim("default", name, pod, uid)
    with facade.internal_client(mine) as internal:

        def post(first: int, count: int, message: str = "line") -> None:
            lines = [
                {
                    "time": "2026-03-25T10:00:01.000Z",
                    "task": "a",
                    "attempt": 1,
                    "level": "info",
                    "message": f"{message} {number}",
                    "seq": number,
                }
                for number in range(first, first + count)
            ]
            answer = internal.post(f"/runs/default/{name}/logs", json={"lines": lines})
            assert answer.status_code == 200, answer.text

        yield execution, post, name


def stream(facade: Facade, execution: str, **options: Any) -> ClientConnection:
    return connect(f"{facade.base.replace('http', 'ws')}{API}/executions/{execution}/logs", **options)


def rest(socket: ClientConnection) -> tuple[list[str], int]:
    """All further messages, and the code that the server closed with."""
    messages = []
    try:
        while True:
            messages.append(json.loads(socket.recv(timeout=20))["message"])
    except ConnectionClosed as closed:
        return messages, closed.rcvd.code if closed.rcvd else 0


def test_lines_come_as_they_are_written_and_the_stream_ends_with_the_run(
    facade: Facade, run: Any, operator: Operator
) -> None:
    execution, post, name = run
    post(1, 2)
    with stream(facade, execution) as socket:
        first = json.loads(socket.recv(timeout=10))
        assert first == {
            "time": "2026-03-25T10:00:01.000Z",
            "task": "a",
            "attempt": 1,
            "level": "info",
            "message": "line 1",
        }
        assert json.loads(socket.recv(timeout=10))["message"] == "line 2"
        with pytest.raises(TimeoutError):
            socket.recv(timeout=1.5)
        started = time.monotonic()
        post(3, 1)
        assert json.loads(socket.recv(timeout=10))["message"] == "line 3"
        assert time.monotonic() - started < 2
        operator.status("run", "default", name, {"phase": "Succeeded"})
        post(4, 1, "last")
        assert rest(socket) == (["last 4"], 1000)


def test_after_the_end_all_lines_come_at_once(facade: Facade, run: Any, operator: Operator) -> None:
    execution, post, name = run
    for start in range(0, 2000, 1000):
        post(start, 1000)
    operator.status("run", "default", name, {"phase": "Failed"})
    with stream(facade, execution) as socket:
        messages, code = rest(socket)
    assert messages == [f"line {number}" for number in range(2000)]
    assert code == 1000


def test_unknown_executions_and_plain_requests(facade: Facade, client: httpx2.Client, run: Any) -> None:
    with pytest.raises(InvalidStatus) as refused, stream(facade, "no-such"):
        pass
    assert refused.value.response.status_code == 404
    assert json.loads(refused.value.response.body or b"")["error"] == "execution_not_found"
    plain = client.get(f"{API}/executions/{run[0]}/logs")
    assert (plain.status_code, plain.headers["upgrade"]) == (426, "websocket")
    assert plain.json()["error"] == "upgrade_required"


def test_foreign_pages_cannot_listen(facade: Facade, run: Any) -> None:
    with pytest.raises(InvalidStatus) as refused, stream(facade, run[0], origin="https://evil.example"):
        pass
    assert refused.value.response.status_code == 403


def test_a_client_that_does_not_read_delays_nobody(
    facade: Facade, run: Any, client: httpx2.Client, operator: Operator
) -> None:
    execution, post, name = run
    with stream(facade, execution, max_queue=1) as slow:
        for start in range(0, 4000, 1000):
            post(start, 1000, "x" * 5000)
        operator.status("run", "default", name, {"phase": "Succeeded"})
        with stream(facade, execution) as fast:
            messages, code = rest(fast)
        assert (len(messages), code) == (4000, 1000)
        assert client.get("/healthz").elapsed.total_seconds() < 1
        slow.close_timeout = 0.1


def test_streams_have_a_limit_and_free_it(kubectl: Any, run: Any, tmp_path: Any) -> None:
    execution, _, _ = run
    url = f"sqlite:///{tmp_path}/x.db"
    with program.running(kubectl, tmp_path / "small", url, TAILRACE_LOG_STREAMS="2") as small:
        with stream(small, execution), stream(small, execution):
            time.sleep(0.5)
            with stream(small, execution) as third:
                assert rest(third) == ([], 1013)
        time.sleep(1.5)
        with stream(small, execution) as again, pytest.raises(TimeoutError):
            again.recv(timeout=1)


def test_many_readers_of_one_run(facade: Facade, run: Any, operator: Operator) -> None:
    execution, post, name = run
    results: list[tuple[list[str], int]] = []

    def read() -> None:
        with stream(facade, execution) as socket:
            results.append(rest(socket))

    readers = [threading.Thread(target=read) for _ in range(10)]
    for reader in readers:
        reader.start()
    post(0, 50)
    operator.status("run", "default", name, {"phase": "Succeeded"})
    for reader in readers:
        reader.join(30)
    assert results == [([f"line {number}" for number in range(50)], 1000)] * 10

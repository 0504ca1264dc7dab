from typing import Any

import pytest

from tailrace_operator.caches import project_run
from tailrace_operator.flows import Pinned
from tailrace_operator.handlers.admit import refusal
from tailrace_operator.handlers.events import of_end
from tailrace_operator.handlers.flow import credentials_of, summary
from tailrace_operator.logic import times
from tailrace_operator.settings import Settings

NOW = times.parse("2026-11-23T12:00:00Z")


def item(name: str, phase: str | None, minute: int = 0) -> dict[str, Any]:
    created = f"2026-11-23T12:{minute:02}:00Z"
    return {
        "metadata": {"name": name, "creationTimestamp": created},
        "status": {"phase": phase} if phase else {},
    }


def test_a_flow_counts_its_runs() -> None:
    runs = [
        item("a", "Succeeded"),
        item("b", "Partial"),
        item("c", "TimedOut"),
        item("d", None, 2),
        item("e", "Running", 1),
    ]
    assert summary(runs) == {
        "counts": {"active": 2, "succeeded": 2, "failed": 1},
        "lastRun": {"name": "d", "phase": "Queued"},
    }
    assert summary([]) == {"counts": None, "lastRun": None}


def test_only_credential_properties_name_credentials() -> None:
    spec = {
        "tasks": [
            {
                "name": "a",
                "type": "http.request",
                "properties": {"url": "https://x", "headers": {"authorization": "Bearer ${TOKEN}"}},
            },
            {"name": "b", "type": "util.log", "properties": {"message": "costs ${PRICE}"}},
            {"name": "c", "type": "no.such", "properties": {"x": "${NOTHING}"}},
        ]
    }
    assert credentials_of(spec) == ["TOKEN"]


def pinned(**spec: Any) -> Pinned:
    return Pinned({"metadata": {"name": "hello"}, "spec": {"tasks": [], **spec}}, (), "hello-1")


@pytest.mark.parametrize(
    ("spec", "inputs", "reason"),
    [
        pytest.param({}, {}, None, id="fine"),
        pytest.param({"state": "Draft"}, {}, "FlowNotActive", id="draft"),
        pytest.param({"state": "Paused"}, {}, "FlowNotActive", id="paused"),
        pytest.param(
            {"inputs": {"type": "object", "required": ["x"]}}, {}, "InvalidInputs", id="missing input"
        ),
        pytest.param(
            {"inputs": {"type": "object", "required": ["x"], "properties": {"x": {"default": 1}}}},
            {},
            None,
            id="default",
        ),
    ],
)
def test_refusal(spec: dict[str, Any], inputs: dict[str, Any], reason: str | None) -> None:
    found = refusal(pinned(**spec), inputs)
    assert (found.reason if found else None) == reason


def full_run(**status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Run",
        "metadata": {
            "name": "one",
            "namespace": "team-a",
            "uid": "u",
            "resourceVersion": "7",
            "creationTimestamp": "2026-11-23T12:00:00Z",
        },
        "spec": {"flow": "hello", "inputs": {"big": "x" * 100}},
        "status": status,
    }


def test_the_cache_keeps_inputs_until_a_pod_has_the_run() -> None:
    assert project_run(full_run())["spec"]["inputs"]
    later = project_run(full_run(assigned={"podUID": "p"}, tasks=[{}], outputs={"x": 1}, phase="Queued"))
    assert later["spec"] == {"flow": "hello"}
    assert later["status"] == {"assigned": {"podUID": "p"}, "phase": "Queued"}


@pytest.mark.parametrize(
    ("phase", "kind", "says"),
    [
        ("Succeeded", "Normal", "flow hello, 1.5 s, tasks 2/2"),
        ("Failed", "Warning", "flow hello, 1.5 s, tasks 2/2; TaskFailed: no"),
    ],
)
def test_the_event_of_an_end(phase: str, kind: str, says: str) -> None:
    status = {"phase": phase, "durationMs": 1500, "progress": "2/2"}
    if phase == "Failed":
        status |= {"reason": "TaskFailed", "message": "no"}
    event = of_end(full_run(**status), "operator-1", NOW)
    assert (event["type"], event["reason"], event["message"]) == (kind, f"Run{phase}", says)
    assert event["metadata"]["name"] == of_end(full_run(**status), "operator-2", NOW)["metadata"]["name"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a, b", ["a", "b"]), ('["a", "b"]', ["a", "b"]), ("", [])],
    ids=["commas", "JSON", "empty"],
)
def test_lists_in_the_environment(monkeypatch: pytest.MonkeyPatch, text: str, expected: list[str]) -> None:
    monkeypatch.setenv("TAILRACE_TENANTS", text)
    monkeypatch.setenv("TAILRACE_RUNNER_RESOURCES", '{"limits": {"memory": "1Gi"}}')
    settings = Settings()
    assert settings.tenants == expected
    assert settings.runner_resources == {"limits": {"memory": "1Gi"}}

"""What the API server itself accepts and refuses, before any program of ours has seen it."""

import json
import uuid
from typing import Any

import pytest

from tests.cluster_tool import ROOT, Kubectl


def resource(kind: str, spec: dict[str, Any], name: str | None = None) -> dict[str, Any]:
    return {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name or f"x{uuid.uuid4().hex[:10]}", "namespace": "default"},
        "spec": spec,
    }


def contains(stored: Any, sent: Any) -> bool:
    """Whether all that was sent is stored; the server adds defaults."""
    if isinstance(sent, dict):
        return all(key in stored and contains(stored[key], value) for key, value in sent.items())
    if isinstance(sent, list):
        return len(stored) == len(sent) and all(map(contains, stored, sent))
    return bool(stored == sent)


HELLO = {"name": "hello", "type": "util.log", "properties": {"message": "hi", "nested": {"kept": [1, "a"]}}}
VALID = [
    pytest.param("Flow", {"tasks": [HELLO]}, id="a flow of one task"),
    pytest.param("Flow", {}, id="a flow without tasks"),
    pytest.param(
        "Flow", {"finally": [HELLO], "onFailure": [HELLO], "state": "Draft"}, id="a flow with hooks"
    ),
    pytest.param("Run", {"flow": "hello", "inputs": {"a": {"b": 1}}}, id="a run"),
    pytest.param(
        "Trigger", {"flow": "f", "type": "schedule", "schedule": {"cron": "0 5 * * *"}}, id="a schedule"
    ),
    pytest.param("Trigger", {"flow": "f", "type": "webhook", "webhook": {"key": "k-1"}}, id="a webhook"),
    pytest.param(
        "Credential", {"secretRef": {"name": "s", "key": "k"}, "hosts": ["*.example.com"]}, id="a secret"
    ),
]
INVALID = [
    pytest.param(
        "Flow", {"tasks": [HELLO, HELLO]}, "spec.tasks[1]: Duplicate value", id="two tasks of one name"
    ),
    pytest.param(
        "Flow", {"tasks": [{"name": "a b", "type": "util.log"}]}, "spec.tasks[0].name", id="a task's name"
    ),
    pytest.param("Flow", {"tasks": [{"name": "a"}]}, "spec.tasks[0].type", id="a task without type"),
    pytest.param("Flow", {"state": "Asleep"}, "spec.state", id="an unknown state"),
    pytest.param("Flow", {"timeout": "soon"}, "spec.timeout", id="a duration that is none"),
    pytest.param(
        "Flow", {"tasks": [{**HELLO, "retry": {"maxAttempts": 0}}]}, "maxAttempts", id="no attempts"
    ),
    pytest.param("Run", {"inputs": {}}, "spec.flow", id="a run of no flow"),
    pytest.param("Run", {"flow": "Not A Name"}, "spec.flow", id="a flow's name that is none"),
    pytest.param(
        "Trigger", {"flow": "f", "type": "schedule"}, "schedule settings", id="a schedule without one"
    ),
    pytest.param(
        "Trigger",
        {"flow": "f", "type": "webhook", "webhook": {"key": "k"}, "schedule": {"cron": "* * * * *"}},
        "schedule settings",
        id="a webhook with a schedule",
    ),
    pytest.param(
        "Trigger", {"flow": "f", "type": "webhook", "webhook": {"key": "a/b"}}, "key", id="a key's slash"
    ),
    pytest.param("Credential", {}, "ciphertext", id="a credential of nothing"),
    pytest.param(
        "Credential",
        {"ciphertext": "x", "secretRef": {"name": "s", "key": "k"}},
        "ciphertext",
        id="both values",
    ),
    pytest.param(
        "Credential", {"ciphertext": "x", "hosts": ["http://x/"]}, "hosts", id="a host with a scheme"
    ),
]


@pytest.mark.parametrize("server_side", [False, True], ids=["client-side", "server-side"])
@pytest.mark.parametrize(("kind", "spec"), VALID)
def test_what_is_right_is_applied_twice_without_a_change(
    kubectl: Kubectl, kind: str, spec: dict[str, Any], *, server_side: bool
) -> None:
    how = ["--server-side"] if server_side else []
    document = resource(kind, spec)
    kubectl.apply(document, *how)
    assert ("serverside-applied" if server_side else "unchanged") in kubectl.apply(document, *how)
    stored = kubectl.json("get", kind.lower(), document["metadata"]["name"])
    assert contains(stored["spec"], spec)
    assert stored["metadata"]["generation"] == 1


@pytest.mark.parametrize(("kind", "spec", "says"), INVALID)
def test_what_is_wrong_is_refused_with_its_field(
    kubectl: Kubectl, kind: str, spec: dict[str, Any], says: str
) -> None:
    done = kubectl.attempt("apply", "-f", "-", stdin=json.dumps(resource(kind, spec)))
    assert done.returncode != 0
    assert says in done.stderr


def test_an_unknown_field_is_refused_by_kubectl(kubectl: Kubectl) -> None:
    done = kubectl.attempt("apply", "-f", "-", stdin=json.dumps(resource("Flow", {"task": []})))
    assert done.returncode != 0
    assert "spec.task" in done.stderr


def test_a_run_can_be_cancelled_and_otherwise_not_changed(kubectl: Kubectl) -> None:
    document = resource("Run", {"flow": "a", "inputs": {"x": 1}})
    name = document["metadata"]["name"]
    kubectl.apply(document)

    def patch(change: dict[str, Any]) -> Any:
        return kubectl.attempt("patch", "run", name, "--type=merge", "-p", json.dumps({"spec": change}))

    assert "flow cannot be changed" in patch({"flow": "b"}).stderr
    assert "retryOf cannot be changed" in patch({"retryOf": "b"}).stderr
    assert patch({"cancel": True}).returncode == 0
    assert "cancel cannot be taken back" in patch({"cancel": False}).stderr


def test_short_names_the_category_and_columns(kubectl: Kubectl) -> None:
    kubectl.apply(resource("Flow", {"tasks": [HELLO]}, "shown"))
    for word in ("fl", "flows", "tailrace"):
        assert "shown" in kubectl("get", word)
    assert kubectl("get", "fl", "shown").split("\n")[0].split() == [
        "NAME",
        "STATE",
        "READY",
        "LAST",
        "RUN",
        "AGE",
    ]
    assert kubectl("get", "tr", "-A", "--ignore-not-found") is not None


def test_runs_are_selected_by_flow_phase_and_assigned_pod(kubectl: Kubectl) -> None:
    document = resource("Run", {"flow": "selected-by"})
    name = document["metadata"]["name"]
    kubectl.apply(document)
    status = {"phase": "Queued", "assigned": {"pod": "p", "podUID": "u-1", "attempt": 1}}
    kubectl(
        "patch", "run", name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status})
    )
    for selector in ("spec.flow=selected-by", "status.phase=Queued", "status.assigned.podUID=u-1"):
        assert name in kubectl("get", "runs", "--field-selector", selector)
    assert name not in kubectl("get", "runs", "--field-selector", "status.phase=Running")


def test_the_generated_files_are_those_that_the_chart_carries() -> None:
    generated = sorted((ROOT / "crds/generated").glob("*.yaml"))
    assert [file.read_text() for file in generated] == [
        (ROOT / "charts/tailrace/files/crds" / file.name).read_text() for file in generated
    ]

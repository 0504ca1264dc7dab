"""The admission policies on Runs: who may write a status, and what of a spec may change."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tailrace_kube import Client, Impersonation
from tailrace_kube.errors import Forbidden, Invalid
from tailrace_kube.resources import ROLE_BINDINGS, RUNS
from tests.integration.chart.conftest import SYSTEM, account

OPERATOR = account("tailrace-operator", SYSTEM)
MINE = {"pod": "mine", "podUID": "uid-mine", "attempt": 2}
THEIRS = {"pod": "theirs", "podUID": "uid-theirs", "attempt": 2}
RUNNER = account("tailrace-runner", pod="mine", uid="uid-mine")


@pytest.fixture(scope="module", autouse=True)
def bound(release: Any) -> None:
    """What the operator does in a tenant's namespace."""
    release.kubectl(
        "create", "rolebinding", "tailrace-runner", "--clusterrole=tailrace-runner",
        "--serviceaccount=default:tailrace-runner",
    )  # fmt: skip


@pytest.fixture
async def run(client: Client) -> AsyncIterator[str]:
    """A Run that has been assigned to the pod `mine`."""
    name = f"run-{uuid.uuid4().hex[:8]}"
    spec = {"flow": "f", "inputs": {"order": {"lines": [1, 2]}}}
    body = {"apiVersion": "tailrace.dev/v1alpha1", "kind": "Run", "metadata": {"name": name}, "spec": spec}
    await client.create(RUNS, body, "default")
    assigned = {"phase": "Queued", "attempt": 2, "revision": "f-1", "launch": "Job", "assigned": MINE}
    await write(client, name, assigned, OPERATOR)
    yield name
    await client.delete(RUNS, name, "default")


async def write(client: Client, name: str, status: dict[str, Any], who: Impersonation | None) -> Any:
    body = {"status": status}
    return await client.patch(RUNS, name, body, "default", subresource="status", impersonate=who)


async def test_the_assigned_pod_claims_executes_and_ends(client: Client, run: str) -> None:
    await write(client, run, {"claim": MINE, "phase": "Running"}, RUNNER)
    await write(client, run, {"tasks": [{"name": "a", "phase": "Running"}], "progress": "0/1"}, RUNNER)
    ended = await write(client, run, {"phase": "Succeeded", "outputs": {"n": 1}}, RUNNER)
    assert ended["status"]["claim"] == MINE


async def test_a_claim_can_be_released(client: Client, run: str) -> None:
    await write(client, run, {"claim": MINE, "phase": "Running"}, RUNNER)
    released = await write(client, run, {"claim": None, "phase": "Waiting"}, RUNNER)
    assert "claim" not in released["status"]


async def test_the_claim_of_a_lost_attempt_is_overwritten(client: Client, run: str) -> None:
    await write(client, run, {"claim": THEIRS | {"attempt": 1}}, OPERATOR)
    claimed = await write(client, run, {"claim": MINE}, RUNNER)
    assert claimed["status"]["claim"] == MINE


@pytest.mark.parametrize(
    "who",
    [
        pytest.param(account("tailrace-runner", pod="theirs", uid="uid-theirs"), id="another pod"),
        pytest.param(account("tailrace-runner", pod="mine", uid="uid-other"), id="a pod of the same name"),
        pytest.param(account("tailrace-runner", pod="other", uid="uid-mine"), id="a pod of the same UID"),
        pytest.param(account("tailrace-runner"), id="a token that no pod holds"),
        pytest.param(None, id="the administrator"),
    ],
)
@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"claim": MINE}, id="claim in the pod's name"),
        pytest.param({"claim": THEIRS}, id="claim"),
        pytest.param({"assigned": THEIRS, "claim": THEIRS}, id="assign and claim"),
        pytest.param({"phase": "Failed"}, id="end"),
        pytest.param({"progress": "1/1"}, id="report"),
    ],
)
async def test_nobody_else_writes_the_status(
    client: Client, run: str, who: Impersonation | None, status: dict[str, Any]
) -> None:
    with pytest.raises(Forbidden, match="written by the operator and by the pod"):
        await write(client, run, status, who)


async def test_a_run_that_is_assigned_to_nobody_cannot_be_written(client: Client, run: str) -> None:
    await write(client, run, {"assigned": None, "attempt": None}, OPERATOR)
    with pytest.raises(Forbidden, match="written by the operator and by the pod"):
        await write(client, run, {"phase": "Failed"}, account("tailrace-runner"))


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"assigned": MINE | {"attempt": 3}}, id="assigned, changed"),
        pytest.param({"assigned": None}, id="assigned, removed"),
        pytest.param({"revision": "f-2"}, id="revision"),
        pytest.param({"attempt": 3}, id="attempt"),
        pytest.param({"launch": None}, id="launch"),
    ],
)
async def test_the_assignment_is_the_operators(client: Client, run: str, status: dict[str, Any]) -> None:
    with pytest.raises(Forbidden, match="written by the operator alone"):
        await write(client, run, status, RUNNER)


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(THEIRS, id="for another pod"),
        pytest.param(MINE | {"attempt": 1}, id="for an earlier attempt"),
        pytest.param(MINE | {"podUID": "x"}, id="with another UID"),
    ],
)
async def test_a_pod_claims_only_for_itself(client: Client, run: str, claim: dict[str, Any]) -> None:
    with pytest.raises(Forbidden, match="claims a Run for itself"):
        await write(client, run, {"claim": claim}, RUNNER)


@pytest.mark.parametrize("phase", ["Succeeded", "Partial", "Failed", "Cancelled", "TimedOut"])
async def test_what_has_ended_stays_as_it_is(client: Client, run: str, phase: str) -> None:
    await write(client, run, {"claim": MINE, "phase": phase}, RUNNER)
    await write(client, run, {"phase": phase}, RUNNER)
    for change in ({"phase": "Running"}, {"outputs": {"forged": True}}, {"claim": None}):
        with pytest.raises(Forbidden, match="has ended"):
            await write(client, run, change, RUNNER)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"inputs": {"order": {"lines": [1, 3]}}}, id="a value in inputs"),
        pytest.param({"inputs": {"more": 1}}, id="a new input"),
        pytest.param({"inputs": None}, id="no inputs"),
        pytest.param({"retryOf": "other", "cancel": True}, id="a change beside cancel"),
    ],
)
async def test_a_spec_does_not_change(client: Client, run: str, spec: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="create another Run"):
        await client.patch(RUNS, run, {"spec": spec}, "default")


async def test_cancel_is_set_once(client: Client, run: str) -> None:
    await client.patch(RUNS, run, {"spec": {"cancel": True}}, "default")
    with pytest.raises(Invalid, match="cancel cannot be taken back"):
        await client.patch(RUNS, run, {"spec": {"cancel": False}}, "default")


async def test_a_runners_account_reads_runs_of_its_namespace_and_nothing_more(client: Client) -> None:
    assert "items" in await client.list(RUNS, "default", impersonate=RUNNER)
    with pytest.raises(Forbidden):
        await client.list(RUNS, "kube-system", impersonate=RUNNER)
    with pytest.raises(Forbidden):
        await client.list(ROLE_BINDINGS, "default", impersonate=RUNNER)

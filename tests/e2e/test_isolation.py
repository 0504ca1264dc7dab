"""What a runner's pod, and any other pod, cannot do."""

import json
from typing import Any

import pytest

from tests.e2e.system import SYSTEM, TENANT, System, sleep

CALL = """
import json, ssl, sys, urllib.request, urllib.error
method, path, body, kind = sys.argv[1:5]
where = '/var/run/tailrace/'
request = urllib.request.Request('https://kubernetes.default.svc' + path, method=method,
    data=body.encode() or None,
    headers={'Authorization': 'Bearer ' + open(where + 'token').read(), 'Content-Type': kind})
context = ssl.create_default_context(cafile=where + 'kube-ca.crt')
try:
    answer = urllib.request.urlopen(request, context=context)
    print(json.dumps([answer.status, answer.read().decode()]))
except urllib.error.HTTPError as error:
    print(json.dumps([error.code, error.read().decode()]))
"""


@pytest.fixture(scope="module")
def pods(system: System) -> Any:
    """Two Runs with their pods: (run, pod), (run, pod)."""
    flow = system.flow(sleep("long", "10m"))
    runs = [system.create_run(flow) for _ in range(2)]
    yield [(run, system.runner_pod(run)) for run in runs]
    for run in runs:
        system.kubectl("delete", "run", run, "-n", TENANT)


def call(
    system: System, pod: str, method: str, path: str, body: Any = "", kind: str = "application/json"
) -> tuple[int, str]:
    text = body if isinstance(body, str) else json.dumps(body)
    output = system.kubectl("exec", "-n", TENANT, pod, "--", "python3", "-c", CALL, method, path, text, kind)
    status, answer = json.loads(output)
    return status, answer


RUNS = f"/apis/tailrace.dev/v1alpha1/namespaces/{TENANT}/runs"
MERGE = "application/merge-patch+json"


def test_its_own_claim_can_be_renewed(system: System, pods: Any) -> None:
    (run, pod), _ = pods
    claim = system.run(run)["status"]["claim"]
    assert call(system, pod, "PATCH", f"{RUNS}/{run}/status", {"status": {"claim": claim}}, MERGE)[0] == 200


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda mine, theirs: {"claim": mine["claim"]}, id="claim it"),
        pytest.param(lambda mine, theirs: {"claim": None}, id="release it"),
        pytest.param(lambda mine, theirs: {"phase": "Failed"}, id="end it"),
        pytest.param(
            lambda mine, theirs: {"assigned": mine["assigned"], "claim": mine["claim"]},
            id="assign it to itself",
        ),
        pytest.param(
            lambda mine, theirs: {"phase": "Failed", "claim": theirs["claim"]}, id="keep the claim, end it"
        ),
    ],
)
def test_another_runs_status_cannot_be_touched(system: System, pods: Any, change: Any) -> None:
    (mine, pod), (theirs, _) = pods
    before = system.run(theirs)["status"]
    body = {"status": change(system.run(mine)["status"], before)}
    status, answer = call(system, pod, "PATCH", f"{RUNS}/{theirs}/status", body, MERGE)
    assert status in {403, 422}, answer
    assert system.run(theirs)["status"]["claim"] == before["claim"]
    assert system.run(theirs)["status"]["phase"] == "Running"


@pytest.mark.parametrize("field", ["assigned", "revision", "attempt"])
def test_its_own_assignment_cannot_be_changed(system: System, pods: Any, field: str) -> None:
    (run, pod), _ = pods
    value = {"assigned": {"pod": "x", "podUID": "x", "attempt": 9}, "revision": "other", "attempt": 9}[field]
    status, answer = call(system, pod, "PATCH", f"{RUNS}/{run}/status", {"status": {field: value}}, MERGE)
    assert status in {403, 422}, answer


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", f"/api/v1/namespaces/{TENANT}/secrets", id="list secrets"),
        pytest.param("GET", f"/api/v1/namespaces/{SYSTEM}/secrets", id="list our secrets"),
        pytest.param("GET", f"/api/v1/namespaces/{TENANT}/configmaps", id="list config maps"),
        pytest.param("GET", f"/api/v1/namespaces/{TENANT}/pods", id="list pods"),
        pytest.param("POST", f"/apis/batch/v1/namespaces/{TENANT}/jobs", id="make a job"),
        pytest.param("POST", f"/api/v1/namespaces/{TENANT}/pods", id="make a pod"),
        pytest.param("POST", RUNS, id="make a run"),
        pytest.param("GET", f"/apis/tailrace.dev/v1alpha1/namespaces/{TENANT}/flows", id="read flows"),
        pytest.param(
            "GET", f"/apis/tailrace.dev/v1alpha1/namespaces/{TENANT}/credentials", id="read credentials"
        ),
        pytest.param("GET", "/apis/tailrace.dev/v1alpha1/runs", id="read runs of all namespaces"),
        pytest.param("GET", "/api/v1/nodes", id="read nodes"),
    ],
)
def test_nothing_else_is_granted(system: System, pods: Any, method: str, path: str) -> None:
    (_, pod), _ = pods
    status, answer = call(system, pod, method, path, {} if method == "POST" else "")
    assert status == 403, answer


def test_the_account_has_exactly_the_documented_rights(system: System) -> None:
    account = f"--as=system:serviceaccount:{TENANT}:tailrace-runner"
    listed = system.kubectl("auth", "can-i", "--list", account, "-n", TENANT, "--no-headers")
    rights = [line for line in listed.splitlines() if "tailrace.dev" in line]
    assert sorted(" ".join(line.split()) for line in rights) == [
        "runs.tailrace.dev [] [] [get list watch]",
        "runs.tailrace.dev/status [] [] [patch]",
    ]
    others = [
        line
        for line in listed.splitlines()
        if line.strip() and "tailrace.dev" not in line and not line.lstrip().startswith("[/")
        and "selfsubject" not in line
    ]  # fmt: skip
    assert others == []


ASK = """
import json, sys, urllib.request, urllib.error
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=5)
    print(json.dumps([answer.status, answer.read().decode()]))
except urllib.error.HTTPError as error:
    print(json.dumps([error.code, error.read().decode()]))
except OSError as error:
    print(json.dumps([0, str(error)]))
"""


@pytest.mark.parametrize(
    "path", ["/api/v1/flows", "/api/v1/credentials", "/api/v1/plugins", "/api/v1/webhook/e2e-hook"]
)
def test_the_open_routes_refuse_a_call_from_another_pod(system: System, pods: Any, path: str) -> None:
    (_, pod), _ = pods
    address = f"http://tailrace.{SYSTEM}.svc:8080{path}"
    status, answer = json.loads(
        system.kubectl("exec", "-n", TENANT, pod, "--", "python3", "-c", ASK, address)
    )
    assert status in {0, 401, 403}, answer


def test_every_pod_runs_restricted(system: System, pods: Any) -> None:
    for namespace in (SYSTEM, TENANT):
        warning = system.kubectl.attempt(
            "label", "--dry-run=server", "--overwrite", "namespace", namespace,
            "pod-security.kubernetes.io/enforce=restricted",
        )  # fmt: skip
        assert warning.returncode == 0
        assert "Warning" not in warning.stderr, warning.stderr

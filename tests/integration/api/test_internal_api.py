"""The internal API, with real tokens of pods, reviewed by a real API server."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.cluster_tool import Kubectl
from tests.facade import OWN_NAMESPACE, Facade, token
from tests.operator_by_hand import Operator, eventually

API = "/api/v1"
TEXT = """
tasks:
- name: a
  type: http.request
  properties: {url: "https://x.example", headers: {authorization: "${SHOP_TOKEN}"}}
"""


@dataclass
class Runner:
    """A pod with a Run."""

    client: httpx2.Client
    run: str
    uid: str
    pod: str
    pod_uid: str
    execution: str

    @property
    def base(self) -> str:
        return f"/runs/default/{self.run}"


@pytest.fixture
def runner(facade: Facade, client: httpx2.Client, operator: Operator) -> Iterator[Runner]:
    """A pod that has claimed the Run of a pinned flow."""
    flow = client.post(f"{API}/flows", json={"name": "internal", "yamlContent": TEXT}).json()
    revision = operator.pin("default", "internal")
    execution = client.post(f"{API}/flows/{flow['id']}/execute").json()["executionId"]
    run = operator.run_of(execution)["metadata"]["name"]
    pod = f"pod-{uuid4().hex[:8]}"
    uid, mine = operator.start_pod("default", pod)
    operator.assign("default", run, pod, uid, revision=revision)
    operator.claim("default", run, pod, uid)
    with facade.internal_client(mine) as internal:
        yield Runner(internal, run, execution, pod, uid, execution)


@pytest.fixture
def as_operator(facade: Facade, kubectl: Kubectl) -> Iterator[httpx2.Client]:
    with facade.internal_client(token(kubectl, OWN_NAMESPACE, "tailrace-operator")) as internal:
        yield internal


def error(answer: httpx2.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"error"}, answer.text
    assert set(answer.json()["error"]) == {"code", "message"}
    return answer.status_code, answer.json()["error"]["code"]


def test_the_plan_is_what_the_run_was_pinned_to(runner: Runner, client: httpx2.Client) -> None:
    plan = runner.client.get(f"{runner.base}/plan").json()
    assert plan["run"]["metadata"]["uid"] == runner.uid
    assert plan["run"]["status"]["claim"]["podUID"] == runner.pod_uid
    assert plan["flow"]["name"] == "internal"
    assert plan["flow"]["spec"]["tasks"][0]["type"] == "http.request"
    assert plan["revision"]["number"] == 1
    assert plan["journal"] == []


def test_the_plan_is_given_to_the_assigned_before_it_claims(
    facade: Facade, client: httpx2.Client, operator: Operator
) -> None:
    client.post(f"{API}/flows", json={"name": "early", "yamlContent": TEXT})
    revision = operator.pin("default", "early")
    operator.create_run("default", "early", "early")
    pod = f"pod-{uuid4().hex[:8]}"
    uid, mine = operator.start_pod("default", pod)
    with facade.internal_client(mine) as internal:
        assert error(internal.get("/runs/default/early/plan")) == (403, "not_claimant")
        operator.assign("default", "early", pod, uid, revision=revision)
        assert internal.get("/runs/default/early/plan").status_code == 200
        assert error(internal.post("/runs/default/early/renew")) == (403, "not_claimant")
        operator.claim("default", "early", pod, uid)
        assert internal.post("/runs/default/early/renew").json() == {"renewed": True}


def test_only_the_claimant_gets_in(
    runner: Runner, facade: Facade, operator: Operator, kubectl: Kubectl
) -> None:
    _, foreign = operator.start_pod("default", f"pod-{uuid4().hex[:8]}")
    _, elsewhere = operator.start_pod("team-a", f"pod-{uuid4().hex[:8]}")
    _, editor = operator.start_pod("default", f"pod-{uuid4().hex[:8]}", "tailrace-editor")
    wrong = {
        "another pod": (foreign, 403),
        "a pod of another namespace": (elsewhere, 403),
        "another account": (editor, 403),
        "an account without a pod": (token(kubectl, "default", "tailrace-runner"), 403),
        "another audience": (token(kubectl, "default", "tailrace-runner", "--duration", "10m"), 401),
        "the operator": (token(kubectl, OWN_NAMESPACE, "tailrace-operator"), 403),
        "nonsense": ("nonsense", 401),
        "nothing": (None, 401),
    }
    routes = [
        ("GET", "plan"),
        ("POST", "journal"),
        ("POST", "renew"),
        ("GET", "credentials/SHOP_TOKEN"),
        ("GET", "kv/default/k"),
        ("PUT", "kv/default/k"),
        ("DELETE", "kv/default/k"),
        ("POST", "logs"),
        ("PUT", "outputs/a"),
        ("GET", "outputs/a"),
        ("POST", "containers"),
        ("GET", "containers/1"),
    ]
    for who, (mine, status) in wrong.items():
        with facade.internal_client(mine) as internal:
            for method, path in routes:
                answer = internal.request(method, f"{runner.base}/{path}", json={})
                assert answer.status_code == status, (who, method, path, answer.text)
                assert answer.json()["error"]["code"] == {401: "unauthorized", 403: "not_claimant"}[status]
            assert error(internal.get("/runs/default/no-such-run/plan"))[0] == status


def test_a_runner_is_not_the_operator(runner: Runner) -> None:
    for method, path in [
        ("PUT", "archive/default/x"),
        ("POST", "ledger"),
        ("GET", "ledger/default/x"),
        ("GET", "claims/stale"),
        ("GET", "containers"),
        ("POST", "containers/1"),
        ("POST", "credentials/check"),
    ]:
        answer = runner.client.request(method, f"/operator/{path}", json={})
        assert error(answer) == (403, "forbidden"), (method, path)


def test_the_journal_is_kept_and_planned_with(runner: Runner, client: httpx2.Client) -> None:
    entry = {
        "task": "a",
        "attempt": 1,
        "phase": "Succeeded",
        "outputs": {"status_code": 200, "body": {"total": 3}},
        "startTime": "2026-03-25T10:00:01.5Z",
        "completionTime": "2026-03-25T10:00:02Z",
    }
    body = {"entries": [entry]}
    assert runner.client.post(f"{runner.base}/journal", json=body).json() == {"stored": 1}
    repeat = {"entries": [{**entry, "outputs": {"changed": True}}]}
    assert runner.client.post(f"{runner.base}/journal", json=repeat).status_code == 200
    assert runner.client.get(f"{runner.base}/plan").json()["journal"] == [entry]
    task = client.get(f"{API}/executions/{runner.execution}").json()["tasks"][0]
    assert task == {
        "taskName": "a",
        "taskType": "http.request",
        "status": "SUCCESS",
        "outputs": '{"status_code":200,"body":{"total":3}}',
        "startedAt": "2026-03-25T10:00:01Z",
        "finishedAt": "2026-03-25T10:00:02Z",
    }


def test_large_outputs_are_streamed_and_shown(runner: Runner, client: httpx2.Client) -> None:
    data = b'{"text": "' + b"x" * 3_000_000 + b'"}'
    stored = runner.client.put(f"{runner.base}/outputs/a", content=data).json()
    assert stored == {"ref": f"store:{runner.uid}/a", "bytes": len(data)}
    assert runner.client.get(f"{runner.base}/outputs/a").content == data
    assert error(runner.client.get(f"{runner.base}/outputs/b")) == (404, "output_not_found")
    entry = {"task": "a", "attempt": 1, "phase": "Succeeded", "outputsRef": stored["ref"]}
    runner.client.post(f"{runner.base}/journal", json={"entries": [entry]})
    assert client.get(f"{API}/executions/{runner.execution}").json()["tasks"][0]["outputs"] == data.decode()


def test_a_credential_is_given_where_the_flow_names_it(runner: Runner, client: httpx2.Client) -> None:
    path = f"{runner.base}/credentials"
    assert error(runner.client.get(f"{path}/SHOP_TOKEN")) == (404, "credential_not_found")
    body = {"name": "Shop Token", "value": "s3cr€t", "hosts": ["x.example"]}
    client.post(f"{API}/credentials", json=body)
    client.post(f"{API}/credentials", json={"name": "OTHER", "value": "hidden"})
    assert runner.client.get(f"{path}/SHOP_TOKEN").json() == {
        "name": "SHOP_TOKEN",
        "value": "s3cr€t",
        "hosts": ["x.example"],
        "unbound": False,
    }
    refused = runner.client.get(f"{path}/OTHER")
    assert error(refused) == (404, "credential_not_found")
    assert "hidden" not in refused.text


def test_a_secret_is_read_only_where_the_tenant_grants_it(
    runner: Runner, kubectl: Kubectl, as_operator: httpx2.Client
) -> None:
    kubectl("delete", "secret,role,rolebinding", "shop", "grant", "--ignore-not-found")
    kubectl("create", "secret", "generic", "shop", "--from-literal=token=from-the-secret")
    credential = {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Credential",
        "metadata": {"name": "shop-token", "namespace": "default"},
        "spec": {"secretRef": {"name": "shop", "key": "token"}},
    }
    kubectl.apply(credential)
    path = f"{runner.base}/credentials/SHOP_TOKEN"
    refused = eventually(lambda: (got := runner.client.get(path)).status_code == 422 and got)
    assert error(refused) == (422, "credential_unreadable")
    assert "--resource-name=shop" in refused.json()["error"]["message"]
    check = {"namespace": "default", "name": "shop-token"}
    assert as_operator.post("/operator/credentials/check", json=check).json()["readable"] is False
    kubectl("create", "role", "grant", "--verb=get", "--resource=secrets", "--resource-name=shop")
    kubectl(
        "create", "rolebinding", "grant", "--role=grant", f"--serviceaccount={OWN_NAMESPACE}:tailrace-api"
    )
    granted = eventually(lambda: (got := runner.client.get(path)).status_code == 200 and got)
    assert granted.json() == {"name": "SHOP_TOKEN", "value": "from-the-secret", "hosts": [], "unbound": True}
    checked = as_operator.post("/operator/credentials/check", json=check)
    assert checked.json() == {"readable": True, "message": ""}


def test_keys_are_those_of_the_own_namespace(runner: Runner, client: httpx2.Client) -> None:
    path = f"{runner.base}/kv/default/a%2Fb"
    assert error(runner.client.get(path)) == (404, "key_not_found")
    assert runner.client.put(path, json={"value": {"n": 1}}).status_code == 200
    assert runner.client.get(path).json() == {"value": {"n": 1}}
    assert client.get(f"{API}/kv/default/a/b").json()["value"] == {"n": 1}
    assert runner.client.delete(path).status_code == 200
    assert error(runner.client.get(f"{runner.base}/kv/team-a/k")) == (403, "forbidden")
    assert error(runner.client.put(f"{runner.base}/kv/team-a/k", json={"value": 1})) == (403, "forbidden")


def test_a_container_is_asked_for_made_and_reported(runner: Runner, as_operator: httpx2.Client) -> None:
    ask = {"task": "a", "attempt": 1, "args": ["x"], "env": {"A": "b"}}
    accepted = runner.client.post(f"{runner.base}/containers", json=ask)
    assert accepted.status_code == 202
    identifier = accepted.json()["id"]
    assert runner.client.post(f"{runner.base}/containers", json=ask).json()["id"] == identifier
    requests = as_operator.get("/operator/containers").json()["requests"]
    assert requests[-1] == {
        "id": identifier,
        "namespace": "default",
        "run": runner.run,
        "runUID": runner.uid,
        "task": "a",
        "attempt": 1,
        "args": ["x"],
        "env": {"A": "b"},
    }
    started = time.monotonic()
    waited = runner.client.get(f"{runner.base}/containers/{identifier}?wait=1").json()
    assert waited == {"state": "pending"}
    assert time.monotonic() - started >= 1
    outcome = {"exitCode": 0, "message": "Completed", "result": {"n": 1}, "log": "…"}
    assert as_operator.post(f"/operator/containers/{identifier}", json=outcome).status_code == 200
    ended = runner.client.get(f"{runner.base}/containers/{identifier}?wait=30").json()
    assert ended == {"state": "done", "exitCode": 0, "message": "Completed", "result": {"n": 1}}
    assert identifier not in [
        item["id"] for item in as_operator.get("/operator/containers").json()["requests"]
    ]
    assert error(runner.client.get(f"{runner.base}/containers/999999"))[0] == 404
    started = time.monotonic()
    as_operator.get(f"/operator/containers?wait=1&seen={identifier}")
    assert time.monotonic() - started >= 1


def test_a_claim_that_is_not_renewed_goes_stale(runner: Runner, as_operator: httpx2.Client) -> None:
    def stale(seconds: float) -> list[str]:
        answer = as_operator.get("/operator/claims/stale", params={"seconds": seconds})
        return [item["uid"] for item in answer.json()["claims"]]

    runner.client.post(f"{runner.base}/renew")
    assert runner.uid not in stale(30)
    eventually(lambda: runner.uid in stale(1))
    found = as_operator.get("/operator/claims/stale", params={"seconds": 1}).json()["claims"]
    claim = next(item for item in found if item["uid"] == runner.uid)
    assert set(claim) == {"namespace", "run", "uid", "podUID", "renewedAt"}
    assert (claim["run"], claim["podUID"]) == (runner.run, runner.pod_uid)
    runner.client.post(f"{runner.base}/renew")
    assert runner.uid not in stale(1)


def test_the_ledger_keeps_and_gives_slots(as_operator: httpx2.Client) -> None:
    uid = str(uuid4())
    slots = ["2026-03-25T10:00:00Z", "2026-03-25T10:05:00Z"]
    firings = [
        {
            "namespace": "default",
            "trigger": "t",
            "triggerUID": uid,
            "slot": slot,
            "result": "run",
            "run": "r",
            "time": "2026-03-25T10:05:01.123456Z",
        }
        for slot in slots
    ]
    assert as_operator.post("/operator/ledger", json={"firings": firings}).json() == {"stored": 2}
    assert as_operator.post("/operator/ledger", json={"firings": firings}).json() == {"stored": 0}
    path = f"/operator/ledger/default/{uid}"
    assert as_operator.get(path).json() == {"slots": slots}
    assert as_operator.get(path, params={"after": slots[0]}).json() == {"slots": slots[1:]}
    assert error(as_operator.get(path, params={"after": "yesterday"})) == (400, "invalid_request")


def test_only_the_run_in_the_path_is_archived(as_operator: httpx2.Client) -> None:
    run: dict[str, Any] = {
        "metadata": {
            "uid": "u",
            "name": "n",
            "namespace": "default",
            "creationTimestamp": "2026-03-25T10:00:00Z",
        },
        "spec": {"flow": "f"},
        "status": {"phase": "Succeeded"},
    }
    assert as_operator.put("/operator/archive/default/other", json=run).status_code == 400
    assert as_operator.put("/operator/archive/team-a/u", json=run).status_code == 400
    for wrong in (
        {},
        {"metadata": 1},
        {**run, "spec": {}},
        {**run, "metadata": {**run["metadata"], "creationTimestamp": 5}},
    ):
        assert as_operator.put("/operator/archive/default/u", json=wrong).status_code == 400, wrong
    assert as_operator.put("/operator/archive/default/u", json=run).json() == {"archived": True}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("journal", {"entries": 1}),
        ("journal", {"entries": [{"task": "a", "attempt": "1", "phase": "Succeeded"}]}),
        ("journal", {"entries": [{"task": "a" * 200, "attempt": 1, "phase": "Succeeded"}]}),
        ("journal", {"entries": [{"task": "a", "attempt": 2**40, "phase": "Succeeded"}]}),
        ("logs", {"lines": [{"message": "x"}]}),
        ("logs", {"lines": [{"time": "t", "message": 1, "seq": 1}]}),
        ("logs", {"lines": [{"time": "t", "message": "x", "seq": 2**63}]}),
        ("containers", {"task": "a", "attempt": 1, "args": [1]}),
        ("containers", {"task": "a", "attempt": 1, "env": {"a": 1}}),
        ("containers", []),
    ],
)
def test_wrong_messages_are_named(runner: Runner, path: str, body: Any) -> None:
    status, code = error(runner.client.post(f"{runner.base}/{path}", json=body))
    assert (status, code) == (400, "invalid_request")

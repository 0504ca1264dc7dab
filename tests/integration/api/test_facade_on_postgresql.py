"""The whole way over PostgreSQL: a flow, its Run, what the runner stores, and the archive."""

from uuid import uuid4

from tests.cluster_tool import Kubectl
from tests.facade import OWN_NAMESPACE, Facade, token
from tests.operator_by_hand import Operator, eventually

API = "/api/v1"
TEXT = "tasks: [{name: a, type: util.log, properties: {message: x}}]"


def test_a_run_from_its_start_to_the_archive(
    postgresql_facade: Facade, operator: Operator, kubectl: Kubectl
) -> None:
    facade = postgresql_facade
    name = f"postgres-{uuid4().hex[:6]}"
    with facade.client() as client:
        flow = client.post(f"{API}/flows", json={"name": name, "yamlContent": TEXT}).json()
        revision = operator.pin("default", name)
        key = {"Idempotency-Key": "k"}
        first = client.post(f"{API}/flows/{flow['id']}/execute", headers=key).json()
        assert client.post(f"{API}/flows/{flow['id']}/execute", headers=key).json() == first
        uid = first["executionId"]
        run = operator.run_of(uid)["metadata"]["name"]
        pod = f"pod-{uuid4().hex[:8]}"
        pod_uid, mine = operator.start_pod("default", pod)
        operator.assign("default", run, pod, pod_uid, revision=revision)
        operator.claim("default", run, pod, pod_uid)
        with facade.internal_client(mine) as internal:
            base = f"/runs/default/{run}"
            entry = {"task": "a", "attempt": 1, "phase": "Succeeded", "outputs": {"text": "a\0b"}}
            assert internal.post(f"{base}/journal", json={"entries": [entry]}).status_code == 200
            line = {"time": "2026-03-25T10:00:00Z", "level": "info", "message": "a\0b", "seq": 1}
            assert internal.post(f"{base}/logs", json={"lines": [line]}).status_code == 200
            assert internal.post(f"{base}/renew").status_code == 200
            assert internal.put(f"{base}/outputs/a", content=b"[1]" * 500_000).status_code == 200
            assert internal.get(f"{base}/plan").json()["journal"] == [entry]
        operator.status("run", "default", run, {"phase": "Succeeded", "durationMs": 5})
        with facade.internal_client(token(kubectl, OWN_NAMESPACE, "tailrace-operator")) as internal:
            body = operator.run_of(uid)
            assert internal.put(f"/operator/archive/default/{uid}", json=body).json() == {"archived": True}
        kubectl("delete", "run", run)
        eventually(lambda: client.get(f"{API}/executions/{uid}").json()["execution"]["status"] == "SUCCESS")
        listed = client.get(f"{API}/executions?flowId={flow['id']}").json()
        assert [item["id"] for item in listed] == [uid]
        assert client.post(f"{API}/flows/{flow['id']}/execute", headers=key).json()["executionId"] == uid
        assert client.get(f"{API}/executions/{uid}").json()["tasks"][0]["outputs"] == '{"text":"a\\u0000b"}'
        assert client.get("/readyz").status_code == 200
        client.delete(f"{API}/flows/{flow['id']}")

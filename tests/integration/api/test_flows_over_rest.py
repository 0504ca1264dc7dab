"""Flows through REST, as resources of a real API server."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.cluster_tool import Kubectl
from tests.operator_by_hand import Operator, eventually

API = "/api/v1"
HELLO = (
    "# a comment\nname: hello\ntasks:\n  - {name: hello, type: util.log, properties: {message: 'Hello'}}\n"
)


def create(client: httpx2.Client, name: str = "hello", text: str = HELLO, **fields: Any) -> dict[str, Any]:
    answer = client.post(f"{API}/flows", json={"name": name, "yamlContent": text, **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_flow_is_a_resource_with_the_text_beside_it(client: httpx2.Client, kubectl: Kubectl) -> None:
    flow = create(client, "Shopify → NetSuite", namespace="production")
    stored = kubectl.json("get", "flow", "-n", "production", "shopify-netsuite")
    assert stored["metadata"]["uid"] == flow["id"]
    assert stored["spec"]["title"] == "Shopify → NetSuite"
    assert stored["spec"]["document"]["text"] == HELLO
    assert stored["spec"]["tasks"][0]["type"] == "util.log"
    managers = kubectl.json("get", "flow", "-n", "production", "shopify-netsuite", "--show-managed-fields")
    assert managers["metadata"]["managedFields"]


def test_what_was_written_is_read_at_once(client: httpx2.Client) -> None:
    for number in range(10):
        flow = create(client, f"flow {number}")
        assert client.get(f"{API}/flows/{flow['id']}").json() == flow
        assert flow["id"] in {item["id"] for item in client.get(f"{API}/flows").json()}
        changed = client.put(f"{API}/flows/{flow['id']}", json={"name": f"renamed {number}"}).json()
        assert client.get(f"{API}/flows/{flow['id']}").json() == changed
        assert client.delete(f"{API}/flows/{flow['id']}").status_code == 204
        assert client.get(f"{API}/flows/{flow['id']}").status_code == 404
        assert flow["id"] not in {item["id"] for item in client.get(f"{API}/flows").json()}


def test_the_text_is_written_anew_once_kubectl_changed_the_flow(
    client: httpx2.Client, kubectl: Kubectl
) -> None:
    flow = create(client)
    patch = {"spec": {"tasks": [{"name": "other", "type": "util.log", "properties": {"message": "x"}}]}}
    kubectl("patch", "flow", "hello", "--type=merge", "-p", json.dumps(patch))
    text = _until(client, flow["id"], lambda content: content != HELLO)
    assert "name: hello" in text
    assert "name: other" in text
    again = create(client, "copy", text)
    assert again["yamlContent"] == text


def test_pausing_and_renaming_keep_the_text(client: httpx2.Client, kubectl: Kubectl) -> None:
    flow = create(client)
    kubectl("patch", "flow", "hello", "--type=merge", "-p", '{"spec": {"state": "Paused", "title": "x"}}')
    text = _until(client, flow["id"], lambda _content: _name(client, flow["id"]) == "x")
    assert text == HELLO


def _name(client: httpx2.Client, identifier: str) -> str:
    return str(client.get(f"{API}/flows/{identifier}").json()["name"])


def _until(client: httpx2.Client, identifier: str, wanted: Any) -> str:
    def content() -> str | None:
        text = client.get(f"{API}/flows/{identifier}").json()["yamlContent"]
        return text if wanted(text) else None

    return str(eventually(content))


def test_a_flow_from_kubectl_is_seen(client: httpx2.Client, kubectl: Kubectl) -> None:
    manifest = {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Flow",
        "metadata": {"name": "from-kubectl", "namespace": "team-a"},
        "spec": {"tasks": [{"name": "a", "type": "util.log", "properties": {"message": "x"}}]},
    }
    kubectl.apply(manifest)
    found = eventually(lambda: client.get(f"{API}/flows", params={"namespace": "team-a"}).json())
    assert found[0]["name"] == "from-kubectl"
    assert "util.log" in found[0]["yamlContent"]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a: [", ""),
        ("", ""),
        ("- a\n- b\n", ""),
        ("tasks: 1", "tasks"),
        ("tasks: [{name: a, type: no.such}]", "tasks[0].type"),
        ("tasks: [{name: a, type: util.log, properties: {message: 1}}]", "tasks[0].properties.message"),
        (
            "inputs: {properties: {y: {}}}\ntasks: [{name: a, type: util.log, when: '{{ inputs.x }}'}]",
            "",
        ),
        ("tasks: [{name: a, type: util.log, properties: {message: '{{ tasks.b.outputs.x }}'}}]", ""),
        ("tasks: [{name: a, type: util.log, needs: [b]}, {name: b, type: util.log, needs: [a]}]", "tasks"),
        ("nonsense: 1\ntasks: []", "nonsense"),
        ("spec: {tasks: 1}\nkind: Flow", "spec.tasks"),
    ],
    ids=[
        "not YAML",
        "empty",
        "a list",
        "tasks of the wrong type",
        "unknown task type",
        "property of the wrong type",
        "unknown input",
        "unknown task",
        "cycle",
        "unknown field",
        "in a manifest",
    ],
)
def test_what_can_never_work_is_refused(client: httpx2.Client, text: str, path: str) -> None:
    refused = client.post(f"{API}/flows", json={"name": "bad", "yamlContent": text})
    assert refused.status_code == 400, refused.text
    body = refused.json()
    assert body["error"] == "invalid_flow"
    assert any(detail["path"].startswith(path) and detail["message"] for detail in body["details"]), body
    checked = client.post(f"{API}/flows/validate", json={"yamlContent": text})
    assert checked.status_code == 200
    assert checked.json() == {"valid": False, "errors": body["details"]}


def test_an_alias_bomb_is_refused_at_once(client: httpx2.Client) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    refused = client.post(f"{API}/flows", json={"name": "bomb", "yamlContent": "\n".join(levels)})
    assert refused.status_code == 400
    assert refused.elapsed.total_seconds() < 5


def test_texts_have_a_limit_of_their_own(client: httpx2.Client) -> None:
    refused = client.post(f"{API}/flows", json={"name": "long", "yamlContent": "#" * 262145})
    assert refused.status_code == 400
    assert "262144" in refused.json()["message"]
    body = json.dumps({"name": "long", "yamlContent": "#" * 1024 * 1024})
    assert client.post(f"{API}/flows", content=body).status_code == 413


def test_a_body_without_a_length_has_the_same_limit(client: httpx2.Client) -> None:
    def endless() -> Any:
        for _ in range(40):
            yield b" " * 65536

    assert client.post(f"{API}/flows", content=endless()).status_code == 413


@pytest.mark.parametrize(
    ("namespace", "says"),
    [
        ("kube-system", "reserved"),
        ("tailrace-facade", "reserved"),
        ("unheard-of", "kubectl label namespace unheard-of tailrace.dev/tenant=true"),
    ],
)
def test_only_tenants_are_served(client: httpx2.Client, namespace: str, says: str) -> None:
    body = {"name": "x", "yamlContent": HELLO, "namespace": namespace}
    refused = client.post(f"{API}/flows", json=body)
    assert (refused.status_code, refused.json()["error"]) == (403, "namespace_forbidden")
    assert says in refused.json()["message"]
    for path in (f"/flows?namespace={namespace}", f"/executions?namespace={namespace}", f"/kv/{namespace}"):
        assert client.get(API + path).status_code == 403, path


def test_what_is_in_no_tenant_is_not_seen(client: httpx2.Client, kubectl: Kubectl) -> None:
    flow = create(client)
    hidden = {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Flow",
        "metadata": {"name": "hidden", "namespace": "kube-system", "labels": {"tailrace.dev/id": flow["id"]}},
        "spec": {},
    }
    kubectl.apply(hidden)
    stored = kubectl.json("get", "flow", "-n", "kube-system", "hidden")
    assert client.get(f"{API}/flows/{stored['metadata']['uid']}").status_code == 404
    assert {item["name"] for item in client.get(f"{API}/flows").json()} == {"hello"}
    assert client.get(f"{API}/flows/{flow['id']}").json() == flow


def test_a_label_gives_a_restored_flow_its_id_back(client: httpx2.Client, kubectl: Kubectl) -> None:
    identifier = "11111111-2222-3333-4444-555555555555"
    manifest = {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Flow",
        "metadata": {"name": "restored", "namespace": "default", "labels": {"tailrace.dev/id": identifier}},
        "spec": {},
    }
    kubectl.apply(manifest)
    eventually(lambda: client.get(f"{API}/flows/{identifier}").status_code == 200)
    assert client.get(f"{API}/flows/{identifier}").json()["id"] == identifier


def test_names_are_unique_in_a_namespace(client: httpx2.Client) -> None:
    flow = create(client, "My Flow")
    again = client.post(f"{API}/flows", json={"name": "My Flow", "yamlContent": HELLO})
    assert (again.status_code, again.json()["error"]) == (409, "duplicate_name")
    create(client, "my flow")  # the same slug, another name
    create(client, "My Flow", namespace="production")
    other = create(client, "other")
    taken = client.put(f"{API}/flows/{other['id']}", json={"name": "My Flow"})
    assert taken.status_code == 409
    assert client.put(f"{API}/flows/{flow['id']}", json={"name": "My Flow"}).status_code == 200


def test_of_many_at_once_one_gets_the_name(client: httpx2.Client) -> None:
    def post(_number: int) -> int:
        return client.post(f"{API}/flows", json={"name": "same", "yamlContent": HELLO}).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(post, range(8)))
    assert answers == [201] + [409] * 7


def test_the_names_of_yaml_and_request(client: httpx2.Client) -> None:
    assert create(client, "from the request")["name"] == "from the request"
    named = client.post(f"{API}/flows", json={"yamlContent": HELLO})
    assert named.json()["name"] == "hello"
    assert client.post(f"{API}/flows", json={"yamlContent": "tasks: []"}).status_code == 400


def test_the_namespace_is_fixed_and_may_stand_in_the_yaml(client: httpx2.Client) -> None:
    flow = client.post(f"{API}/flows", json={"yamlContent": f"namespace: production\n{HELLO}"}).json()
    assert flow["namespace"] == "production"
    moved = client.put(f"{API}/flows/{flow['id']}", json={"namespace": "default"})
    assert moved.status_code == 400
    assert moved.json()["details"][0]["path"] == "namespace"


def test_an_answer_can_be_sent_back(client: httpx2.Client) -> None:
    flow = create(client)
    same = client.put(f"{API}/flows/{flow['id']}", json=flow)
    assert same.status_code == 200
    assert same.json() == flow


def test_export_is_what_import_takes(client: httpx2.Client) -> None:
    flow = create(client)
    exported = client.get(f"{API}/flows/{flow['id']}/export").json()
    assert client.post(f"{API}/flows/import", json=exported).status_code == 409
    client.delete(f"{API}/flows/{flow['id']}")
    imported = client.post(f"{API}/flows/import", json=exported)
    assert imported.status_code == 201
    assert imported.json()["yamlContent"] == HELLO


def test_a_flow_can_be_imported_as_json(client: httpx2.Client) -> None:
    tasks = [{"name": "a", "type": "util.log", "properties": {"message": "x"}}]
    imported = client.post(f"{API}/flows/import", json={"name": "json", "tasks": tasks})
    assert imported.status_code == 201, imported.text
    assert "util.log" in imported.json()["yamlContent"]
    wrong = client.post(f"{API}/flows/import", json={"name": "json2", "tasks": "x"})
    assert (wrong.status_code, wrong.json()["details"][0]["path"]) == (400, "tasks")
    both = client.post(f"{API}/flows/import", json={"name": "json3", "yamlContent": HELLO, "tasks": []})
    assert both.status_code == 400


def test_revisions_and_restoring_one(client: httpx2.Client, operator: Operator) -> None:
    flow = create(client)
    operator.pin("default", "hello")
    second = HELLO.replace("Hello", "Good bye")
    client.put(f"{API}/flows/{flow['id']}", json={"yamlContent": second, "name": "renamed"})
    operator.pin("default", "hello")
    found = client.get(f"{API}/flows/{flow['id']}/revisions").json()
    assert [list(item) for item in found] == [["revision", "createdAt"]] * 2
    assert [item["revision"] for item in found] == [1, 2]
    restored = client.post(f"{API}/flows/{flow['id']}/revisions/1/restore")
    assert restored.status_code == 200
    assert (restored.json()["yamlContent"], restored.json()["name"]) == (HELLO, "renamed")
    for missing in ("7", "99999999999999999999999"):
        assert client.post(f"{API}/flows/{flow['id']}/revisions/{missing}/restore").status_code == 404
    assert client.post(f"{API}/flows/{flow['id']}/revisions/first/restore").status_code == 400


def test_revisions_of_a_deleted_flow_of_the_same_name_are_not_its_own(
    client: httpx2.Client, operator: Operator
) -> None:
    first = create(client)
    operator.pin("default", "hello")
    client.delete(f"{API}/flows/{first['id']}")  # nothing here collects its revision
    second = create(client)
    assert client.get(f"{API}/flows/{second['id']}/revisions").json() == []

"""Credentials, keys and plugins through REST."""

import base64
import secrets
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import facade as program
from tests.cluster_tool import Kubectl
from tests.facade import Facade
from tests.operator_by_hand import eventually

API = "/api/v1"


def create(client: httpx2.Client, **fields: Any) -> dict[str, Any]:
    body = {"name": "Shop Token", "value": "s3cret-value", "hosts": ["x.example"], **fields}
    answer = client.post(f"{API}/credentials", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_value_goes_in_and_never_comes_out(client: httpx2.Client, facade: Facade, kubectl: Kubectl) -> None:
    credential = create(client)
    assert list(credential) == ["id", "name", "namespace", "type", "hosts", "createdAt", "updatedAt"]
    stored = kubectl.json("get", "credential", "shop-token")["spec"]
    assert stored["ciphertext"].startswith("v1.")
    answers = [
        client.get(f"{API}/credentials/{credential['id']}").text,
        client.get(f"{API}/credentials").text,
        client.put(f"{API}/credentials/{credential['id']}", json={"name": "Shop"}).text,
        client.put(f"{API}/credentials/{credential['id']}", json={"hosts": ["evil.example"]}).text,
        client.post(f"{API}/credentials", json={"name": 1, "value": "s3cret-value"}).text,
        facade.log,
        client.get("/metrics").text,
        str(kubectl.json("get", "credential", "shop-token")),
    ]
    for answer in answers:
        assert "s3cret-value" not in answer
    for answer in answers[:-1]:
        assert stored["ciphertext"] not in answer


def test_new_hosts_or_a_new_type_ask_for_the_value(client: httpx2.Client, kubectl: Kubectl) -> None:
    credential = create(client)
    path = f"{API}/credentials/{credential['id']}"
    before = kubectl.json("get", "credential", "shop-token")["spec"]["ciphertext"]
    for change in ({"hosts": ["evil.example"]}, {"hosts": []}, {"type": "other"}):
        refused = client.put(path, json=change)
        assert (refused.status_code, refused.json()["error"]) == (400, "value_required")
    assert client.put(path, json={"hosts": ["X.example"], "name": "Renamed"}).status_code == 200
    assert kubectl.json("get", "credential", "shop-token")["spec"]["ciphertext"] == before
    changed = client.put(path, json={"hosts": ["y.example"], "value": "again"}).json()
    assert (changed["hosts"], changed["name"]) == (["y.example"], "Renamed")
    assert kubectl.json("get", "credential", "shop-token")["spec"]["ciphertext"] != before


def test_names_are_unique_in_a_namespace(client: httpx2.Client) -> None:
    create(client)
    again = client.post(f"{API}/credentials", json={"name": "Shop Token", "value": "x"})
    assert (again.status_code, again.json()["error"]) == (409, "duplicate_name")
    other = create(client, namespace="team-a")
    assert [item["id"] for item in client.get(f"{API}/credentials?namespace=team-a").json()] == [other["id"]]
    assert client.delete(f"{API}/credentials/{other['id']}").status_code == 204
    assert client.get(f"{API}/credentials/{other['id']}").status_code == 404


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": None}, "name"),
        ({"value": None}, "value"),
        ({"value": ""}, "value"),
        ({"value": "x" * 65537}, "value"),
        ({"hosts": ["ok.example", "https://x.example/"]}, "hosts[1]"),
        ({"hosts": [""]}, "hosts[0]"),
        ({"hosts": "x.example"}, "hosts"),
        ({"type": ""}, "type"),
        ({"ciphertext": "x"}, "ciphertext"),
    ],
)
def test_wrong_credentials_are_named(client: httpx2.Client, fields: Any, path: str) -> None:
    refused = client.post(f"{API}/credentials", json={"name": "n", "value": "hush-hush", **fields})
    assert refused.status_code == 400, refused.text
    assert refused.json()["details"][0]["path"] == path
    assert "hush-hush" not in refused.text


def test_any_json_is_a_value_under_a_key(client: httpx2.Client) -> None:
    for value in (None, 1, "x", [1], {"a": {"b": None}}, "NUL \u0000 and \u2192"):
        put = client.put(f"{API}/kv/production/k", json={"value": value})
        assert (put.status_code, put.json()["value"]) == (200, value)
        assert client.get(f"{API}/kv/production/k").json()["value"] == value
    client.put(f"{API}/kv/production/a/b c", json={"value": 1})
    assert client.get(f"{API}/kv/production").json() == ["a/b c", "k"]
    for key in ("k", "a/b c"):
        assert client.delete(f"{API}/kv/production/{key}").status_code == 204
        assert client.delete(f"{API}/kv/production/{key}").status_code == 404
    assert client.get(f"{API}/kv/production/k").json()["error"] == "key_not_found"


@pytest.mark.parametrize("key", ["%00", "%0A", "x" * 254])
def test_odd_keys_are_refused(client: httpx2.Client, key: str) -> None:
    for method in ("get", "delete", "put"):
        body = {"json": {"value": 1}} if method == "put" else {}
        assert client.request(method, f"{API}/kv/production/{key}", **body).status_code == 400


def test_many_keys_are_paged(client: httpx2.Client) -> None:
    for number in range(1001):
        client.put(f"{API}/kv/team-a/{number:04}", json={"value": number})
    first = client.get(f"{API}/kv/team-a")
    assert (len(first.json()), first.headers["x-next-cursor"]) == (1000, "0999")
    assert client.get(f"{API}/kv/team-a?cursor=0999").json() == ["1000"]


def test_the_catalogue(client: httpx2.Client) -> None:
    plugins = client.get(f"{API}/plugins").json()
    assert {"util.log", "http.request", "kv.get", "script.python"} <= {item["id"] for item in plugins}
    fields = ["id", "name", "category", "description", "inputSchema", "outputSchema"]
    assert all(list(item) == fields for item in plugins)
    assert client.get(f"{API}/plugins/categories").json() == sorted({item["category"] for item in plugins})
    assert client.get(f"{API}/plugins/util.log").json() in plugins
    assert client.get(f"{API}/plugins/no.such").json()["error"] == "plugin_not_found"


@pytest.fixture
def second(kubectl: Kubectl, facade: Facade, tmp_path: Path) -> Any:
    """A facade of its own, to be started and stopped."""
    with program.running(kubectl, tmp_path / "second", f"sqlite:///{tmp_path}/second.db") as running:
        yield running


def test_a_lost_key_is_noticed_at_start_and_named(
    second: Facade, client: httpx2.Client, kubectl: Kubectl
) -> None:
    with second.client() as own:
        create(own)
    used = kubectl.json("get", "credential", "shop-token")["spec"]["ciphertext"].split(".")[1]
    second.stop()
    keys = second.directory / "keys"
    lost = (keys / "key-1").read_bytes()
    (keys / "key-1").write_bytes(base64.b64encode(secrets.token_bytes(32)))
    refused = subprocess.run(
        second.process.args, env=second.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == 1
    assert used in refused.stdout
    (keys / "key-1").write_bytes(lost)
    (keys / "key-2").write_bytes(base64.b64encode(secrets.token_bytes(32)))
    second.restart()
    with second.client() as own:
        create(own, name="New")
    assert kubectl.json("get", "credential", "new")["spec"]["ciphertext"].split(".")[1] != used
    with sqlite3.connect(second.directory.parent / "second.db") as database:
        assert database.execute("SELECT count(*) FROM encryption_keys").fetchone() == (2,)


def test_credentials_that_do_not_open_are_named(second: Facade, client: httpx2.Client) -> None:
    create(client)  # with the other facade's key
    second.restart()
    eventually(lambda: "credential cannot be decrypted" in second.log)
    assert "default/shop-token" in second.log
    assert "tailrace_api_credentials_unreadable 1.0" in httpx2.get(f"{second.metrics}/metrics").text


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("TAILRACE_ENCRYPTION_KEYS", "/nowhere", "/nowhere"),
        ("TAILRACE_DATABASE_URL", "mysql://x/y", "mysql"),
        ("TAILRACE_API_PORT", "http", "TAILRACE_API_PORT"),
        ("TAILRACE_KUBECONFIG", "/nowhere/config", "/nowhere/config"),
        ("TAILRACE_TLS_CERT", "/nowhere.crt", "nowhere.crt"),
    ],
)
def test_a_wrong_setting_is_named(
    facade: Facade, tmp_path: Path, variable: str, value: str, says: str
) -> None:
    ports = program.free_ports(4)
    names = ("API", "PROBE", "METRICS", "INTERNAL")
    own = {f"TAILRACE_{name}_PORT": str(port) for name, port in zip(names, ports, strict=True)}
    environment = {**facade.environment, **own, "TAILRACE_DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}
    refused = subprocess.run(
        facade.process.args,
        env={**environment, variable: value},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert says in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr

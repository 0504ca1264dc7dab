"""What the chart's last Job removes from tenants' namespaces, with the rights that it has."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tailrace_kube import Client
from tailrace_kube.config import from_kubeconfig
from tailrace_kube.errors import AlreadyExists
from tailrace_kube.resources import CONFIGMAPS, NAMESPACES, NETWORK_POLICIES, ROLE_BINDINGS, SERVICE_ACCOUNTS
from tailrace_operator import cleanup
from tests.integration.chart.conftest import SYSTEM, Release

OURS = {"app.kubernetes.io/managed-by": "tailrace"}
KINDS = (SERVICE_ACCOUNTS, CONFIGMAPS, ROLE_BINDINGS, NETWORK_POLICIES)


def body(kind: Any, name: str, labels: dict[str, str]) -> dict[str, Any]:
    more = {
        "RoleBinding": {
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
        },
        "NetworkPolicy": {"spec": {"podSelector": {}}},
    }
    head = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name, "labels": labels}}
    return {**head, **more.get(kind.kind, {})}


@pytest.fixture
def hook(release: Release, tmp_path: Any) -> Iterator[Client]:
    """A client with the token of the hook's account, whose rights are those of the rendered chart."""
    rendered = release.helm("get", "hooks", "tailrace")
    account = [
        document
        for document in yaml.safe_load_all(rendered)
        if document["kind"] in {"ServiceAccount", "ClusterRole", "ClusterRoleBinding"}
    ]
    objects = {"apiVersion": "v1", "kind": "List", "items": account}
    release.kubectl.apply(objects)
    token = release.kubectl("create", "token", "tailrace-cleanup", "-n", SYSTEM).strip()
    config = yaml.safe_load(Path(release.kubeconfig).read_text())
    config["users"][0]["user"] = {"token": token}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    yield Client(from_kubeconfig(path))
    release.kubectl("delete", "-f", "-", stdin=json.dumps(objects))


async def test_only_what_the_operator_made_goes(release: Release, client: Client, hook: Client) -> None:
    for namespace in ("team-a", "team-b"):
        await _namespace(client, namespace)
        for kind in KINDS:
            await client.create(kind, body(kind, "tailrace-runner", OURS), namespace)
            await client.create(kind, body(kind, "theirs", {}), namespace)
    async with hook:
        lines = [line async for line in cleanup.clean(hook)]
    assert len([line for line in lines if "team-" in line]) == 2 * len(KINDS)
    for namespace in ("team-a", "team-b"):
        for kind in KINDS:
            left = {item["metadata"]["name"] for item in (await client.list(kind, namespace))["items"]}
            assert "theirs" in left
            assert "tailrace-runner" not in left


async def _namespace(client: Client, name: str) -> None:
    try:
        await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    except AlreadyExists:
        return

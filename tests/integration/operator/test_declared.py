"""Tenants, Flows and Credentials."""

import asyncio
import contextlib
from typing import Any

import pytest

from tailrace_kube import Resource
from tailrace_kube.resources import (
    CONFIGMAPS,
    CONTROLLER_REVISIONS,
    CREDENTIALS,
    FLOWS,
    NAMESPACES,
    NETWORK_POLICIES,
    ROLE_BINDINGS,
    SERVICE_ACCOUNTS,
)
from tailrace_operator import declared
from tests.integration.operator.conftest import Process, World, eventually

ACCOUNTS = {"tailrace-runner", "tailrace-viewer", "tailrace-executor", "tailrace-editor", "tailrace-admin"}


async def condition(
    world: World, kind: Resource, name: str, reason: str, type_: str = "Ready"
) -> dict[str, Any]:
    """The condition of this type once it has this reason."""

    async def read() -> dict[str, Any]:
        item = await world.client.get(kind, name, world.namespace)
        found = [one for one in item.get("status", {}).get("conditions", []) if one["type"] == type_]
        return found[0] if found else {}

    right: dict[str, Any] = await eventually(read, lambda found: found.get("reason") == reason)
    return right


async def credential(world: World, name: str, **spec: Any) -> None:
    body = {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Credential",
        "metadata": {"name": name},
        "spec": {"ciphertext": "AAAA", **spec},
    }
    await world.client.create(CREDENTIALS, body, world.namespace)


async def test_a_tenant_gets_what_its_runs_need(world: World) -> None:
    async def names(kind: Resource) -> set[str]:
        selector = "app.kubernetes.io/managed-by=tailrace"
        found = await world.client.list(kind, world.namespace, label_selector=selector)
        return {item["metadata"]["name"] for item in found["items"]}

    await eventually(lambda: names(ROLE_BINDINGS), lambda found: found == ACCOUNTS)
    assert await names(SERVICE_ACCOUNTS) == ACCOUNTS
    assert await names(NETWORK_POLICIES) == {"tailrace-runner"}
    binding = await world.client.get(ROLE_BINDINGS, "tailrace-runner", world.namespace)
    assert binding["roleRef"]["name"] == "tailrace-runner"
    assert binding["subjects"][0]["namespace"] == world.namespace
    authority = await world.client.get(CONFIGMAPS, "tailrace-ca", world.namespace)
    assert authority["data"]["ca.crt"] == world.internal.ca_file.read_text()
    policy = await world.client.get(NETWORK_POLICIES, "tailrace-runner", world.namespace)
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    assert "ingress" not in policy["spec"]


async def test_configured_namespaces_become_tenants(world: World, operator: Process) -> None:
    await operator.stop()
    made, missing = f"{world.namespace}-there", f"{world.namespace}-new"
    await world.client.create(
        NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made}}
    )

    operator.start(TAILRACE_TENANTS=f"{made},{missing},kube-public", TAILRACE_CREATE_TENANTS="true")

    async def label(name: str) -> Any:
        item = await world.client.get(NAMESPACES, name)
        return (item["metadata"].get("labels") or {}).get("tailrace.dev/tenant")

    for name in (made, missing):
        assert await eventually(lambda name=name: label(name)) == "true"
        await world.client.patch(NAMESPACES, name, {"metadata": {"labels": {"tailrace.dev/tenant": None}}})
    assert await label("kube-public") is None, "never the system's own"


async def test_a_flow_is_ready_with_its_revision(world: World) -> None:
    await world.flow()
    await condition(world, FLOWS, "hello", "Ready")
    flow = await world.client.get(FLOWS, "hello", world.namespace)
    assert flow["status"]["observedGeneration"] == 1
    revision = await world.client.get(CONTROLLER_REVISIONS, flow["status"]["revision"], world.namespace)
    assert revision["data"]["spec"] == flow["spec"]


@pytest.mark.parametrize(
    ("tasks", "says"),
    [
        pytest.param([{"name": "a", "type": "no.such"}], "spec.tasks[0].type", id="unknown type"),
        pytest.param(
            [
                {"name": "a", "type": "util.log", "properties": {"message": "x"}, "needs": ["b"]},
                {"name": "b", "type": "util.log", "properties": {"message": "x"}, "needs": ["a"]},
            ],
            "cycle",
            id="cycle",
        ),
        pytest.param(
            [{"name": "a", "type": "util.log", "properties": {"message": "{{ inputs.nothing }}"}}],
            "inputs.nothing",
            id="unknown input",
        ),
    ],
)
async def test_a_flow_that_can_never_work_says_where(world: World, tasks: list[Any], says: str) -> None:
    await world.flow(tasks=tasks, inputs={"type": "object", "properties": {"known": {"type": "string"}}})
    found = await condition(world, FLOWS, "hello", "Invalid")
    assert found["status"] == "False"
    assert says in found["message"]
    flow = await world.client.get(FLOWS, "hello", world.namespace)
    assert "revision" not in flow["status"]


async def test_a_missing_credential_is_said_until_it_is_there_and_refuses_no_run(world: World) -> None:
    tasks = [
        {
            "name": "call",
            "type": "http.request",
            "properties": {"url": "https://x.example", "headers": {"authorization": "Bearer ${SHOP_TOKEN}"}},
        }
    ]
    await world.flow(tasks=tasks)
    found = await condition(world, FLOWS, "hello", "CredentialMissing")
    assert found["message"] == "missing credentials: SHOP_TOKEN"
    await world.run("one")
    assert (await world.ended("one"))["phase"] == "Succeeded"

    await credential(world, "shop", title="Shop Token")

    await condition(world, FLOWS, "hello", "Ready")


async def test_a_flow_counts_its_runs(world: World) -> None:
    await world.flow()
    await world.run("one")
    await world.ended("one")

    async def counts() -> Any:
        return (await world.client.get(FLOWS, "hello", world.namespace)).get("status", {}).get("counts")

    found = await eventually(counts, lambda found: found and found.get("succeeded") == 1)
    assert found == {"active": 0, "succeeded": 1, "failed": 0}
    flow = await world.client.get(FLOWS, "hello", world.namespace)
    assert flow["status"]["lastRun"] == {"name": "one", "phase": "Succeeded"}


async def test_a_credential_without_hosts_is_ready_and_unbound(world: World) -> None:
    await credential(world, "free")
    await credential(world, "bound", hosts=["api.example.com"])

    await condition(world, CREDENTIALS, "free", "Ready")
    await condition(world, CREDENTIALS, "free", "NoHosts", "Unbound")
    await condition(world, CREDENTIALS, "bound", "Ready")
    bound = await world.client.get(CREDENTIALS, "bound", world.namespace)
    assert [item["type"] for item in bound["status"]["conditions"]] == ["Ready"]


async def test_a_credential_that_cannot_be_read_says_why(world: World) -> None:
    world.internal.unreadable[world.namespace, "old"] = "the key with id k1 is not known"
    await credential(world, "old")
    found = await condition(world, CREDENTIALS, "old", "ValueUnreadable")
    assert found["message"] == "the key with id k1 is not known"


async def test_a_credential_is_judged_once_the_internal_api_is_back(world: World) -> None:
    world.internal.away = True
    await credential(world, "one")
    world.internal.away = False
    await condition(world, CREDENTIALS, "one", "Ready")


async def test_outside_of_a_tenants_namespace_the_label_is_named(world: World) -> None:
    await world.client.patch(
        NAMESPACES, world.namespace, {"metadata": {"labels": {"tailrace.dev/tenant": None}}}
    )
    await world.flow()
    await credential(world, "one")
    for kind, name in ((FLOWS, "hello"), (CREDENTIALS, "one")):
        found = await condition(world, kind, name, "NamespaceNotATenant")
        assert "tailrace.dev/tenant=true" in found["message"]

    await world.client.patch(
        NAMESPACES, world.namespace, {"metadata": {"labels": {"tailrace.dev/tenant": "true"}}}
    )

    await condition(world, FLOWS, "hello", "Ready")
    await condition(world, CREDENTIALS, "one", "Ready")


async def test_an_operator_that_starts_among_many_objects_becomes_ready(world: World) -> None:
    """More of a kind than kopf would have workers by any usual limit: indexing must not wait for itself."""
    await world.operator.stop()
    for number in range(120):
        await world.flow(f"flow-{number:03}")

    world.operator.start()
    await world.operator.ready()

    await condition(world, FLOWS, "flow-119", "Ready")


async def test_what_kopf_does_not_tell_of_is_noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declared, "AUDIT_PATIENCE", 0.1)
    await world.flow()
    deaf = declared.Declared(world.client.config, lambda kind, key: None)
    assert (world.namespace, "hello") in await deaf.audit(world.client)

    hearing = declared.Declared(world.client.config, lambda kind, key: None)
    monkeypatch.setenv("KUBECONFIG", world.operator.environment["KUBECONFIG"])
    task = asyncio.create_task(hearing.run())
    await asyncio.wait_for(hearing.synced.wait(), 10)
    monkeypatch.setattr(declared, "AUDIT_PATIENCE", 2)
    assert await hearing.audit(world.client) == []
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

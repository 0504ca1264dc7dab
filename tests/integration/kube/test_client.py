"""The client against a real API server."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tailrace_kube import Client, Config, Impersonation, errors, load
from tailrace_kube.resources import CONFIGMAPS, FLOWS, NAMESPACES, RUNS, SUBJECT_ACCESS_REVIEWS


@pytest.fixture
async def client(kube_config: str) -> AsyncIterator[Client]:
    async with Client(load(kube_config)) as client:
        yield client


@pytest.fixture
async def namespace(client: Client) -> str:
    name = f"kube-part-{uuid.uuid4().hex[:8]}"
    await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def configmap(name: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"of": "test"}},
        "data": data,
    }


def run(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Run",
        "metadata": {"name": name},
        "spec": {"flow": "hello"},
    }


async def test_an_object_is_created_read_changed_and_removed(client: Client, namespace: str) -> None:
    made = await client.create(CONFIGMAPS, configmap("one", a="1"), namespace)
    assert await client.get(CONFIGMAPS, "one", namespace) == made

    merged = await client.patch(CONFIGMAPS, "one", {"data": {"b": "2"}}, namespace)
    assert merged["data"] == {"a": "1", "b": "2"}
    replaced = await client.patch(
        CONFIGMAPS, "one", [{"op": "replace", "path": "/data/a", "value": "3"}], namespace, kind="json"
    )
    assert replaced["data"] == {"a": "3", "b": "2"}
    replaced["data"] = {"c": "4"}
    assert (await client.replace(CONFIGMAPS, "one", replaced, namespace))["data"] == {"c": "4"}

    await client.delete(CONFIGMAPS, "one", namespace, uid=made["metadata"]["uid"])
    with pytest.raises(errors.NotFound) as raised:
        await client.get(CONFIGMAPS, "one", namespace)
    assert (raised.value.status, raised.value.reason) == (404, "NotFound")


async def test_server_side_apply_creates_and_changes(client: Client, namespace: str) -> None:
    for value in ("1", "2"):
        body = configmap("one", a=value)
        applied = await client.patch(
            CONFIGMAPS, "one", body, namespace, kind="apply", field_manager="test", force=True
        )
        assert applied["data"] == {"a": value}
    again = await client.patch(
        CONFIGMAPS, "one", body, namespace, kind="apply", field_manager="test", force=True
    )
    assert again["metadata"]["resourceVersion"] == applied["metadata"]["resourceVersion"], (
        "no write for no change"
    )


async def test_a_status_is_its_own_subresource(client: Client, namespace: str) -> None:
    made = await client.create(RUNS, run("one"), namespace)
    patch = {
        "metadata": {"resourceVersion": made["metadata"]["resourceVersion"]},
        "status": {"phase": "Queued"},
    }
    assert (await client.patch(RUNS, "one", patch, namespace, subresource="status"))["status"] == {
        "phase": "Queued"
    }
    with pytest.raises(errors.Conflict):
        await client.patch(RUNS, "one", patch, namespace, subresource="status")


async def test_errors_say_what_they_are(client: Client, namespace: str) -> None:
    await client.create(CONFIGMAPS, configmap("one"), namespace)
    with pytest.raises(errors.AlreadyExists):
        await client.create(CONFIGMAPS, configmap("one"), namespace)
    with pytest.raises(errors.Invalid) as raised:
        await client.create(RUNS, {**run("one"), "spec": {}}, namespace)
    assert raised.value.details["causes"][0]["field"] == "spec.flow"
    with pytest.raises(errors.BadRequest):
        await client.create(CONFIGMAPS, {**configmap("two"), "data": 1}, namespace)
    with pytest.raises(errors.Conflict):
        await client.delete(CONFIGMAPS, "one", namespace, uid="another")


@pytest.mark.parametrize("name", ["", ".", "..", "../../secrets", "a b", "ä"])
async def test_a_name_from_outside_reaches_nothing_else(client: Client, namespace: str, name: str) -> None:
    await client.create(CONFIGMAPS, configmap("one"), namespace)
    with pytest.raises((errors.NotFound, errors.BadRequest)):
        await client.get(CONFIGMAPS, name, namespace)
    with pytest.raises((errors.NotFound, errors.BadRequest)):
        await client.delete(CONFIGMAPS, name, namespace)
    assert await client.get(CONFIGMAPS, "one", namespace)


async def test_a_list_has_all_pages(client: Client, namespace: str) -> None:
    for number in range(7):
        await client.create(CONFIGMAPS, configmap(f"n{number}"), namespace)
    found = await client.list(CONFIGMAPS, namespace, label_selector="of=test", limit=3)
    assert [item["metadata"]["name"] for item in found["items"]] == [f"n{number}" for number in range(7)]
    assert found["items"][0]["kind"] == "ConfigMap"
    assert found["metadata"]["resourceVersion"]
    one = await client.list(CONFIGMAPS, namespace, field_selector="metadata.name=n3")
    assert len(one["items"]) == 1


async def test_a_watch_begins_with_what_is_there_and_goes_on(client: Client, namespace: str) -> None:
    await client.create(CONFIGMAPS, configmap("one"), namespace)
    seen: list[tuple[str, str]] = []

    async def watch() -> None:
        async for kind, item in client.watch(
            CONFIGMAPS, namespace, label_selector="of=test", bookmarks=False
        ):
            seen.append((kind, item["metadata"]["name"]))
            if kind == "DELETED":
                return

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.2)
    await client.create(CONFIGMAPS, configmap("two", big="x" * 900_000), namespace)
    await client.delete(CONFIGMAPS, "two", namespace)
    await asyncio.wait_for(watching, 5)
    assert seen == [("ADDED", "one"), ("ADDED", "two"), ("DELETED", "two")]


async def test_a_watch_from_too_long_ago_is_gone(client: Client) -> None:
    await client.list(RUNS)
    with pytest.raises(errors.Gone):
        await anext(client.watch(RUNS, resource_version="1", timeout=5))


async def test_a_silent_watch_is_unavailable(client: Client, namespace: str) -> None:
    with pytest.raises(errors.Unavailable):
        await anext(
            client.watch(CONFIGMAPS, namespace, bookmarks=False, label_selector="of=nobody", inactivity=0.3)
        )


async def test_impersonation_is_what_access_control_sees(client: Client, namespace: str) -> None:
    nobody = Impersonation("nobody", ("system:authenticated",), {"tailrace.dev/key": ["anna"]})
    with pytest.raises(errors.Forbidden, match='"nobody"'):
        await client.create(FLOWS, {}, namespace, impersonate=nobody)
    with pytest.raises(errors.Forbidden):
        await client.list(FLOWS, namespace, impersonate=nobody)


async def test_a_review_is_created_like_an_object(client: Client, namespace: str) -> None:
    attributes = {"namespace": namespace, "verb": "get", "resource": "secrets"}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": "nobody", "resourceAttributes": attributes},
    }
    answer = await client.create(SUBJECT_ACCESS_REVIEWS, review)
    assert answer["status"]["allowed"] is False


async def test_nobody_there_is_unavailable() -> None:
    async with Client(Config(server="http://127.0.0.1:1")) as client:
        with pytest.raises(errors.Unavailable, match="no answer"):
            await client.get(CONFIGMAPS, "one", "default")

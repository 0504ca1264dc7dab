"""Schedules and container tasks."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tailrace_kube.resources import JOBS, PODS, RUNS, TRIGGERS
from tailrace_operator import main
from tailrace_operator.internal import InternalAPI
from tailrace_operator.settings import Settings
from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.node import container
from tests.integration.operator.test_declared import condition


async def schedule(world: World, name: str = "tick", **spec: Any) -> Any:
    body = {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Trigger",
        "metadata": {"name": name},
        "spec": {"flow": "hello", "type": "schedule", "schedule": {"cron": "* * * * *"}, **spec},
    }
    return await world.client.create(TRIGGERS, body, world.namespace)


async def trigger_status(world: World, right: Any, name: str = "tick") -> dict[str, Any]:
    async def read() -> dict[str, Any]:
        item = await world.client.get(TRIGGERS, name, world.namespace)
        return dict(item.get("status") or {})

    found: dict[str, Any] = await eventually(read, right, within=20)
    return found


async def runs(world: World) -> list[str]:
    return sorted(
        run["metadata"]["name"] for run in (await world.client.list(RUNS, world.namespace))["items"]
    )


async def test_a_new_schedule_shows_its_next_slot_and_fires_nothing_of_the_past(world: World) -> None:
    await world.flow()
    await schedule(world, schedule={"cron": "0 0 1 1 *", "timeZone": "Europe/Berlin", "missed": "All"})

    status = await trigger_status(world, lambda status: "nextSlot" in status)

    assert status["conditions"][0]["reason"] == "Ready"
    assert status["nextSlot"].endswith("12-31T23:00:00Z")
    assert "lastSlot" not in status
    assert await runs(world) == []


async def test_slots_missed_while_no_operator_was_there_follow_the_policy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator is away for three hours, which its clock says and nobody has to wait for."""
    await world.flow()
    await world.operator.stop()
    minute = (datetime.now(UTC).minute + 5) % 60
    made = {
        name: await schedule(world, name, schedule={"cron": f"{minute} * * * *", "missed": policy})
        for name, policy in (("every", "All"), ("newest", "Last"), ("nothing", "None"))
    }
    later = datetime.now(UTC) + timedelta(hours=3)
    monkeypatch.setattr(main, "_now", lambda: later)

    async with in_process(world):
        for name in made:
            await trigger_status(world, lambda status: len(status.get("firings", [])) == 3, name)
        await eventually(lambda: _count(len(world.internal.firings)), lambda count: count == 9)
    first = await runs(world)
    # Again, from what is stored, and from the ledger alone where the status was not written in time.
    await world.client.patch(TRIGGERS, "every", {"status": None}, world.namespace, subresource="status")
    for name in first:
        await world.client.delete(RUNS, name, world.namespace)
    async with in_process(world):
        await trigger_status(world, lambda status: "nextSlot" in status, "every")
        await trigger_status(world, lambda status: "nextSlot" in status, "newest")

    assert [name.split("-")[0] for name in first] == ["every", "every", "every", "newest"]
    assert await runs(world) == []
    lines = {
        name: [line["result"] for line in world.internal.firings if line["trigger"] == name] for name in made
    }
    assert lines == {
        "every": ["run", "run", "run"],
        "newest": ["missed", "missed", "run"],
        "nothing": ["missed", "missed", "missed"],
    }


@contextlib.asynccontextmanager
async def in_process(world: World) -> AsyncIterator[None]:
    """An operator in this process, with this process's idea of the time."""
    environment = world.operator.environment
    settings = Settings(
        pod_name="operator-a",
        namespace=environment["POD_NAMESPACE"],
        internal_url=world.internal.url,
        internal_ca_file=world.internal.ca_file,
        internal_token_file=world.internal.token_file,
        port=0,
    )
    os.environ["KUBECONFIG"] = environment["KUBECONFIG"]
    async with InternalAPI(settings) as internal:
        operator = main.Operator(settings, world.client.config, world.client, internal)
        task = asyncio.create_task(operator.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _count(value: int) -> int:
    return value


async def test_a_schedule_fires_once_a_slot_and_tells_the_ledger(world: World) -> None:
    await world.flow()
    trigger = await schedule(world, inputs={"at": "{{ trigger.slot }}"})

    status = await _fired(world)

    slot = status["lastSlot"]
    name = f"tick-{int(datetime.fromisoformat(slot).timestamp()) // 60}"
    assert status["firings"][-1] | {"time": ""} == {"time": "", "slot": slot, "result": "run", "run": name}
    run = await world.client.get(RUNS, name, world.namespace)
    assert run["spec"]["trigger"] == {"type": "schedule", "name": "tick", "slot": slot, "cause": slot}
    assert run["metadata"]["labels"]["tailrace.dev/trigger"] == "tick"
    assert run["spec"]["inputs"] == {"at": slot}
    line = next(line for line in world.internal.firings if line["triggerUID"] == trigger["metadata"]["uid"])
    assert (line["slot"], line["result"], line["run"]) == (slot, "run", name)

    await world.operator.stop(signal.SIGKILL)
    world.operator.start()
    await world.operator.ready()

    assert await runs(world) == [name], "an operator that starts anew fires no slot again"


async def _fired(world: World) -> dict[str, Any]:
    async def read() -> dict[str, Any]:
        return dict((await world.client.get(TRIGGERS, "tick", world.namespace)).get("status") or {})

    found: dict[str, Any] = await eventually(read, lambda status: status.get("firings"), within=75)
    return found


async def test_a_suspended_trigger_and_a_missing_flow_are_said(world: World) -> None:
    await schedule(world)
    await condition(world, TRIGGERS, "tick", "FlowMissing")
    await world.flow()
    await condition(world, TRIGGERS, "tick", "Ready")
    await world.client.patch(TRIGGERS, "tick", {"spec": {"suspend": True}}, world.namespace)
    status = await trigger_status(world, lambda status: status.get("observedGeneration") == 2)
    assert status["conditions"][0]["message"] == "suspended"
    assert "nextSlot" not in status


async def test_a_schedule_that_can_never_fire_says_so(world: World) -> None:
    await world.flow()
    await schedule(world, schedule={"cron": "61 * * * *"})
    found = await condition(world, TRIGGERS, "tick", "Invalid")
    assert "spec.schedule.cron" in found["message"]


async def test_a_webhook_is_ready_when_its_flow_is_there(world: World) -> None:
    await world.flow()
    body = {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Trigger",
        "metadata": {"name": "hook"},
        "spec": {"flow": "hello", "type": "webhook", "webhook": {"key": world.namespace}},
    }
    await world.client.create(TRIGGERS, body, world.namespace)
    await condition(world, TRIGGERS, "hook", "Ready")


TASK = {"name": "build", "type": "container.run", "properties": {"image": "builder:1", "command": ["make"]}}


async def container_request(world: World, number: int) -> dict[str, Any]:
    """A Run that executes, and its request for a container."""
    world.node.runs = lambda run: False
    await world.flow(tasks=[TASK])
    await world.run("one")
    await world.status("one", lambda status: "assigned" in status)
    run = await world.node.claim(await world.client.get(RUNS, "one", world.namespace))
    world.internal.request_container(
        {
            "id": number,
            "namespace": world.namespace,
            "run": "one",
            "runUID": run["metadata"]["uid"],
            "task": "build",
            "attempt": 1,
            "args": ["all"],
            "env": {"A": "1"},
        }
    )
    return run


async def task_pod(world: World) -> dict[str, Any]:
    selector = "app.kubernetes.io/component=task"
    found = await eventually(
        lambda: world.client.list(PODS, world.namespace, label_selector=selector),
        lambda found: found["items"],
    )
    pod: dict[str, Any] = found["items"][0]
    return pod


async def outcome(world: World, number: int) -> dict[str, Any]:
    async def read() -> dict[str, Any]:
        return world.internal.outcomes.get(str(number), {})

    found: dict[str, Any] = await eventually(read)
    return found


async def test_a_container_task_is_a_job_of_its_own_and_is_reported(world: World) -> None:
    await container_request(world, 1)
    pod = await task_pod(world)
    assert pod["spec"]["containers"][0]["image"] == "builder:1"
    assert pod["spec"]["containers"][0]["args"] == ["all"]

    ended = container(terminated={"exitCode": 0, "reason": "Completed", "message": '{"size": 3}'})
    await world.node.pod_status(pod, {"phase": "Succeeded", "containerStatuses": [ended | {"name": "task"}]})

    assert await outcome(world, 1) == {"exitCode": 0, "message": '{"size": 3}', "result": {"size": 3}}
    selector = "app.kubernetes.io/component=task"
    await eventually(
        lambda: world.client.list(JOBS, world.namespace, label_selector=selector),
        lambda found: not found["items"],
    )


async def test_a_container_task_outlives_the_operator(world: World) -> None:
    await container_request(world, 2)
    pod = await task_pod(world)
    await world.operator.stop(signal.SIGKILL)
    ended = container(terminated={"exitCode": 3, "reason": "Error"})
    await world.node.pod_status(pod, {"phase": "Failed", "containerStatuses": [ended | {"name": "task"}]})
    world.operator.start()

    assert await outcome(world, 2) == {"exitCode": 3, "message": "Error (exit code 3)"}


async def test_a_container_task_ends_with_its_run(world: World) -> None:
    run = await container_request(world, 3)
    await task_pod(world)
    await world.node.end(run)

    assert (await outcome(world, 3)) == {"exitCode": -1, "message": "the Run has ended"}


async def test_a_request_for_a_task_that_is_no_container_is_answered(world: World) -> None:
    run = await container_request(world, 4)
    request = {
        "id": 5,
        "namespace": world.namespace,
        "run": "one",
        "runUID": run["metadata"]["uid"],
        "task": "other",
        "attempt": 1,
    }
    world.internal.request_container(request)

    found = await outcome(world, 5)
    assert (found["exitCode"], found["message"]) == (-1, "the flow has no container task other")

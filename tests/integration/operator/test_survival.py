"""What goes wrong around the operator: it is killed, its Lease moves, the internal API is away."""

import asyncio
import signal
from pathlib import Path

from tailrace_kube.resources import JOBS, LEASES, PODS, RUNS
from tests.cluster_tool import cluster
from tests.integration.operator.conftest import Process, World, eventually

NAMES = [f"run-{number:02}" for number in range(20)]


async def test_twenty_runs_end_once_though_the_operator_is_killed_in_the_middle(world: World) -> None:
    """Twice, while some Runs have no pod yet, some are executed and some have ended."""
    world.node.seconds, world.node.longest_wait = 0.5, 4.0
    await world.flow()
    for name in NAMES:
        await world.run(name)
    for least in (3, 10):
        executed = await eventually(
            lambda: _count(world.node.executed.total()), lambda count, n=least: count >= n
        )
        await world.operator.stop(signal.SIGKILL)
        assert executed < len(NAMES), "it was in the middle"
        world.operator.start()

    for name in NAMES:
        status = await world.ended(name, within=60)
        assert (status["phase"], status["attempt"]) == ("Succeeded", 1)

    assert {name: world.node.executed[name] for name in NAMES} == dict.fromkeys(NAMES, 1)
    jobs = (await world.client.list(JOBS, world.namespace))["items"]
    assert len(jobs) == len(NAMES)
    await eventually(lambda: _archived(world), lambda names: names == set(NAMES), within=30)


async def test_an_api_server_that_is_away_for_a_while_is_waited_for(world: World, kube_config: str) -> None:
    await world.operator.stop()
    world.operator.start(TAILRACE_LEASE_SECONDS="60")
    await world.operator.ready()
    world.node.seconds = 2
    await world.flow()
    for name in NAMES[:5]:
        await world.run(name)
        await world.status(name, lambda status: status.get("phase") == "Running")

    server = Path(kube_config).parent.name
    await asyncio.to_thread(cluster, "stop", "apiserver", "--name", server)
    await asyncio.sleep(8)
    await asyncio.to_thread(cluster, "start", "apiserver", "--name", server)

    for name in NAMES[:5]:
        status = await world.ended(name, within=60)
        assert (status["phase"], status["attempt"]) == ("Succeeded", 1)
    await eventually(lambda: _archived(world), lambda names: names == set(NAMES[:5]), within=30)
    assert await world.operator.stop() == 0, "the same process all the time"


async def test_sigterm_ends_it_in_order_and_the_next_begins_at_once(world: World) -> None:
    namespace = world.operator.environment["POD_NAMESPACE"]
    await _holder(world, namespace, "operator-a")
    assert await world.operator.stop(signal.SIGTERM) == 0
    lease = await world.client.get(LEASES, "tailrace-operator", namespace)

    assert lease["spec"].get("holderIdentity", "") == ""

    world.operator.start()
    await world.flow()
    await world.run("one")
    assert (await world.ended("one"))["phase"] == "Succeeded"


async def test_a_holder_whose_pod_is_gone_is_succeeded_at_once(world: World, operator: Process) -> None:
    """The Lease would hold for a minute; there is no need to wait for that."""
    await operator.stop()
    own = operator.environment["POD_NAMESPACE"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "operator-a"},
        "spec": {"containers": [{"name": "x", "image": "x"}]},
    }
    await world.client.create(PODS, pod, own)
    operator.start(TAILRACE_LEASE_SECONDS="60")
    await _holder(world, own, "operator-a_")
    await operator.stop(signal.SIGKILL)
    await world.client.delete(PODS, "operator-a", own, grace=0)
    await world.flow()
    await world.run("one")

    operator.start(POD_NAME="operator-b", TAILRACE_LEASE_SECONDS="60")

    assert (await world.ended("one", within=10))["phase"] == "Succeeded"


async def test_a_second_operator_waits_ready_and_does_nothing(world: World, operator: Process) -> None:
    second = Process(operator.environment | {"POD_NAME": "operator-b"}, operator.log)
    second.start(TAILRACE_LEASE_SECONDS="60")
    try:
        await second.ready()
        assert "tailrace_leader 0.0" in (await second.probe("metrics"))[1]
        assert "tailrace_leader 1.0" in (await operator.probe("metrics"))[1]
    finally:
        await second.stop(signal.SIGKILL)


async def test_the_loss_of_the_lease_ends_the_process(world: World, operator: Process) -> None:
    own = operator.environment["POD_NAMESPACE"]
    await _holder(world, own, "operator-a")
    spec = {
        "holderIdentity": "someone-else",
        "leaseDurationSeconds": 60,
        "renewTime": "2026-01-01T00:00:00.000000Z",
    }
    await world.client.patch(LEASES, "tailrace-operator", {"spec": spec}, own)

    assert await operator.ended() == 1


async def test_the_probes_and_metrics_answer(world: World, operator: Process) -> None:
    await world.flow()
    await world.run("one")
    await world.ended("one")

    assert (await operator.probe("healthz")) == (200, "ok")
    text = (await operator.probe("metrics"))[1]
    assert 'tailrace_admissions_total{result="Admitted"}' in text
    assert 'tailrace_watch_age_seconds{resource="runs"}' in text
    assert 'tailrace_runs{phase="Succeeded"}' in text


async def test_an_internal_api_that_is_away_holds_up_no_run(world: World) -> None:
    world.internal.away = True
    await world.flow()
    for name in NAMES[:5]:
        await world.run(name)
    for name in NAMES[:5]:
        assert (await world.ended(name))["phase"] == "Succeeded"
    assert await _archived(world) == set()

    world.internal.away = False

    await eventually(lambda: _archived(world), lambda names: names == set(NAMES[:5]), within=30)


async def test_claims_are_not_judged_right_after_the_internal_api_was_away(world: World) -> None:
    await world.operator.stop()
    world.operator.start(TAILRACE_RENEWAL_GRACE="8")
    world.node.seconds = 5
    await world.flow()
    await world.run("one")
    status = await world.status("one", lambda status: status.get("phase") == "Running")
    run = await world.client.get(RUNS, "one", world.namespace)
    world.internal.stale = [
        {
            "namespace": world.namespace,
            "run": "one",
            "uid": run["metadata"]["uid"],
            "podUID": status["claim"]["podUID"],
            "renewedAt": "2026-01-01T00:00:00Z",
        }
    ]

    assert (await world.ended("one"))["attempt"] == 1


async def _holder(world: World, namespace: str, prefix: str) -> None:
    async def read() -> str:
        lease = await world.client.get(LEASES, "tailrace-operator", namespace)
        return str(lease["spec"].get("holderIdentity") or "")

    await eventually(read, lambda holder: holder.startswith(prefix))


async def _archived(world: World) -> set[str]:
    """The Runs of this test that the store has; it gets those that other tests left as well."""
    runs = [run["metadata"] for run in world.internal.archived.values()]
    return {run["name"] for run in runs if run["namespace"] == world.namespace}


async def _count(value: int) -> int:
    await asyncio.sleep(0)
    return value

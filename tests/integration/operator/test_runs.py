import asyncio
import json
from collections import Counter
from typing import Any

from tailrace_kube import Resource, errors
from tailrace_kube.resources import CONTROLLER_REVISIONS, EVENTS, FLOWS, JOBS, PODS, RUNS
from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.node import container


async def test_a_run_gets_a_job_a_pod_and_an_end(world: World) -> None:
    await world.flow()
    await world.run("one")

    status = await world.ended("one")

    assert status["phase"] == "Succeeded"
    assert status["attempt"] == 1
    assert status["launch"] == "Job"
    revision = await world.client.get(CONTROLLER_REVISIONS, status["revision"], world.namespace)
    assert revision["data"]["spec"]["tasks"][0]["name"] == "say"
    assert revision["metadata"]["ownerReferences"][0]["kind"] == "Flow"


async def test_the_end_is_announced_and_archived_once(world: World) -> None:
    await world.flow()
    run = await world.run("one")
    await world.ended("one")

    archived = await eventually(lambda: _value(world.internal.archived.get(run["metadata"]["uid"])))
    events = (await world.client.list(EVENTS, world.namespace))["items"]

    assert archived["status"]["phase"] == "Succeeded"
    assert [event["reason"] for event in events] == ["RunSucceeded"]
    assert events[0]["involvedObject"]["uid"] == run["metadata"]["uid"]


async def test_the_run_goes_after_its_time_to_live_but_not_before_the_archive_has_it(world: World) -> None:
    world.internal.away = True
    await world.flow(ttlSecondsAfterFinished=1)
    run = await world.run("one")
    await world.ended("one")

    await _stays(world, "one", seconds=2)
    world.internal.away = False

    await eventually(lambda: _exists(world, "one"), lambda there: not there, within=40)
    assert run["metadata"]["uid"] in world.internal.archived


async def test_a_lost_pod_is_followed_by_another_attempt(world: World) -> None:
    world.node.runs = lambda run: run["status"]["assigned"]["attempt"] == 2
    await world.flow()
    await world.run("one")
    status = await world.status("one", lambda status: "assigned" in status)
    job = await world.client.get(JOBS, status["assigned"]["pod"].rsplit("-", 1)[0], world.namespace)

    await world.client.delete(PODS, status["assigned"]["pod"], world.namespace, grace=0)
    await world.node.end_job(job, failed=True)

    status = await world.ended("one")
    assert (status["phase"], status["attempt"]) == ("Succeeded", 2)


async def test_a_pod_that_goes_while_its_job_lives_is_lost_too(world: World) -> None:
    world.node.runs = lambda run: run["status"]["assigned"]["attempt"] == 2
    await world.flow()
    await world.run("one")
    status = await world.status("one", lambda status: "assigned" in status)

    await world.client.delete(PODS, status["assigned"]["pod"], world.namespace, grace=0)

    assert (await world.ended("one"))["attempt"] == 2


async def test_an_end_that_the_caches_have_not_seen_yet_is_no_loss(world: World) -> None:
    world.node.runs = lambda run: False
    await world.flow()
    await world.run("one")
    await world.status("one", lambda status: "assigned" in status)
    run = await world.client.get(RUNS, "one", world.namespace)

    claimed = await world.node.claim(run)
    await world.node.end(claimed)
    await world.client.delete(PODS, run["status"]["assigned"]["pod"], world.namespace, grace=0)

    await eventually(lambda: _value(world.internal.archived.get(run["metadata"]["uid"])))
    jobs = (await world.client.list(JOBS, world.namespace))["items"]
    assert [job["metadata"]["name"] for job in jobs if job["metadata"]["name"].endswith("-2")] == []
    assert (await world.ended("one"))["attempt"] == 1


async def test_attempts_end_somewhere(world: World) -> None:
    world.node.runs = lambda run: False
    await world.operator.stop()
    world.operator.start(TAILRACE_MAX_LOST_ATTEMPTS="2")
    await world.flow()
    await world.run("one")
    for attempt in (1, 2):
        status = await world.status(
            "one", lambda status, attempt=attempt: status.get("assigned", {}).get("attempt") == attempt
        )
        await world.client.delete(PODS, status["assigned"]["pod"], world.namespace, grace=0)

    status = await world.ended("one")

    assert (status["phase"], status["reason"]) == ("Failed", "PodLost")
    assert "2 attempts were lost" in status["message"]


async def test_a_run_is_cancelled_before_it_has_a_pod(world: World) -> None:
    world.node.makes_pods = False
    await world.flow()
    await world.run("one")
    await eventually(lambda: world.client.list(JOBS, world.namespace), lambda found: found["items"])

    await world.client.patch(RUNS, "one", {"spec": {"cancel": True}}, world.namespace)

    assert (await world.ended("one"))["phase"] == "Cancelled"
    await eventually(lambda: world.client.list(JOBS, world.namespace), lambda found: not found["items"])


async def test_a_runner_that_ignores_a_cancel_is_ended(world: World) -> None:
    world.node.seconds = 60
    await world.flow()
    await world.run("one")
    await world.status("one", lambda status: status.get("phase") == "Running")

    await world.client.patch(RUNS, "one", {"spec": {"cancel": True}}, world.namespace)

    status = await world.ended("one")
    assert (status["phase"], status["message"]) == ("Cancelled", "the runner did not stop within 3 s")
    await eventually(lambda: world.client.list(JOBS, world.namespace), lambda found: not found["items"])


async def test_a_run_without_pod_says_that_it_waits(world: World) -> None:
    world.node.makes_pods = False
    await world.flow()
    await world.run("one")

    status = await world.status("one", lambda status: status.get("phase"))

    assert (status["phase"], status["message"]) == ("Queued", "waiting for a pod")


async def test_a_pod_that_cannot_start_is_told_of_once(world: World) -> None:
    world.node.runs = lambda run: False
    await world.flow()
    await world.run("one")
    status = await world.status("one", lambda status: "assigned" in status)
    pod = await world.client.get(PODS, status["assigned"]["pod"], world.namespace)
    waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
    await world.node.pod_status(pod, {"phase": "Pending", "containerStatuses": [container(waiting=waiting)]})

    found = await eventually(
        lambda: world.client.list(EVENTS, world.namespace), lambda found: found["items"], within=20
    )

    assert [event["reason"] for event in found["items"]] == ["PodWaiting"]
    assert found["items"][0]["message"].endswith("does not start: ImagePullBackOff: no such image")


async def test_a_run_waits_for_room_in_the_quota_and_says_so(world: World) -> None:
    quotas = Resource("", "v1", "resourcequotas", "ResourceQuota")
    hard = {"count/jobs.batch": "0"}
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": hard}}
    await world.client.create(quotas, body, world.namespace)
    used = {"status": {"hard": hard, "used": hard}}
    await world.client.patch(quotas, "none", used, world.namespace, subresource="status")
    await world.flow()
    await world.run("one")

    status = await world.status("one", lambda status: status.get("message"))
    assert status["phase"] == "Queued"
    assert "exceeded quota" in status["message"]

    await world.client.delete(quotas, "none", world.namespace)
    status = await world.ended("one", within=30)
    assert (status["phase"], status.get("message")) == ("Succeeded", None)


async def test_a_lost_attempt_whose_revision_is_gone_ends_the_run(world: World) -> None:
    world.node.runs = lambda run: False
    await world.flow()
    await world.run("one")
    status = await world.status("one", lambda status: "assigned" in status)
    await world.operator.stop()
    await world.client.delete(FLOWS, "hello", world.namespace)
    await world.client.delete(CONTROLLER_REVISIONS, status["revision"], world.namespace)
    await world.client.delete(PODS, status["assigned"]["pod"], world.namespace, grace=0)

    world.operator.start()

    status = await world.ended("one")
    assert (status["phase"], status["reason"]) == ("Failed", "RevisionNotFound")


async def test_a_claim_that_is_not_renewed_is_lost(world: World) -> None:
    await world.operator.stop()
    world.operator.start(TAILRACE_RENEWAL_GRACE="1")
    world.node.runs = lambda run: run["status"]["assigned"]["attempt"] == 2
    await world.flow()
    await world.run("one")
    await world.status("one", lambda status: "assigned" in status)
    run = await world.client.get(RUNS, "one", world.namespace)
    claimed = await world.node.claim(run)

    world.internal.stale = [
        {
            "namespace": world.namespace,
            "run": "one",
            "uid": run["metadata"]["uid"],
            "podUID": claimed["status"]["claim"]["podUID"],
            "renewedAt": "2026-01-01T00:00:00Z",
        }
    ]

    assert (await world.ended("one", within=30))["attempt"] == 2


async def test_runs_that_cannot_begin_fail_with_a_reason(world: World) -> None:
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    await world.flow("asks", inputs=schema)
    await world.flow("paused", state="Paused")
    await world.flow("broken", tasks=[{"name": "x", "type": "no.such"}])
    await world.run("a", "nowhere")
    await world.run("b", "asks", inputs={"n": "three"})
    await world.run("c", "paused")
    await world.run("d", "broken")

    found = {name: await world.ended(name) for name in "abcd"}

    reasons = {name: status["reason"] for name, status in found.items()}
    assert reasons == {"a": "FlowNotFound", "b": "InvalidInputs", "c": "FlowNotActive", "d": "FlowInvalid"}
    assert "spec.inputs.n" in found["b"]["message"]
    assert "spec.tasks[0].type" in found["d"]["message"]
    assert found["a"]["conditions"][0]["type"] == "Failed"
    assert (await world.client.list(JOBS, world.namespace))["items"] == []


async def test_a_run_in_no_tenants_namespace_fails(world: World) -> None:
    run = {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Run",
        "metadata": {"name": f"outside-{world.namespace}"},
        "spec": {"flow": "hello"},
    }
    await world.client.create(RUNS, run, "kube-public")

    async def read() -> Any:
        found = await world.client.get(RUNS, f"outside-{world.namespace}", "kube-public")
        return found.get("status", {}).get("reason")

    assert await eventually(read) == "NamespaceNotATenant"


async def test_a_run_that_follows_its_changed_flow_executes_the_new_revision(world: World) -> None:
    await world.flow()
    await world.run("before")
    first = await world.ended("before")
    tasks = [{"name": "other", "type": "util.log", "properties": {"message": "new"}}]

    await world.client.patch(FLOWS, "hello", {"spec": {"tasks": tasks}}, world.namespace)
    await world.run("after")

    second = await world.ended("after")
    revision = await world.client.get(CONTROLLER_REVISIONS, second["revision"], world.namespace)
    assert second["revision"] != first["revision"]
    assert revision["data"]["spec"]["tasks"] == tasks
    assert revision["revision"] == 2


async def test_a_run_costs_three_writes_of_the_operator(world: World) -> None:
    """Job, assignment and Event, with the runner's claim and end; nothing else touches any of them."""
    await world.flow()
    await world.run("warm")
    await world.ended("warm")
    began = (await world.client.list(RUNS, world.namespace))["metadata"]["resourceVersion"]
    changes: Counter[str] = Counter()

    async def count(kind: Resource) -> None:
        async for change, item in world.client.watch(
            kind, world.namespace, resource_version=began, timeout=4
        ):
            if change != "BOOKMARK" and "two" in json.dumps(item):
                changes[f"{kind.kind} {change}"] += 1

    counting = [asyncio.create_task(count(kind)) for kind in (RUNS, JOBS, EVENTS)]
    await world.run("two")
    await asyncio.gather(*counting)

    assert changes == {
        "Run ADDED": 1,
        "Run MODIFIED": 3,  # assigned, claimed, ended
        "Job ADDED": 1,
        "Job MODIFIED": 1,  # the Job controller's
        "Event ADDED": 1,
    }


async def _value(value: Any) -> Any:
    return value


async def _exists(world: World, name: str) -> bool:
    try:
        await world.client.get(RUNS, name, world.namespace)
    except errors.NotFound:
        return False
    return True


async def _stays(world: World, name: str, *, seconds: float) -> None:
    await asyncio.sleep(seconds)
    assert await _exists(world, name)

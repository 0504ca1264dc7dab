"""A runner in a pod: its claim, what it reports, and how its Run ends."""

import pytest

from tailrace_kube import Impersonation
from tailrace_kube.errors import Forbidden
from tailrace_kube.resources import PODS, RUNS, SECRETS
from tailrace_runner import claim, settings
from tailrace_runner.errors import ServerError
from tailrace_runner.kubernetes import Runs, connect
from tests.integration.runner.conftest import HELLO, sleeping


async def test_a_run_succeeds_with_two_writes(world):
    inputs = {"type": "object", "properties": {"who": {"type": "string", "default": "world"}}}
    spec = {**HELLO, "inputs": inputs, "outputs": {"said": "{{ tasks.hello.outputs.message }}", "none": None}}
    name, pod = await world.execute(spec)
    run = await world.get(name)
    status = run["status"]
    assert status["phase"] == "Succeeded"
    assert status["outputs"] == {"said": "Hello world", "none": None}
    assert status["claim"] == {"pod": pod.name, "podUID": pod.uid, "attempt": 1}
    assert status["progress"] == "1/1"
    assert status["taskCounts"] == {"total": 1, "succeeded": 1, "failed": 0, "skipped": 0, "running": 0}
    (task,) = status["tasks"]
    assert (task["name"], task["type"], task["phase"], task["attempts"]) == (
        "hello",
        "util.log",
        "Succeeded",
        1,
    )
    (condition,) = status["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Complete", "True", "Succeeded")
    assert status["durationMs"] < 2000
    # Creation is generation-neutral here: the operator's write and the runner's two are all there were.
    managers = {entry["manager"] for entry in run["metadata"]["managedFields"]}
    assert "tailrace-runner" in managers
    assert [entry["phase"] for entry in world.internal.journal] == ["Succeeded"]
    assert world.internal.tokens == {f"Bearer internal-token-of-{pod.name}"}


async def test_log_lines_are_on_standard_output_and_in_the_store(world):
    _, pod = await world.execute(HELLO, inputs={"who": "you"})
    (line,) = pod.output
    assert line.keys() == {"time", "level", "task", "attempt", "message"}
    assert (line["level"], line["task"], line["attempt"], line["message"]) == (
        "info",
        "hello",
        1,
        "Hello you",
    )
    assert world.internal.lines == [{**line, "seq": 1}]


async def test_a_task_is_tried_again_and_the_run_fails(world):
    retry = {"maxAttempts": 2, "backoff": {"initial": "10ms"}}
    tasks = [
        {"name": "no", "type": "util.fail", "properties": {"message": "no luck"}, "retry": retry},
        {"name": "after", "type": "util.log", "properties": {"message": "never"}},
    ]
    name, _ = await world.execute({"tasks": tasks})
    status = await world.status(name)
    assert (status["phase"], status["reason"]) == ("Failed", "TaskFailed")
    assert status["message"] == "task no: no luck"
    assert [(task["phase"], task.get("attempts")) for task in status["tasks"]][1] == ("Skipped", None)
    (condition,) = status["conditions"]
    assert (condition["type"], condition["reason"]) == ("Failed", "TaskFailed")


async def test_progress_is_reported_while_a_run_lasts(world):
    pod, run = await world.pod(), await world.run(sleeping(4))
    await world.assign(run, pod)
    await pod.start()
    await world.first_task_runs(run)
    assert (await world.until(run, "Succeeded"))["progress"] == "1/1"


async def test_cancel_stops_the_tasks_and_runs_finally(world):
    last = {"name": "last", "type": "util.log", "properties": {"message": "{{ run.phase }}"}}
    pod, run = await world.pod(), await world.run({**sleeping(60), "finally": [last]})
    await world.assign(run, pod)
    await pod.start()
    await world.first_task_runs(run)
    await world.cancel(run)
    status = await world.until(run, "Cancelled", seconds=10)
    assert {task["name"]: task["phase"] for task in status["tasks"]} == {
        "sleep": "Cancelled",
        "last": "Succeeded",
    }
    assert [line["message"] for line in world.internal.lines] == ["Cancelled"]
    assert await pod.exit_code() == 0


async def test_a_run_that_was_cancelled_before_its_claim(world):
    pod, run = await world.pod(), await world.run(HELLO)
    await world.cancel(run)
    await world.assign(run, pod)
    await pod.start()
    assert (await world.until(run, "Cancelled"))["tasks"][0]["phase"] == "Skipped"


async def test_the_flow_s_timeout(world):
    name, _ = await world.execute(sleeping(60, timeout="1s"))
    status = await world.status(name)
    assert (status["phase"], status["reason"]) == ("TimedOut", "TimedOut")
    assert 1000 <= status["durationMs"] < 6000


class TestClaims:
    async def test_of_another_pod_s_run_is_refused(self, world):
        """With its token a pod can read the Run, not claim it; the runner does not even try."""
        mine, theirs = await world.pod(), await world.pod()
        run = await world.run(HELLO)
        await world.assign(run, theirs)
        await mine.start(TAILRACE_ASSIGNMENT_TIMEOUT="1")
        assert await mine.exit_code() == 4
        assert "no Run in 1 s" in mine.errors
        assert "claim" not in await world.status(run)

    async def test_forged_with_a_pod_s_own_token_is_forbidden(self, world):
        mine, theirs = await world.pod(), await world.pod()
        name = await world.run(HELLO)
        await world.assign(name, theirs)
        where = settings.Settings(
            mine.name, world.namespace, mine.uid, "https://none", f"https://127.0.0.1:{world.proxy.port}",
            mount=mine.directory,
        )  # fmt: skip
        runs = Runs(connect(where), world.namespace)
        run = await runs.get(name)
        with pytest.raises(ServerError) as refused:
            await runs.patch_status(
                name, run["metadata"]["resourceVersion"], claim.status_patch(run, mine.name, mine.uid, "now")
            )
        assert refused.value.status == 403

    async def test_of_an_earlier_attempt_is_overwritten_and_its_start_kept(self, world):
        first, second = await world.pod(), await world.pod()
        run = await world.run(HELLO, inputs={"who": "you"})
        await world.assign(run, first)
        claimed = {"pod": first.name, "podUID": first.uid, "attempt": 1}
        started = "2026-01-01T00:00:00.000Z"
        await world.write(run, {"claim": claimed, "phase": "Running", "startTime": started})
        await world.assign(run, second, attempt=2)
        await second.start()
        status = await world.until(run, "Succeeded")
        assert (status["claim"]["pod"], status["claim"]["attempt"]) == (second.name, 2)
        assert status["startTime"] == started

    async def test_of_a_run_that_has_ended_is_not_made(self, world):
        pod, run = await world.pod(), await world.run(HELLO)
        await world.assign(run, pod)
        await world.write(run, {"phase": "Failed"})
        await pod.start()
        assert await pod.exit_code() == 0
        assert "claim" not in await world.status(run)

    async def test_lost_to_a_successor_stops_the_runner_without_a_write(self, world):
        first, second = await world.pod(), await world.pod()
        run = await world.run(sleeping(60))
        await world.assign(run, first)
        await first.start()
        await world.until(run, "Running")
        await world.assign(run, second, attempt=2)
        assert await first.exit_code(10) == 3
        assert "given to another pod" in first.errors
        assert (await world.status(run))["phase"] == "Running"

    async def test_of_a_run_that_is_deleted_stops_the_runner(self, world):
        pod, run = await world.pod(), await world.run(sleeping(60))
        await world.assign(run, pod)
        await pod.start()
        await world.until(run, "Running")
        await world.client.delete(RUNS, run, world.namespace)
        assert await pod.exit_code(10) == 3

    async def test_that_the_internal_api_has_not_seen_yet_is_waited_for(self, world):
        world.internal.unseen_claims = 6
        name, _ = await world.execute(HELLO, inputs={"who": "you"})
        assert (await world.status(name))["phase"] == "Succeeded"


async def test_the_account_may_do_nothing_else(world):
    who = Impersonation(f"system:serviceaccount:{world.namespace}:tailrace-runner")
    run = await world.run(HELLO)
    assert await world.client.list(RUNS, world.namespace, impersonate=who)
    for resource in (SECRETS, PODS):
        with pytest.raises(Forbidden):
            await world.client.list(resource, world.namespace, impersonate=who)
    with pytest.raises(Forbidden):
        await world.client.patch(RUNS, run, {"spec": {"cancel": True}}, world.namespace, impersonate=who)

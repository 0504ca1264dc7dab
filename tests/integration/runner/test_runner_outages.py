"""What becomes of a Run when its servers, its pod or its claim are lost."""

import asyncio
import os
import time

import pytest

from tests.integration.runner.conftest import HELLO, eventually, sleeping
from tests.integration.runner.internal_stand_in import RefusedError


class TestOutages:
    async def test_the_api_server_away_while_a_task_runs(self, world):
        pod, run = await world.pod(), await world.run(sleeping(3))
        await world.assign(run, pod)
        await pod.start()
        await world.until(run, "Running")
        await world.proxy.down()
        await asyncio.sleep(8)
        assert pod.process.returncode is None
        await world.proxy.up()
        assert (await world.until(run, "Succeeded", seconds=10))["durationMs"] < 8000
        assert await pod.exit_code() == 0

    async def test_the_api_server_away_before_the_claim(self, world):
        pod, run = await world.pod(), await world.run(HELLO, inputs={"who": "you"})
        await world.assign(run, pod)
        await world.proxy.down()
        await pod.start()
        await asyncio.sleep(2)
        await world.proxy.up()
        await world.until(run, "Succeeded", seconds=10)

    async def test_a_cancel_during_the_outage_is_seen_after_it(self, world):
        pod, run = await world.pod(), await world.run(sleeping(60))
        await world.assign(run, pod)
        await pod.start()
        await world.until(run, "Running")
        await world.proxy.down()
        await world.cancel(run)
        await asyncio.sleep(1)
        await world.proxy.up()
        await world.until(run, "Cancelled", seconds=15)

    async def test_the_internal_api_away_for_a_while(self, world):
        tasks = [
            {"name": "a", "type": "kv.set", "properties": {"key": "k", "value": 1}},
            {"name": "b", "type": "util.sleep", "properties": {"duration": "1s"}},
            {"name": "c", "type": "kv.get", "properties": {"key": "k"}},
        ]
        pod, run = (
            await world.pod(),
            await world.run({"tasks": tasks, "outputs": {"k": "{{ tasks.c.outputs.value }}"}}),
        )
        await world.assign(run, pod)
        await pod.start()
        await world.until(run, "Running")
        await eventually(lambda: world.internal.journal)
        await world.internal.stop()
        await asyncio.sleep(4)
        await world.internal.start()
        assert (await world.until(run, "Succeeded", seconds=15))["outputs"] == {"k": 1}

    async def test_the_fence(self, world):
        """Not renewed for too long: the tasks are stopped, nothing is written, and the exit code says so."""
        code = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)"
        task = {"name": "long", "type": "script.python", "properties": {"code": code}}
        pod, run = await world.pod(), await world.run({"tasks": [task]})
        await world.assign(run, pod)
        await pod.start(TAILRACE_RENEW_EVERY="0.5", TAILRACE_FENCE_AFTER="2")
        await eventually(lambda: pod.output)
        process = int(pod.output[0]["message"])
        await world.internal.stop()
        stopped = time.monotonic()
        assert await pod.exit_code(15) == 3
        assert "could not be renewed for 2 s" in pod.errors
        assert 1.4 < time.monotonic() - stopped < 8
        assert (await world.status(run))["phase"] == "Running"
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


class TestNextAttempt:
    async def test_journaled_tasks_are_not_executed_again(self, world):
        tasks = [
            {"name": "a", "type": "kv.set", "properties": {"key": "a", "value": 1}},
            {"name": "b", "type": "kv.set", "properties": {"key": "b", "value": 2}},
            {"name": "c", "type": "util.sleep", "properties": {"duration": "3s"}},
        ]
        first, second = await world.pod(), await world.pod()
        run = await world.run({"tasks": tasks})
        await world.assign(run, first)
        await first.start()
        await eventually(lambda: len(world.internal.journal) == 2)
        first.process.kill()
        world.internal.keys.clear()
        await world.assign(run, second, attempt=2)
        await second.start()
        status = await world.until(run, "Succeeded")
        assert world.internal.keys == {}
        assert [task["phase"] for task in status["tasks"]] == ["Succeeded"] * 3

    async def test_after_sigterm_the_end_is_left_to_the_next_attempt(self, world):
        pod, run = await world.pod(), await world.run(sleeping(60))
        await world.assign(run, pod)
        await pod.start()
        await world.until(run, "Running")
        await asyncio.sleep(0.5)
        pod.process.terminate()
        assert await pod.exit_code(10) == 143
        assert (await world.status(run))["phase"] == "Running"

    async def test_a_plan_that_there_will_never_be_fails_the_run(self, world):
        world.internal.refuse["plan"] = RefusedError(404, "revision_not_found", "there is no such revision")
        name, _ = await world.execute(HELLO)
        status = await world.status(name)
        assert (status["phase"], status["reason"]) == ("Failed", "PlanUnavailable")
        assert status["message"] == "the flow's revision cannot be had: there is no such revision"

    async def test_a_plan_that_is_late_is_waited_for(self, world):
        world.internal.refuse["plan"] = RefusedError(409, "not_assigned", "not yet")
        pod, run = await world.pod(), await world.run(HELLO, inputs={"who": "you"})
        await world.assign(run, pod)
        await pod.start()
        await world.until(run, "Running")
        world.internal.refuse.clear()
        await world.until(run, "Succeeded")
        assert pod.errors == ""

    async def test_a_journal_that_is_refused_ends_the_runner_not_the_run(self, world):
        world.internal.refuse["journal"] = RefusedError(422, "invalid", "no")
        pod, run = await world.pod(), await world.run(HELLO, inputs={"who": "you"})
        await world.assign(run, pod)
        await pod.start()
        assert await pod.exit_code() == 1
        assert (await world.status(run))["phase"] == "Running"
        assert "422 invalid: no" in pod.errors
        assert "asynchronous generator" not in pod.errors

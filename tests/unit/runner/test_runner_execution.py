"""A flow's tasks: order, conditions, failures, retries, hooks, stops, and what is done already."""

import asyncio
import time

import pytest

from tailrace_runner.engine import attempts, execution


async def test_a_flow_without_tasks_succeeds(flow):
    result = await flow({}).run()
    assert result.phase == "Succeeded"
    assert result.outputs is None


async def test_a_list_is_a_sequence(flow, task):
    one = flow({"tasks": [task("a"), task("b"), task("c")]})
    assert (await one.run()).phase == "Succeeded"
    assert one.plugins.names == ["a", "b", "c"]
    assert one.plugins.most == 1


async def test_branches_run_at_the_same_time(flow, task):
    one = flow(
        {"tasks": [task("a", "sleep", properties={"seconds": 0.05}, needs=[]) | {"name": n} for n in "abc"]}
    )
    await one.run()
    assert one.plugins.most == 3


async def test_no_more_tasks_run_at_once_than_the_bound(flow, task, monkeypatch):
    monkeypatch.setattr(execution, "MAX_PARALLEL", 4)
    one = flow({"tasks": [task(f"t{i}", "sleep", properties={"seconds": 0.01}, needs=[]) for i in range(20)]})
    assert (await one.run()).phase == "Succeeded"
    assert one.plugins.most == 4


async def test_a_thousand_tasks_end(flow, task):
    one = flow({"tasks": [task(f"t{i}") for i in range(1000)]})
    before = time.monotonic()
    assert (await one.run()).phase == "Succeeded"
    assert time.monotonic() - before < 10


async def test_outputs_keep_their_types_and_reach_later_tasks_and_the_run(flow, task):
    one = flow(
        {
            "vars": {"factor": 3},
            "inputs": {"type": "object", "properties": {"n": {"type": "integer", "default": 14}}},
            "tasks": [
                task("a", properties={"n": "{{ inputs.n * vars.factor }}"}),
                task("b", properties={"text": "it is {{ tasks.a.outputs.n }}"}),
            ],
            "outputs": {"n": "{{ tasks.a.outputs.n }}", "text": "{{ tasks.b.outputs.text }}"},
        }
    )
    assert (await one.run()).outputs == {"n": 42, "text": "it is 42"}


class TestWhen:
    async def test_what_needs_a_skipped_task_still_runs_and_sees_no_outputs(self, flow, task):
        one = flow(
            {
                "tasks": [
                    task("a", when="{{ false }}"),
                    task(
                        "b",
                        properties={
                            "phase": "{{ tasks.a.phase }}",
                            "x": "{{ tasks.a.outputs.x | default(7) }}",
                        },
                    ),
                ],
                "outputs": {"b": "{{ tasks.b.outputs }}"},
            }
        )
        result = await one.run()
        assert one.phases == {"a": "Skipped", "b": "Succeeded"}
        assert one.messages == {"a": "its condition is not met"}
        assert result.outputs == {"b": {"phase": "Skipped", "x": 7}}

    async def test_a_condition_that_holds_lets_it_run(self, flow, task):
        one = flow({"tasks": [task("a", when="{{ inputs.n > 1 }}")]}, inputs={"n": 2})
        await one.run()
        assert one.phases == {"a": "Succeeded"}

    async def test_the_properties_of_a_skipped_task_are_not_rendered(self, flow, task):
        one = flow({"tasks": [task("a", when="{{ false }}", properties={"x": "{{ inputs.missing }}"})]})
        assert (await one.run()).phase == "Succeeded"

    async def test_a_condition_that_cannot_be_rendered_fails_the_task(self, flow, task):
        one = flow({"tasks": [task("a", when="{{ inputs.missing }}")]})
        result = await one.run()
        assert (result.phase, result.reason) == ("Failed", "TaskFailed")
        assert "inputs.missing is undefined" in result.message


class TestFailure:
    async def test_what_comes_after_is_skipped_and_says_why(self, flow, task):
        one = flow({"tasks": [task("a", "fatal"), task("b"), task("c")]})
        result = await one.run()
        assert (result.phase, result.reason, result.message) == ("Failed", "TaskFailed", "task a: never")
        assert one.phases == {"a": "Failed", "b": "Skipped", "c": "Skipped"}
        assert one.messages["b"] == "task a, which it needs, did not succeed"
        assert one.messages["c"] == "task b, which it needs, did not succeed"

    async def test_other_branches_go_on(self, flow, task):
        one = flow(
            {
                "tasks": [
                    task("a", "fatal", needs=[]),
                    task("b", "sleep", needs=[], properties={"seconds": 0.05}),
                    task("c", needs=["b"]),
                    task("d", needs=["a", "c"]),
                ]
            }
        )
        assert (await one.run()).phase == "Failed"
        assert one.phases == {"a": "Failed", "b": "Succeeded", "c": "Succeeded", "d": "Skipped"}

    async def test_continue_on_error_lets_what_needs_it_run(self, flow, task):
        one = flow({"tasks": [task("a", "fatal", continueOnError=True), task("b")]})
        assert (await one.run()).phase == "Succeeded"
        assert one.phases == {"a": "Failed", "b": "Succeeded"}

    async def test_a_fault_of_a_plugin_is_a_failure_with_its_name(self, flow, task):
        one = flow({"tasks": [task("a", "bug")]})
        assert (await one.run()).message == "task a: ZeroDivisionError: a fault of the plugin"

    async def test_outputs_that_are_not_json_fail_the_task(self, flow, task):
        one = flow({"tasks": [task("a")]})
        one.plugins.render = lambda *_: {"x": object()}
        assert "the outputs are not JSON" in (await one.run()).message

    async def test_outputs_of_the_flow_that_cannot_be_rendered_fail_it(self, flow, task):
        one = flow(
            {"tasks": [task("a")], "outputs": {"x": "{{ tasks.a.outputs.y }}"}, "onFailure": [task("told")]}
        )
        result = await one.run()
        assert (result.phase, result.reason) == ("Failed", "OutputsFailed")
        assert one.phases["told"] == "Succeeded"


class TestRetry:
    RETRY = {"maxAttempts": 3, "backoff": {"initial": "10ms"}}

    async def test_a_later_attempt_may_succeed(self, flow, task):
        one = flow({"tasks": [task("a", "fail", properties={"times": 2}, retry=self.RETRY)]})
        assert (await one.run()).phase == "Succeeded"
        assert [attempt for _, attempt, _ in one.plugins.calls] == [1, 2, 3]
        assert one.execution.states["a"].attempts == 3
        assert [line[:3] for line in one.log.lines] == [("warning", "a", 1), ("warning", "a", 2)]

    async def test_success_leaves_no_message_of_earlier_attempts(self, flow, task):
        one = flow({"tasks": [task("a", "fail", properties={"times": 1}, retry=self.RETRY)]})
        await one.run()
        assert one.messages == {}

    async def test_attempts_end(self, flow, task):
        one = flow({"tasks": [task("a", "fail", retry=self.RETRY)]})
        assert (await one.run()).message == "task a: no luck"
        assert len(one.plugins.calls) == 3
        assert len(one.journal.entries) == 1

    async def test_what_cannot_succeed_is_not_tried_again(self, flow, task):
        one = flow({"tasks": [task("a", "fatal", retry=self.RETRY)]})
        await one.run()
        assert len(one.plugins.calls) == 1

    async def test_the_flow_s_retry_is_that_of_tasks_without_one(self, flow, task):
        one = flow(
            {
                "retry": self.RETRY,
                "tasks": [task("a", "fail"), task("b", "fail", needs=[], retry={"maxAttempts": 1})],
            }
        )
        await one.run()
        assert one.plugins.names.count("a") == 3
        assert one.plugins.names.count("b") == 1

    async def test_retry_after_is_waited_for(self, flow, task):
        one = flow(
            {"tasks": [task("a", "fail", properties={"times": 1, "retryAfter": 0.2}, retry=self.RETRY)]}
        )
        before = time.monotonic()
        await one.run()
        assert time.monotonic() - before >= 0.2

    async def test_an_attempt_that_takes_too_long_is_stopped_and_counts(self, flow, task):
        one = flow(
            {
                "tasks": [
                    task(
                        "a", "sleep", timeout="30ms", retry={"maxAttempts": 2, "backoff": {"initial": "1ms"}}
                    )
                ]
            }
        )
        result = await one.run()
        assert one.plugins.stopped == ["a", "a"]
        assert one.phases == {"a": "TimedOut"}
        assert result.phase == "Failed"
        assert result.message == "task a: the attempt took longer than 30ms"

    async def test_a_task_that_does_not_stop_cannot_hold_up_the_flow(self, flow, task, monkeypatch):
        monkeypatch.setattr(attempts, "STOP_SECONDS", 0.05)
        one = flow({"tasks": [task("a", "stubborn", timeout="30ms")]})
        before = time.monotonic()
        assert (await one.run()).phase == "Failed"
        assert time.monotonic() - before < 2


class TestHooks:
    async def test_on_failure_runs_in_order_and_knows_the_error(self, flow, task):
        hooks = [
            task("first", properties={"say": "{{ error.task }}: {{ error.message }} ({{ error.reason }})"}),
            task("second"),
        ]
        one = flow({"tasks": [task("a", "fatal")], "onFailure": hooks, "finally": [task("last")]})
        await one.run()
        assert one.plugins.names == ["a", "first", "second", "last"]
        assert one.plugins.calls[1][2] == {"say": "a: never (Never)"}
        assert list(one.phases) == ["a", "first", "second", "last"]

    async def test_on_failure_is_no_part_of_a_run_that_succeeds(self, flow, task):
        one = flow({"tasks": [task("a")], "onFailure": [task("told")], "finally": [task("last")]})
        await one.run()
        assert one.phases == {"a": "Succeeded", "last": "Succeeded"}

    async def test_finally_knows_how_it_ended(self, flow, task):
        one = flow(
            {"tasks": [task("a", "fatal")], "finally": [task("z", properties={"phase": "{{ run.phase }}"})]}
        )
        await one.run()
        assert one.plugins.calls[-1] == ("z", 1, {"phase": "Failed"})

    async def test_finally_may_mention_an_error_that_there_is_not(self, flow, task):
        one = flow({"finally": [task("z", properties={"text": "{{ error.message }}"})]})
        assert (await one.run()).phase == "Succeeded"
        assert one.plugins.calls[-1] == ("z", 1, {"text": ""})

    async def test_each_hook_runs_though_one_before_it_failed(self, flow, task):
        one = flow({"tasks": [], "finally": [task("y", "fatal"), task("z")]})
        result = await one.run()
        assert one.phases == {"y": "Failed", "z": "Succeeded"}
        assert (result.phase, result.message) == ("Failed", "task y: never")

    async def test_a_failed_hook_does_not_hide_what_failed_first(self, flow, task):
        one = flow({"tasks": [task("a", "fatal")], "onFailure": [task("told", "fail")]})
        assert (await one.run()).message == "task a: never"

    async def test_hooks_run_after_those_they_need(self, flow, task):
        one = flow({"finally": [task("y", needs=["z"]), task("z", needs=[])]})
        await one.run()
        assert one.plugins.names == ["z", "y"]


class TestStop:
    async def test_cancel_stops_tasks_and_runs_finally(self, flow, task):
        one = flow(
            {
                "tasks": [task("a", "sleep"), task("b")],
                "onFailure": [task("told")],
                "finally": [task("z")],
            }
        )
        asyncio.get_running_loop().call_later(0.05, one.execution.cancel)
        result = await one.run()
        assert (result.phase, result.reason) == ("Cancelled", "Cancelled")
        assert one.phases == {"a": "Cancelled", "b": "Skipped", "z": "Succeeded"}
        assert one.plugins.stopped == ["a"]

    async def test_cancel_before_the_first_task(self, flow, task):
        one = flow({"tasks": [task("a")], "finally": [task("z")]})
        one.execution.cancel()
        assert (await one.run()).phase == "Cancelled"
        assert one.plugins.names == ["z"]

    async def test_cancel_during_a_pause_between_attempts(self, flow, task):
        retry = {"maxAttempts": 5, "backoff": {"initial": "1h", "max": "1h", "jitter": False}}
        one = flow({"tasks": [task("a", "fail", retry=retry)]})
        asyncio.get_running_loop().call_later(0.05, one.execution.cancel)
        assert (await one.run()).phase == "Cancelled"
        assert one.phases == {"a": "Cancelled"}

    async def test_a_stop_bounds_finally(self, flow, task, monkeypatch):
        monkeypatch.setattr(execution, "HOOK_SECONDS", 0.1)
        one = flow({"tasks": [task("a", "sleep")], "finally": [task("y", "sleep"), task("z", "sleep")]})
        asyncio.get_running_loop().call_later(0.02, one.execution.cancel)
        before = time.monotonic()
        assert (await one.run()).phase == "Cancelled"
        assert time.monotonic() - before < 3
        assert one.phases == {"a": "Cancelled", "y": "TimedOut", "z": "TimedOut"}

    async def test_cancel_during_finally_bounds_it_too(self, flow, task, monkeypatch):
        monkeypatch.setattr(execution, "HOOK_SECONDS", 0.1)
        one = flow({"finally": [task("z", "sleep")]})
        asyncio.get_running_loop().call_later(0.05, one.execution.cancel)
        assert (await one.run()).phase == "Failed"
        assert one.phases == {"z": "TimedOut"}

    async def test_the_flow_s_timeout(self, flow, task):
        one = flow(
            {
                "timeout": "50ms",
                "tasks": [task("a", "sleep")],
                "onFailure": [task("told")],
                "finally": [task("z")],
            }
        )
        result = await one.run()
        assert (result.phase, result.reason, result.message) == (
            "TimedOut",
            "TimedOut",
            "the flow's timeout was over",
        )
        assert one.phases == {"a": "Cancelled", "told": "Succeeded", "z": "Succeeded"}

    async def test_the_timeout_counts_from_the_run_s_first_start(self, flow, task):
        one = flow({"timeout": "10s", "tasks": [task("a")]}, started_ago=11)
        assert (await one.run()).phase == "TimedOut"
        assert one.plugins.names == []


class TestJournal:
    ENTRY = {
        "task": "a",
        "attempt": 2,
        "phase": "Succeeded",
        "outputs": {"n": 5},
        "startTime": "2026-11-23T10:00:00.000Z",
        "completionTime": "2026-11-23T10:00:01.000Z",
    }

    async def test_an_ended_task_is_recorded(self, flow, task):
        one = flow({"tasks": [task("a", properties={"n": 5})]})
        await one.run()
        (entry,) = one.journal.entries
        assert entry.keys() == {"task", "attempt", "phase", "outputs", "startTime", "completionTime"}
        assert (entry["task"], entry["attempt"], entry["phase"], entry["outputs"]) == (
            "a",
            1,
            "Succeeded",
            {"n": 5},
        )

    async def test_an_ended_task_is_not_executed_again(self, flow, task):
        spec = {
            "tasks": [task("a"), task("b", properties={"n": "{{ tasks.a.outputs.n }}"})],
            "outputs": {"n": "{{ tasks.b.outputs.n }}"},
        }
        one = flow(spec, journal=[self.ENTRY])
        assert (await one.run()).outputs == {"n": 5}
        assert one.plugins.names == ["b"]
        state = one.execution.states["a"]
        assert (state.phase, state.attempts, state.completion_time) == (
            "Succeeded",
            2,
            "2026-11-23T10:00:01.000Z",
        )

    @pytest.mark.parametrize("continues", [False, True], ids=["which failed the flow", "which did not"])
    async def test_a_failure_is_remembered(self, flow, task, continues):
        failed = {**self.ENTRY, "phase": "Failed", "message": "no luck"}
        failed.pop("outputs")
        one = flow({"tasks": [task("a", continueOnError=continues), task("b")]}, journal=[failed])
        result = await one.run()
        assert result.phase == ("Succeeded" if continues else "Failed")
        assert one.phases == {"a": "Failed", "b": "Succeeded" if continues else "Skipped"}
        assert one.messages["a"] == "no luck"

    async def test_hooks_are_remembered_too(self, flow, task):
        one = flow({"finally": [task("z")]}, journal=[{**self.ENTRY, "task": "z"}])
        await one.run()
        assert one.plugins.names == []

    async def test_a_dependant_waits_until_the_end_is_durable(self, flow, task):
        one = flow({"tasks": [task("a"), task("b")]})
        one.journal.stuck = True
        work = asyncio.create_task(one.run())
        await asyncio.sleep(0.05)
        assert one.plugins.names == ["a"]
        assert one.phases["a"] == "Running"
        one.journal.stuck = False
        one.journal.pending[0].set_result(None)
        assert (await work).phase == "Succeeded"

    async def test_a_dependant_of_a_pure_task_does_not_wait_but_the_end_does(self, flow, task):
        one = flow({"tasks": [task("a", "pure.ok"), task("b", "pure.ok")]})
        one.journal.stuck = True
        work = asyncio.create_task(one.run())
        await asyncio.sleep(0.05)
        assert one.plugins.names == ["a", "b"]
        assert not work.done()
        for durable in one.journal.pending:
            durable.set_result(None)
        assert (await work).phase == "Succeeded"

    async def test_a_task_that_ended_when_the_run_was_cancelled_has_ended(self, flow, task):
        one = flow({"tasks": [task("a"), task("b")]})
        one.journal.stuck = True
        work = asyncio.create_task(one.run())
        await asyncio.sleep(0.05)
        one.execution.cancel()
        await asyncio.sleep(0.05)
        one.journal.pending[0].set_result(None)
        assert (await work).phase == "Cancelled"
        assert one.phases == {"a": "Succeeded", "b": "Skipped"}

    async def test_an_error_of_the_journal_ends_the_execution(self, flow, task):
        one = flow({"tasks": [task("a"), task("b")]})
        one.journal.stuck = True
        work = asyncio.create_task(one.run())
        await asyncio.sleep(0.05)
        one.journal.pending[0].set_exception(RuntimeError("refused"))
        with pytest.raises(RuntimeError, match="refused"):
            await work
        assert one.plugins.names == ["a"]


class TestLargeOutputs:
    LARGE = "x" * 5000

    async def test_they_go_to_the_store_and_later_tasks_read_them(self, flow, task):
        one = flow(
            {
                "tasks": [
                    task("a", properties={"text": self.LARGE, "n": 1}),
                    task("b", properties={"n": "{{ tasks.a.outputs.n }}"}),
                ]
            }
        )
        await one.run()
        assert one.journal.entries[0]["outputsRef"] == "store:uid/a"
        assert "outputs" not in one.journal.entries[0]
        assert one.plugins.calls[1][2] == {"n": 1}
        assert one.store.fetched == []

    async def test_after_a_lost_pod_they_are_fetched_for_the_task_that_reads_them(self, flow, task):
        entry = {**TestJournal.ENTRY, "outputsRef": "store:uid/a"}
        entry.pop("outputs")
        spec = {
            "tasks": [
                task("a"),
                task("b", properties={"x": "{{ vars }}"}),
                task("c", properties={"n": "{{ tasks['a'].outputs.n }}"}),
                task("d", properties={"n": "{{ tasks.a.outputs.n }}"}),
            ]
        }
        one = flow(spec, journal=[entry])
        one.store.kept["a"] = b'{"n": 8}'
        assert (await one.run()).phase == "Succeeded"
        assert one.plugins.calls[1][2] == {"n": 8}
        assert one.store.fetched == ["a"]

    async def test_a_computed_name_fetches_what_it_could_mean(self, flow, task):
        entry = {**TestJournal.ENTRY, "outputsRef": "store:uid/a"}
        entry.pop("outputs")
        spec = {"tasks": [task("a"), task("b", properties={"n": "{{ tasks[inputs.which].outputs.n }}"})]}
        one = flow(spec, journal=[entry], inputs={"which": "a"})
        one.store.kept["a"] = b'{"n": 8}'
        await one.run()
        assert one.plugins.calls[0][2] == {"n": 8}

    async def test_deeply_nested_ones_go_there_too(self, flow, task):
        deep = value = {}
        for _ in range(60):
            value["a"] = {}
            value = value["a"]
        one = flow({"tasks": [task("a", properties={"deep": deep})]})
        assert (await one.run()).phase == "Succeeded"
        assert one.journal.entries[0]["outputsRef"] == "store:uid/a"

    async def test_the_run_s_own(self, flow, task):
        one = flow({"tasks": [], "outputs": {"text": self.LARGE}})
        result = await one.run()
        assert (result.outputs, result.outputs_ref) == (None, "store:uid/run.outputs")

    async def test_what_is_larger_than_may_be_kept_fails_the_task(self, flow, task, monkeypatch):
        monkeypatch.setattr("tailrace_runner.engine.values.MAX_OUTPUT_BYTES", 4000)
        one = flow({"tasks": [task("a", properties={"text": self.LARGE})]})
        assert "at most 4000 are kept" in (await one.run()).message


class TestSecrets:
    async def test_outputs_messages_and_the_run_s_outputs_have_none(self, flow, task):
        one = flow(
            {
                "tasks": [task("a", properties={"said": "hunter2-hunter2"})],
                "outputs": {"said": "{{ tasks.a.outputs.said }}", "raw": "hunter2-hunter2"},
            }
        )
        one.redactor.add("hunter2-hunter2")
        result = await one.run()
        assert one.journal.entries[0]["outputs"] == {"said": "***"}
        assert result.outputs == {"said": "***", "raw": "***"}

    async def test_a_failure_s_message_has_none(self, flow, task):
        one = flow({"tasks": [task("a", "fatal")]})
        one.redactor.add("never")
        result = await one.run()
        assert result.message == "task a: ***"
        assert one.messages == {"a": "***"}
        assert one.journal.entries[0]["message"] == "***"
        assert one.log.lines == [("error", "a", 1, "***")]

"""The task types that need nothing but their inputs, or the context's own interfaces."""

import asyncio
import time

import pytest

from tailrace_plugins import catalogue
from tailrace_plugins.base import ContainerResult, TaskError


async def run(id_, context, **properties):
    return await catalogue.get(id_)().execute(properties, context)


async def refused(id_, context, **properties):
    with pytest.raises(TaskError) as error:
        await run(id_, context, **properties)
    return error.value


@pytest.mark.parametrize("id_", [i for i in catalogue.ids() if i not in {"util.fail", "http.request"}])
async def test_an_example_works(id_, context):
    assert isinstance(await run(id_, context, **catalogue.get(id_).example), dict)


async def test_log_writes_each_line(context):
    assert await run("util.log", context, message="a\nb", level="warning") == {"message": "a\nb"}
    assert context.lines == [("warning", "a"), ("warning", "b")]


async def test_fail_fails(context):
    error = await refused("util.fail", context, message="no lines")
    assert (error.message, error.reason, error.retryable) == ("no lines", "Failed", False)
    assert (await refused("util.fail", context, message="m", retryable=True)).retryable


async def test_set_gives_its_values(context):
    values = {"a": 1, "b": [None, {"c": 1.5}], "Snake_case": True}
    assert await run("util.set", context, values=values) == values


async def test_sleep_sleeps_and_can_be_cancelled(context):
    start = time.monotonic()
    assert await run("util.sleep", context, duration="30ms") == {"seconds": 0.03}
    assert 0.03 <= time.monotonic() - start < 5
    task = asyncio.create_task(run("util.sleep", context, duration="1h"))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_duration_that_only_rendering_shows_wrong_is_an_error(context):
    error = await refused("util.sleep", context, duration="1s1h")
    assert error.message.startswith("properties.duration:")


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ("items[?price > `10`].name", ["coffee"]),
        ("length(items)", 2),
        ("nothing", None),
        ("items[0].{n: name}", {"n": "tea"}),
    ],
)
async def test_query(query, result, context):
    data = {"items": [{"name": "tea", "price": 4}, {"name": "coffee", "price": 12}]}
    assert await run("json.query", context, data=data, query=query) == {"result": result}


@pytest.mark.parametrize("query", ["items[", "nosuch(@)", "length(`1`)"])
async def test_a_query_that_is_none_is_an_error(query, context):
    error = await refused("json.query", context, data={}, query=query)
    assert error.reason == "InvalidQuery"
    assert not error.retryable
    assert "\n" not in error.message


async def test_a_key_is_set_and_got(context):
    assert await run("kv.set", context, key="k", value={"a": 1}) == {"key": "k", "value": {"a": 1}}
    assert await run("kv.get", context, key="k") == {"value": {"a": 1}, "found": True}


async def test_an_absent_key_is_the_default_or_an_error(context):
    assert await run("kv.get", context, key="k", default=0) == {"value": 0, "found": False}
    assert await run("kv.get", context, key="k", default=None) == {"value": None, "found": False}
    error = await refused("kv.get", context, key="k")
    assert (error.reason, error.retryable) == ("KeyNotFound", False)


async def test_a_stored_null_is_found(context):
    await run("kv.set", context, key="k", value=None)
    assert await run("kv.get", context, key="k", default=1) == {"value": None, "found": True}


async def test_a_container_is_asked_for_as_the_flow_wrote_it(context):
    context.containers.result = ContainerResult(exit_code=0, message='{"n": 1}', result={"n": 1})
    outputs = await run(
        "container.run",
        context,
        image="i",
        args=["a"],
        env={"A": "b"},
        resources={"limits": {"memory": "64Mi"}},
    )
    assert outputs == {"exitCode": 0, "result": {"n": 1}, "message": '{"n": 1}'}
    [request] = context.containers.requests
    assert (request.image, request.command, request.args, request.env) == ("i", None, ["a"], {"A": "b"})
    assert request.resources == {"limits": {"memory": "64Mi"}}


async def test_a_container_that_fails_fails_the_task(context):
    context.containers.result = ContainerResult(exit_code=3, message="no input")
    error = await refused("container.run", context, image="i")
    assert (error.message, error.reason) == (
        "the container ended with exit code 3: no input",
        "ContainerFailed",
    )
    assert (await run("container.run", context, image="i", successCodes=[0, 3]))["exitCode"] == 3

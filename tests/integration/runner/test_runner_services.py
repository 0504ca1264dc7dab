"""What tasks use in a pod: the store, credentials, containers."""

import json

from tests.integration.runner.conftest import eventually


async def test_large_outputs_go_to_the_store(world):
    tasks = [
        {
            "name": "a",
            "type": "util.set",
            "properties": {"values": {"text": "{{ inputs.text }}", "n": 7}},
        },
        {"name": "b", "type": "util.set", "properties": {"values": {"n": "{{ tasks.a.outputs.n }}"}}},
    ]
    spec = {
        "tasks": tasks,
        "outputs": {"n": "{{ tasks.b.outputs.n }}", "all": "{{ tasks.a.outputs.text }}"},
    }
    name, _ = await world.execute(spec, inputs={"text": "x" * 6000})
    status = await world.status(name)
    assert status["outputsRef"] == "store:uid/run.outputs"
    assert "outputs" not in status
    assert json.loads(world.internal.outputs["run.outputs"])["n"] == 7
    assert (
        next(entry for entry in world.internal.journal if entry["task"] == "a")["outputsRef"] == "store:uid/a"
    )


async def test_a_credential_is_nowhere_but_where_it_was_sent(world):
    secret = 'hun"ter2/line\nsecond+line'
    world.internal.credentials["TOKEN"] = {"name": "TOKEN", "value": secret, "hosts": [], "unbound": True}
    code = """
import base64, json, os
token = os.environ['TOKEN']
print(token)
print(json.dumps({'token': token}))
outputs = {'token': token, 'base64': base64.b64encode(f'user:{token}'.encode()).decode()}
"""
    task = {
        "name": "leak",
        "type": "script.python",
        "properties": {"code": code, "env": {"TOKEN": "${TOKEN}"}},
    }
    name, pod = await world.execute({"tasks": [task], "outputs": {"all": "{{ tasks.leak.outputs }}"}})
    run = await world.get(name)
    assert run["status"]["phase"] == "Succeeded", run["status"]
    everything = json.dumps([run, world.internal.journal, world.internal.lines, pod.output]) + pod.errors
    assert "***" in everything
    for part in ("hun", "ter2", "second+line", "aHVuInRlcjIv"):
        assert part not in everything


async def test_a_missing_credential_fails_the_task_readably(world):
    task = {"name": "x", "type": "script.python", "properties": {"code": "pass", "env": {"T": "${NOPE}"}}}
    name, _ = await world.execute({"tasks": [task]})
    assert (await world.status(name))["message"] == "task x: credential NOPE: there is no such credential"


async def test_a_container_is_asked_for_and_waited_for(world):
    properties = {"image": "busybox", "args": ["{{ inputs.n }}"]}
    pod = await world.pod()
    run = await world.run(
        {"tasks": [{"name": "c", "type": "container.run", "properties": properties}]}, inputs={"n": "5"}
    )
    await world.assign(run, pod)
    await pod.start()
    await eventually(lambda: world.internal.containers)
    (request,) = world.internal.containers.values()
    assert (request["task"], request["attempt"], request["args"]) == ("c", 1, ["5"])
    request["exitCode"] = 0
    await world.until(run, "Succeeded")

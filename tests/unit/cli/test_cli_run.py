"""`tailrace run`: flows on this machine, by the real runner in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tailrace_cli.runner import read_inputs

CLI = [sys.executable, "-m", "tailrace_cli.main", "run"]
FLOW = """
name: sum
inputs:
  type: object
  required: [a]
  properties: {a: {type: integer}, b: {type: integer, default: 1}, text: {type: string}}
tasks:
- {name: add, type: util.set, properties: {values: {sum: "{{ inputs.a + inputs.b }}"}}}
- {name: say, type: util.log, properties: {message: "it is {{ tasks.add.outputs.sum }}"}}
outputs: {sum: "{{ tasks.add.outputs.sum }}"}
"""


def run(*arguments, flow=FLOW, env=None):
    return subprocess.run(
        [*CLI, "-", *arguments],
        input=flow,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **(env or {})},
        check=False,
    )


def test_success_shows_tasks_log_and_outputs():
    done = run("--input", "a=2")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["add", "util.set", "Running"]
    assert lines[1].split()[:3] == ["add", "util.set", "Succeeded"]
    assert "say | it is 3" in lines
    assert '  "sum": 3' in lines


def test_json_is_one_event_a_line():
    done = run("--input", "a=2", "--input", "b=5", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {event["event"] for event in events} == {"task", "log", "run"}
    assert events[-1]["phase"] == "Succeeded"
    assert events[-1]["outputs"] == {"sum": 7}


def test_failure_is_exit_1_and_says_why():
    flow = "tasks:\n- {name: nope, type: util.fail, properties: {message: not today}}\n"
    done = run(flow=flow)
    assert done.returncode == 1
    assert "nope  util.fail  Failed" in done.stdout
    assert "Failed in 0.0s: task nope: not today" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "flow", "expected"),
    [
        pytest.param((), FLOW, "inputs.a: is required", id="an input that is missing"),
        pytest.param(("--input", "a=x"), FLOW, "inputs.a: should be", id="an input of the wrong type"),
        pytest.param(("--input", "a"), FLOW, "--input a: write name=value", id="no value"),
        pytest.param(
            ("--inputs", "/nowhere.json"), FLOW, "--inputs /nowhere.json", id="no such file of inputs"
        ),
        pytest.param(
            (), "name: x\ntasks: [{name: a, type: nope}]", "tasks[0].type: unknown task type", id="a bad flow"
        ),
        pytest.param((), "a: [", "-: ", id="no YAML"),
        pytest.param((), "name: a\n---\nname: b\n", "has 2 documents", id="two flows"),
        pytest.param(
            (),
            "apiVersion: tailrace.dev/v1alpha1\nkind: Run\nmetadata: {name: x}\nspec: {flow: y}\n",
            "is a Run; a Flow is expected",
            id="another kind",
        ),
        pytest.param(
            ("--input", "a=1", "--credential", "X"), FLOW, "write NAME=env:VARIABLE", id="a credential's form"
        ),
        pytest.param(
            ("--input", "a=1", "--credential", "X=env:NOT_SET"),
            FLOW,
            "the variable NOT_SET is not set",
            id="a variable",
        ),
        pytest.param(
            ("--input", "a=1", "--credentials", "/nowhere"), FLOW, "/nowhere", id="a file of credentials"
        ),
    ],
)
def test_bad_input_is_exit_2(arguments, flow, expected):
    done = run(*arguments, flow=flow)
    assert (done.returncode, done.stdout) == (2, "")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_no_such_file_is_exit_2():
    done = subprocess.run([*CLI, "/nowhere.yaml"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "No such file" in done.stderr


def test_ctrl_c_cancels_and_runs_finally():
    flow = """
tasks:
- {name: ready, type: util.log, properties: {message: ready}}
- {name: long, type: util.sleep, properties: {duration: 60s}}
finally:
- {name: last, type: util.log, properties: {message: "it was {{ run.phase }}"}}
"""
    process = subprocess.Popen(
        [*CLI, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    process.stdin.write(flow)
    process.stdin.close()
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith("long"):
            break
    before = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all that are in the foreground
    seen += process.stdout.readlines()
    assert process.wait(20) == 130
    assert time.monotonic() - before < 10
    assert "last | it was Cancelled\n" in seen
    assert any(line.startswith("Cancelled in") for line in seen)


def test_a_second_ctrl_c_stops_finally_too():
    flow = """
tasks:
- {name: long, type: util.sleep, properties: {duration: 60s}}
finally:
- {name: last, type: util.sleep, properties: {duration: 60s}}
"""
    process = subprocess.Popen(
        [*CLI, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdin.write(flow)
    process.stdin.close()
    for task in ("long", "last"):
        assert any(line.startswith(task) for line in process.stdout)
        process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert process.stderr.read() == ""


def test_a_credential_reaches_the_task_and_nothing_else():
    flow = """
tasks:
- name: leak
  type: script.python
  properties:
    code: |
      import os
      print(os.environ["T"])
      outputs = {"length": len(os.environ["T"]), "value": os.environ["T"]}
    env: {T: "Bearer ${SHOP_TOKEN}"}
outputs: "{{ tasks.leak.outputs }}"
"""
    flow = flow.replace('outputs: "{{ tasks.leak.outputs }}"', 'outputs: {all: "{{ tasks.leak.outputs }}"}')
    done = run("--credential", "SHOP_TOKEN=env:MY_TOKEN", flow=flow, env={"MY_TOKEN": "s3cr3t-value"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "s3cr3t-value" not in done.stdout + done.stderr
    assert "leak | Bearer ***" in done.stdout
    assert f'"length": {len("Bearer s3cr3t-value")}' in done.stdout


def test_a_credential_that_is_not_given_fails_the_task_and_says_how_to_give_it():
    flow = "tasks:\n- {name: x, type: script.python, properties: {code: pass, env: {T: '${NOPE}'}}}\n"
    done = run(flow=flow)
    assert done.returncode == 1
    assert "give it with --credential 'NOPE=env:VARIABLE'" in done.stdout


def test_keys_last_in_the_file_that_is_named(tmp_path):
    kv = tmp_path / "kv.json"
    set_key = "tasks:\n- {name: a, type: kv.set, properties: {key: k, value: {n: 1}}}\n"
    get_key = """
tasks:
- {name: a, type: kv.get, properties: {key: k}}
outputs: {n: "{{ tasks.a.outputs.value.n }}"}
"""
    assert run("--kv", str(kv), flow=set_key).returncode == 0
    done = run("--kv", str(kv), "--json", flow=get_key)
    assert json.loads(done.stdout.splitlines()[-1])["outputs"] == {"n": 1}


def test_a_container_without_an_engine_says_what_is_missing(tmp_path):
    flow = "tasks:\n- {name: c, type: container.run, properties: {image: busybox}}\n"
    done = run(flow=flow, env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "need docker or podman" in done.stdout


def test_a_container_by_the_engine_that_is_there(tmp_path):
    """The engine is played by a script: what matters is how it is called, and what is made of its answer."""
    engine = tmp_path / "docker"
    engine.write_text(
        f"""#!{sys.executable}
import os, sys
arguments = sys.argv[1:]
target = next(item for item in arguments if item.endswith(":/dev/termination-log")).split(":")[0]
open(target, "w").write('{{"n": 5}}')
print("called with", *arguments[-3:], os.environ["A"])
"""
    )
    engine.chmod(0o755)
    flow = """
tasks:
- name: c
  type: container.run
  properties: {image: busybox, command: [sh, -c], args: ["echo hi"], env: {A: "1"}}
outputs: {c: "{{ tasks.c.outputs }}"}
"""
    done = run("--json", flow=flow, env={"PATH": str(tmp_path)})
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["phase"] == "Succeeded", done.stdout
    assert [event["message"] for event in events if event["event"] == "log"] == [
        "called with busybox -c echo hi 1"
    ]
    assert '"n": 5' in json.dumps(events[-1]["outputs"])


@pytest.mark.parametrize(
    ("pairs", "types", "expected"),
    [
        pytest.param(["n=1"], {}, {"n": 1}, id="JSON keeps its type"),
        pytest.param(["n=1"], {"n": "string"}, {"n": "1"}, id="unless the flow declares text"),
        pytest.param(["n=a=b"], {}, {"n": "a=b"}, id="only the first = divides"),
        pytest.param(['n={"x": [1]}'], {}, {"n": {"x": [1]}}, id="objects"),
        pytest.param(["n="], {}, {"n": ""}, id="empty text"),
        pytest.param(["n=1", "n=2"], {}, {"n": 2}, id="the last one wins"),
    ],
)
def test_inputs(pairs, types, expected):
    assert read_inputs(pairs, None, types) == expected


def test_inputs_go_above_those_of_the_file(tmp_path):
    file = Path(tmp_path / "inputs.json")
    file.write_text('{"a": 1, "b": 2}')
    assert read_inputs(["b=3"], file, {}) == {"a": 1, "b": 3}

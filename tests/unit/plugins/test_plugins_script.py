import asyncio
import os
import time

import pytest

from tailrace_plugins import catalogue
from tailrace_plugins.base import TaskError


async def run(context, code, **properties):
    return await catalogue.get("script.python")().execute({"code": code, **properties}, context)


async def refused(context, code, **properties):
    with pytest.raises(TaskError) as error:
        await run(context, code, **properties)
    return error.value


async def test_inputs_go_in_and_outputs_come_out(context):
    code = "outputs = {'sum': sum(inputs['l']), 'text': 'ü', 'none': None, 'tuple': (1, 2.5)}"
    assert await run(context, code, inputs={"l": [1, 2]}) == {
        "sum": 3,
        "text": "ü",
        "none": None,
        "tuple": [1, 2.5],
    }


async def test_without_outputs_there_are_none(context):
    assert await run(context, "x = 1") == {}
    assert await run(context, "import sys\noutputs = {'a': 1}\nsys.exit(0)") == {"a": 1}


async def test_the_program_is_a_main_module(context):
    code = (
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "@dataclass\n"
        "class Line:\n"
        "    price: int\n"
        "if __name__ == '__main__':\n"
        "    outputs = {'price': Line(4).price}\n"
    )
    assert await run(context, code) == {"price": 4}


async def test_what_it_prints_is_logged_while_it_runs(context):
    code = "import sys, time\nprint('one')\nprint('two', file=sys.stderr)\ntime.sleep(30)"
    task = asyncio.create_task(run(context, code))
    await until(lambda: len(context.lines) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(context.lines) == [("info", "one"), ("warning", "two")]


async def test_a_long_line_and_a_last_one_without_end_are_logged(context):
    await run(context, "import sys\nprint('x' * 40000)\nsys.stdout.write('end\\r\\nno newline')")
    text = [message for _, message in context.lines]
    assert "".join(text[:-2]) == "x" * 40000
    assert text[-2:] == ["end", "no newline"]


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [
        pytest.param(
            "a = 1\n\nb = inputs['price']", "line 3: KeyError: 'price'", "ScriptFailed", id="an exception"
        ),
        pytest.param(
            "def f():\n    raise ValueError('no')\n\nf()",
            "line 2: ValueError: no",
            "ScriptFailed",
            id="in a function",
        ),
        pytest.param(
            "import json\njson.loads('x')", "line 2: json.decoder", "ScriptFailed", id="in a library"
        ),
        pytest.param("a = (", "line 1: SyntaxError: '(' was never closed", "ScriptFailed", id="no Python"),
        pytest.param("import sys\nsys.exit(3)", "with exit code 3", "ScriptFailed", id="an exit code"),
        pytest.param(
            "import sys\nsys.exit('no orders')", "saying: no orders", "ScriptFailed", id="an exit's message"
        ),
        pytest.param(
            "import os\nos._exit(4)", "exit code 4 before it gave", "ScriptFailed", id="without a trace"
        ),
        pytest.param(
            "import os\nos.kill(os.getpid(), 9)", "SIGKILL: it may have used", "ScriptKilled", id="killed"
        ),
        pytest.param("outputs = [1]", "should be a dict, not list", "InvalidOutputs", id="outputs of a list"),
        pytest.param(
            "from datetime import date\noutputs = {'a': [date(2026, 1, 2)]}",
            "outputs['a'][0] is of type date, which is not JSON",
            "InvalidOutputs",
            id="outputs that are not JSON",
        ),
        pytest.param(
            "outputs = {'a': float('nan')}", "outputs['a'] is nan", "InvalidOutputs", id="no number"
        ),
        pytest.param(
            "outputs = {'a': {1: 2}}", "has the key 1", "InvalidOutputs", id="a key that is no text"
        ),
        pytest.param(
            "a = []\na.append(a)\noutputs = {'a': a}", "contains itself", "InvalidOutputs", id="a circle"
        ),
    ],
)
async def test_a_failure_says_where_and_why(code, message, reason, context):
    error = await refused(context, code)
    assert message in error.message
    assert error.reason == reason
    assert error.retryable is (reason != "InvalidOutputs" and "SyntaxError" not in message)


async def test_a_traceback_shows_the_users_own_lines(context):
    await refused(context, "def f():\n    return 1 / 0\n\nf()")
    text = "\n".join(message for _, message in context.lines)
    assert 'File "<script>", line 2, in f' in text
    assert "return 1 / 0" in text
    assert "bootstrap" not in text


async def test_the_environment_holds_nothing_of_the_runner(context, monkeypatch):
    monkeypatch.setenv("TAILRACE_INTERNAL_URL", "https://x")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("MY_TOKEN", "s3cret")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    code = "import os\noutputs = {'env': dict(os.environ), 'cwd': os.getcwd()}"
    outputs = await run(context, code, env={"GIVEN": "yes"})
    assert outputs["cwd"] == str(context.workdir)
    assert outputs["env"].keys() <= {"PATH", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "HOME", "TMPDIR", "GIVEN"}
    assert (outputs["env"]["HOME"], outputs["env"]["GIVEN"]) == (str(context.workdir), "yes")


async def test_a_credential_that_is_bound_is_refused_and_an_unbound_one_is_given(context):
    context.credentials = {"FREE": ("s3cret", []), "BOUND": ("s3cret", ["api.example.com"])}
    script = catalogue.get("script.python")
    given = script.render({"code": "import os\nprint(os.environ['T'])", "env": {"T": "${FREE}"}}, {})
    await script().execute(given, context)
    assert context.lines == [("info", "s3cret")]
    bound = script.render({"code": "x = 1", "env": {"T": "${BOUND}"}}, {})
    with pytest.raises(TaskError, match="could send it anywhere") as error:
        await script().execute(bound, context)
    assert not error.value.retryable


async def test_cancelling_ends_all_that_it_started(context):
    code = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal, time; "
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)'])\n"
        "print(os.getpid(), child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    task = asyncio.create_task(run(context, code))
    await until(lambda: context.lines)
    pids = [int(pid) for pid in context.lines[0][1].split()]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not any(alive(pid) for pid in pids))


async def until(condition):
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen within 20 s")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123 — read at once or not at all
            return file.read().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False


async def test_a_process_that_it_leaves_behind_does_not_hold_it_up(context):
    code = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "outputs = {'a': 1}"
    )
    start = time.monotonic()
    assert await run(context, code) == {"a": 1}
    assert time.monotonic() - start < 30


async def test_a_detached_process_does_not_hold_it_up(context):
    code = (
        "import subprocess, sys\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(20)']\n"
        "p = subprocess.Popen(sleep, start_new_session=True)\n"
        "outputs = {'pid': p.pid}"
    )
    start = time.monotonic()
    outputs = await run(context, code)
    os.kill(outputs["pid"], 9)
    assert time.monotonic() - start < 15

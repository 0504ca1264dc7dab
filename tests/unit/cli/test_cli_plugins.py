"""`tailrace plugins` and `tailrace version`."""

import json
import subprocess
import sys

from typer.testing import CliRunner

from tailrace_cli.main import app


def invoke(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_the_catalogue():
    result = invoke("plugins")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["ID", "NAME", "DESCRIPTION"]
    assert any(line.startswith("http.request  ") for line in lines)


def test_the_catalogue_as_json():
    manifests = json.loads(invoke("plugins", "--json").stdout)
    log = next(manifest for manifest in manifests if manifest["id"] == "util.log")
    assert log["inputSchema"]["required"] == ["message"]


def test_one_task_type():
    result = invoke("plugins", "util.log")
    assert "message  required" in result.stdout
    assert "Example" in result.stdout
    assert json.loads(invoke("plugins", "util.log", "--json").stdout)["id"] == "util.log"


def test_an_unknown_one():
    result = invoke("plugins", "util.lgo")
    assert result.exit_code == 1
    assert "unknown task type util.lgo" in result.stderr
    assert "util.log" in result.stderr


def test_version():
    result = invoke("version")
    assert (result.exit_code, bool(result.stdout.strip())) == (0, True)


def test_neither_runner_nor_operator_nor_facade_is_imported():
    code = "import sys, tailrace_cli.main; print(*{module.split('.')[0] for module in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "tailrace_cli" in imported
    assert not imported & {"tailrace_runner", "tailrace_operator", "tailrace_api"}

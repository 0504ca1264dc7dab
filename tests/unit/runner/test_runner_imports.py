"""The path from a pod's start to its first task stays short."""

import json
import os
import subprocess
import sys

import pytest

from tailrace_runner.settings import from_environment

HEAVY = {
    "aiohttp", "anyio", "certifi", "cronsim", "fastapi", "httpcore2", "httpx2", "jmespath", "jsonschema_rs",
    "kopf", "kubernetes", "rich", "sqlalchemy", "structlog", "tailrace_kube", "typer", "uvicorn", "yaml",
}  # fmt: skip
SLOW_MODELS = {
    "tailrace_crds.flow",
    "tailrace_crds.meta",
    "tailrace_crds.run",
    "tailrace_crds.language.manifest",
}


def imported(*modules):
    code = f"import {', '.join(modules)}, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_before_the_first_connection_there_is_little_to_import():
    names = imported("tailrace_runner.main")
    assert not {name for name in names if name.split(".")[0] in HEAVY | {"pydantic", "minijinja"}}
    assert len(names) < 210


def test_a_run_of_one_task_type_imports_that_one_and_nothing_heavy():
    names = imported("tailrace_runner.main", "tailrace_runner.run", "tailrace_plugins.util.log")
    assert not {name for name in names if name.split(".")[0] in HEAVY}
    assert not names & SLOW_MODELS
    types = {name for name in names if name.startswith("tailrace_plugins.") and name.count(".") == 2}
    assert types == {"tailrace_plugins.util.log"}
    assert len(names) < 380


@pytest.mark.parametrize("missing", ["POD_NAME", "POD_NAMESPACE", "POD_UID", "TAILRACE_INTERNAL_URL"])
def test_settings_name_what_is_missing(missing):
    whole = dict.fromkeys(("POD_NAME", "POD_NAMESPACE", "POD_UID", "TAILRACE_INTERNAL_URL"), "x")
    with pytest.raises(ValueError, match=f"not set: {missing}, TAILRACE_API_SERVER"):
        from_environment({key: value for key, value in whole.items() if key != missing})


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "https://10.0.0.1:443", id="the pod's own"),
        pytest.param(
            {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"},
            "https://[fd00::1]:6443",
            id="IPv6",
        ),
        pytest.param(
            {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "TAILRACE_API_SERVER": "https://x"},
            "https://x",
            id="another",
        ),
    ],
)
def test_the_api_server(environment, expected):
    whole = dict.fromkeys(("POD_NAME", "POD_NAMESPACE", "POD_UID", "TAILRACE_INTERNAL_URL"), "x")
    assert from_environment(whole | environment).api_server == expected


def test_without_its_environment_the_program_says_so_and_exits_2():
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("POD_", "KUBERNETES_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "tailrace_runner.main"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 2
    assert "not set: POD_NAME" in done.stderr

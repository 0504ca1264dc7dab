"""A real API server, started and stopped as a person does it."""

import json
import os
import signal
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def tool(cluster_tool):
    tool = cluster_tool("tailrace-hack-api")
    tool("up", "--api-only")
    yield tool
    tool("down")


@pytest.fixture(scope="module")
def directory(tool):
    return Path(tool("kubeconfig")).parent


def ready(tool):
    return tool.kubectl("get", "--raw", "/readyz").stdout == "ok"


def test_it_answers(tool):
    assert ready(tool)


def test_a_second_up_is_quick_and_changes_nothing(tool, directory, find_processes):
    kubeconfig = directory / "kubeconfig"
    before = kubeconfig.read_text(), find_processes(directory)
    started = time.monotonic()
    assert tool("up", "--api-only") == str(kubeconfig)
    assert time.monotonic() - started < 5
    assert (kubeconfig.read_text(), find_processes(directory)) == before


def test_tokens_are_issued_and_reviewed(tool):
    assert tool.kubectl("create", "serviceaccount", "robot").returncode == 0
    token = tool.kubectl("create", "token", "robot").stdout.strip()
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    reviewed = tool.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(review))
    status = json.loads(reviewed.stdout)["status"]
    assert status["user"]["username"] == "system:serviceaccount:default:robot"


def test_the_api_server_stays_stopped_until_it_is_started(tool):
    tool("stop", "apiserver")
    time.sleep(2)
    assert not ready(tool)
    status = tool.call("status")
    assert status.returncode == 1
    assert "stopped" in status.stdout
    tool("start", "apiserver")
    assert ready(tool)


def test_up_starts_what_was_stopped(tool):
    tool("stop", "apiserver")
    tool("up", "--api-only")
    assert ready(tool)


def test_what_dies_by_itself_is_started_again(tool, directory, find_processes):
    (killed,) = [
        pid
        for pid in find_processes(directory)
        if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].endswith(b"/etcd")
    ]
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while killed in find_processes(directory) or tool.call("status").returncode != 0:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_an_unknown_component_is_named_beside_those_there_are(tool):
    done = tool.call("stop", "kubelet")
    assert done.returncode == 1
    assert "etcd, apiserver" in done.stderr


def test_an_image_has_nowhere_to_go(tool):
    assert "no node" in tool.call("load", __file__).stderr


def test_logs_are_kept(tool):
    assert "apiserver" in tool("logs", "apiserver")


def test_down_leaves_no_process_and_no_file(tool, directory, find_processes):
    tool("down")
    assert find_processes(directory) == []
    assert not directory.exists()
    assert "not there" in tool.call("status").stdout

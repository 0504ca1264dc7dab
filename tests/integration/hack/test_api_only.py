"""A real API server, started and stopped as a person does it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAME = "tailrace-hack-test"


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("state")


def call(state, *arguments):
    return subprocess.run(
        [sys.executable, "hack/cluster", *arguments, "--name", NAME],
        cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(state)},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )


def successful(state, *arguments):
    done = call(state, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def kubectl(state, kubeconfig, *arguments, stdin=""):
    program = Path(successful(state, "tools")) / "kubectl"
    return subprocess.run(
        [program, f"--kubeconfig={kubeconfig}", "--request-timeout=5s", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def processes_of(directory):
    """Those whose command line names the directory."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = command.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(f"{directory}/".encode() in word for word in words):
            found.append(int(command.parent.name))
    return found


@pytest.fixture(scope="module")
def kubeconfig(state):
    path = Path(successful(state, "up", "--api-only"))
    yield path
    successful(state, "down")


def test_it_answers(state, kubeconfig):
    assert kubectl(state, kubeconfig, "get", "--raw", "/readyz").stdout == "ok"
    assert successful(state, "kubeconfig") == str(kubeconfig)


def test_a_second_up_is_quick_and_changes_nothing(state, kubeconfig):
    before = kubeconfig.read_text(), sorted(processes_of(kubeconfig.parent))
    started = time.monotonic()
    assert successful(state, "up", "--api-only") == str(kubeconfig)
    assert time.monotonic() - started < 5
    assert (kubeconfig.read_text(), sorted(processes_of(kubeconfig.parent))) == before


def test_tokens_are_issued_and_reviewed(state, kubeconfig):
    assert kubectl(state, kubeconfig, "create", "serviceaccount", "robot").returncode == 0
    token = kubectl(state, kubeconfig, "create", "token", "robot").stdout.strip()
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    create = ["create", "-o", "json", "-f", "-"]
    reviewed = kubectl(state, kubeconfig, *create, stdin=json.dumps(review))
    status = json.loads(reviewed.stdout)["status"]
    assert status["user"]["username"] == "system:serviceaccount:default:robot"


def test_the_api_server_stays_stopped_until_it_is_started(state, kubeconfig):
    successful(state, "stop", "apiserver")
    time.sleep(2)
    assert kubectl(state, kubeconfig, "get", "--raw", "/readyz").returncode != 0
    status = call(state, "status")
    assert status.returncode == 1
    assert "stopped" in status.stdout
    successful(state, "start", "apiserver")
    assert kubectl(state, kubeconfig, "get", "--raw", "/readyz").stdout == "ok"


def test_what_dies_by_itself_is_started_again(state, kubeconfig):
    (killed,) = [
        pid
        for pid in processes_of(kubeconfig.parent)
        if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].endswith(b"/etcd")
    ]
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while killed in processes_of(kubeconfig.parent) or call(state, "status").returncode != 0:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_an_unknown_component_is_named_beside_those_there_are(state, kubeconfig):
    done = call(state, "stop", "kubelet")
    assert done.returncode == 1
    assert "etcd, apiserver" in done.stderr


def test_logs_are_kept(state, kubeconfig):
    assert "apiserver" in successful(state, "logs", "apiserver")


def test_down_leaves_no_process_and_no_file(state, kubeconfig):
    successful(state, "down")
    assert processes_of(kubeconfig.parent) == []
    assert not kubeconfig.parent.exists()
    assert "not there" in call(state, "status").stdout

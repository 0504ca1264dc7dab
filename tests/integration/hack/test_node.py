"""A real cluster with a node, beside whatever else runs on the machine."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from cluster.layout import Cluster, Ports
from cluster.node_files import PAUSE_IMAGE
from cluster.sandbox import KUBELET_SETTINGS, host_link

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a node needs root")
NAME = "tailrace-hack-node"
LINK = host_link(Cluster(NAME, api_only=False, block=0, ports=Ports()))


def settings():
    return {name: (Path("/proc/sys") / name).read_text() for name in KUBELET_SETTINGS}


def traces():
    """What the cluster could leave behind: its interface, mounts, cgroups, the machine's settings."""
    interface = Path("/sys/class/net", LINK).exists()
    mine = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if NAME in line]
    cgroups = [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/tailrace/{NAME}")]
    return interface, mine, cgroups, settings()


@pytest.fixture(scope="module")
def before():
    return traces()


@pytest.fixture(scope="module")
def tool(cluster_tool, before):
    tool = cluster_tool(NAME)
    tool("up")
    yield tool
    tool("down")


@pytest.fixture(scope="module")
def pod(tool):
    """A pod of the image that every cluster has."""
    assert tool.kubectl("run", "waits", f"--image={PAUSE_IMAGE}").returncode == 0
    ready = tool.kubectl("wait", "--for=condition=Ready", "pod/waits", "--timeout=30s")
    assert ready.returncode == 0, tool.kubectl("describe", "pod/waits").stdout
    return json.loads(tool.kubectl("get", "pod", "waits", "-o", "json").stdout)


def test_every_component_is_ready(tool):
    states = {line.split()[1] for line in tool("status").splitlines()}
    assert states == {"ready"}


def test_a_pod_runs_where_the_host_has_a_route_to(pod):
    route = ["ip", "route", "get", pod["status"]["podIP"]]
    assert LINK in subprocess.run(route, capture_output=True, text=True, check=True).stdout


def test_a_pod_has_a_projected_token(pod):
    (volume,) = pod["spec"]["volumes"]
    assert any("serviceAccountToken" in source for source in volume["projected"]["sources"])


def test_the_api_server_reaches_the_kubelet(tool, pod):
    assert tool.kubectl("logs", "waits").returncode == 0


def test_the_machines_settings_stay_as_they_were(pod, before):
    assert settings() == before[-1]


def test_pods_survive_the_api_server(tool, pod):
    tool("stop", "apiserver")
    tool("start", "apiserver")
    now = json.loads(tool.kubectl("get", "pod", "waits", "-o", "json").stdout)
    assert now["status"]["containerStatuses"] == pod["status"]["containerStatuses"]


def test_a_second_up_is_the_same_cluster(tool, pod):
    tool("up")
    now = json.loads(tool.kubectl("get", "pod", "waits", "-o", "json").stdout)
    assert now["metadata"]["uid"] == pod["metadata"]["uid"]


def test_down_leaves_nothing(tool, pod, before):
    directory = Path(tool("kubeconfig")).parent
    tool("down")
    assert not directory.exists()
    assert traces() == before

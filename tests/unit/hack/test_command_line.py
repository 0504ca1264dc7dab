import pytest

from cluster import cli as cluster_cli
from cluster import layout
from common.console import ToolError, main_guard
from image import cli as image_cli


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(layout, "SYSTEM_STATE", tmp_path / "system")


@pytest.mark.parametrize("arguments", [[], ["fly"], ["load"], ["stop"], ["up", "--fast"]])
def test_a_wrong_command_is_a_usage_error(arguments):
    with pytest.raises(SystemExit) as error:
        cluster_cli.main(arguments)
    assert error.value.code == 2


@pytest.mark.parametrize("name", ["", "Upper", "-a", "a-", "a_b", "../a", "a" * 41])
def test_a_name_that_no_cluster_may_have_is_refused(name):
    with pytest.raises(ToolError, match="no name for a cluster"):
        cluster_cli.main(["kubeconfig", f"--name={name}"])


@pytest.mark.parametrize("command", [["kubeconfig"], ["load", "x.tar"], ["logs", "etcd"], ["stop", "etcd"]])
def test_a_cluster_that_is_not_there_is_said_to_be_so(command):
    with pytest.raises(ToolError, match="there is no cluster named tailrace-dev"):
        cluster_cli.main(command)


def test_status_of_no_cluster_fails(capsys):
    assert cluster_cli.main(["status"]) == 1
    assert capsys.readouterr().out == "tailrace-dev: not there\n"


def test_down_of_no_cluster_succeeds():
    assert cluster_cli.main(["down", "--api-only"]) == 0


def test_a_node_needs_root_and_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(ToolError, match=r"sudo.*--api-only"):
        cluster_cli.main(["up"])


def test_an_api_is_not_turned_into_a_node():
    layout.Cluster("one", api_only=True, block=200, ports=layout.Ports()).save()
    with pytest.raises(ToolError, match="exists already"):
        cluster_cli.main(["up", "--name", "one"])


def test_a_cluster_is_found_as_it_was_saved():
    saved = layout.Cluster("one", api_only=True, block=200, ports=layout.Ports(1, 2, 3))
    saved.save()
    assert layout.find("one") == saved


def test_an_error_is_a_message_and_not_a_traceback(capsys):
    def fail():
        raise ToolError("no such thing")

    assert main_guard(fail) == 1
    assert capsys.readouterr().err == "error: no such thing\n"


@pytest.mark.parametrize(
    "arguments", [["build"], ["load", "x.tar"], ["load", "--kind", "a", "--cluster", "b", "x.tar"]]
)
def test_the_image_tool_says_what_is_missing(arguments):
    with pytest.raises(SystemExit) as error:
        image_cli.main(arguments)
    assert error.value.code == 2

from pathlib import Path
from types import SimpleNamespace

import pytest

from cluster import finder
from cluster.finder import Choice, Found, choose, own_kubeconfig
from cluster.golang import parse_version
from image import engines


@pytest.mark.parametrize(
    ("environment", "docker", "expected"),
    [
        ({"CLUSTER": "mine"}, True, Choice.CONTEXT),
        ({"CLUSTER": "mine"}, False, Choice.CONTEXT),
        ({"CLUSTER": ""}, True, Choice.KIND),
        ({}, True, Choice.KIND),
        ({}, False, Choice.DEVELOPMENT),
    ],
)
def test_a_named_cluster_goes_first_then_kind_then_our_own(environment, docker, expected):
    assert choose(environment, docker=docker) is expected


def test_our_own_is_chosen_whatever_else_there_is(monkeypatch):
    """The tests' cluster: they stop its API server, which nobody else's must suffer."""
    monkeypatch.setenv("CLUSTER", "mine")
    asked = []

    def up(name, *, api_only):
        asked.append((name, api_only))
        return SimpleNamespace(kubeconfig=Path("/own"))

    monkeypatch.setattr(finder.lifecycle, "up", up)
    assert finder.find("tailrace-test", own=True) == Found(Choice.DEVELOPMENT, Path("/own"), "tailrace-test")
    assert finder.find("tailrace-test").choice is Choice.CONTEXT
    assert asked == [("tailrace-test", False)]


def test_what_was_found_is_told_as_keys_and_values():
    found = Found(Choice.DEVELOPMENT, Path("/k"), "tailrace-dev")
    assert found.items() == [("KIND", "dev"), ("KUBECONFIG", "/k"), ("CONTEXT", "tailrace-dev")]


def test_the_persons_kubeconfig_is_where_kubectl_looks():
    assert own_kubeconfig({"KUBECONFIG": "/k"}) == Path("/k")
    assert own_kubeconfig({}) == Path.home() / ".kube" / "config"


@pytest.mark.parametrize(
    ("working", "expected"),
    [(["docker", "podman"], "docker"), (["podman"], "podman"), ([], "buildah")],
)
def test_the_first_engine_that_works_builds(working, expected):
    assert engines.choose(lambda name: name in working).name == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26)),
        ("go version go1.27rc1 linux/arm64", (1, 27)),
        ("go: command not found", (0, 0)),
    ],
)
def test_the_version_of_go_is_read(text, expected):
    assert parse_version(text) == expected

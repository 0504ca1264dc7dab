from pathlib import Path

import pytest

from cluster.finder import Choice, Found
from common.console import ToolError
from install import image, release
from install.image import Image
from install.kubernetes import Kubernetes

DEFAULT = "storageclass.kubernetes.io/is-default-class"


class Answers(Kubernetes):
    """A cluster with these storage classes."""

    def __init__(self, *classes):
        super().__init__(Path("/tools"))
        object.__setattr__(self, "classes", classes)

    def get(self, *arguments):
        return {"items": [{"metadata": {"annotations": annotations}} for annotations in self.classes]}


@pytest.mark.parametrize(
    ("classes", "found"),
    [
        pytest.param([], False, id="none"),
        pytest.param([{}], False, id="none is the default"),
        pytest.param([{}, {DEFAULT: "true"}], True, id="one is the default"),
        pytest.param([{DEFAULT: "false"}], False, id="one was the default"),
    ],
)
def test_a_default_storage_class(classes, found):
    assert release.has_default_storage(Answers(*classes)) is found


def test_the_database_is_on_a_volume_where_the_cluster_makes_volumes():
    one = Image("tailrace", "abc")
    expected = {"image": {"repository": "tailrace", "tag": "abc", "pullPolicy": "Never"}}
    assert release.values(one, default_storage=True) == expected
    assert release.values(one, default_storage=False) == {
        **expected,
        "database": {"persistence": {"enabled": False}},
    }


@pytest.mark.parametrize(
    ("name", "repository", "tag"),
    [
        ("registry.example:5000/team/tailrace:1.2", "registry.example:5000/team/tailrace", "1.2"),
        ("tailrace:dev", "tailrace", "dev"),
    ],
)
def test_an_image_of_ones_own_is_pulled(name, repository, tag):
    assert image.pulled(name) == Image(repository, tag, "IfNotPresent")


@pytest.mark.parametrize("name", ["tailrace", "registry.example:5000/tailrace"])
def test_an_image_of_ones_own_needs_a_tag(name):
    with pytest.raises(ToolError, match=":TAG"):
        image.pulled(name)


def test_a_cluster_of_ones_own_needs_an_image_that_it_can_pull(monkeypatch):
    monkeypatch.delenv("IMAGE", raising=False)
    with pytest.raises(ToolError, match="IMAGE=registry"):
        image.available(Found(Choice.CONTEXT, Path("/kubeconfig"), "production"))
    monkeypatch.setenv("IMAGE", "registry.example/tailrace:1")
    found = image.available(Found(Choice.CONTEXT, Path("/kubeconfig"), "production"))
    assert found.name == "registry.example/tailrace:1"


def test_kubectl_and_helm_are_bound_to_the_context():
    kubernetes = Kubernetes(Path("/tools"), Path("/kubeconfig"), "mine")
    assert kubernetes.kubectl_command("get", "pods") == ["/tools/kubectl", "--context=mine", "get", "pods"]
    assert kubernetes.environment["KUBECONFIG"] == "/kubeconfig"

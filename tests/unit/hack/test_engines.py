import pytest

from common.console import ToolError
from image import base, engines

DOCKERFILE = "# an image\nARG BASE_IMAGE=registry.example/python:3.11\nFROM ${BASE_IMAGE}\n"


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    return tmp_path


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """A docker that notes how it is called, and can pull nothing if there is a file `offline`."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n'
        f'case "$1" in pull) test ! -e {tmp_path}/offline;; image) false;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setattr(base, "archived", lambda: tmp_path / "base.tar")
    return lambda: (tmp_path / "calls").read_text().splitlines()


def test_the_dockerfiles_own_base_is_used_where_it_can_be_pulled(checkout, docker):
    engines.ClientAndStore("docker").build(checkout, "tailrace:1", None)
    assert docker()[-1] == f"build --tag tailrace:1 {checkout}"


def test_without_a_registry_our_base_is_loaded(checkout, docker):
    (checkout / "offline").touch()
    engines.ClientAndStore("docker").build(checkout, "tailrace:1", None)
    assert docker()[-2:] == [
        f"load --input {checkout}/base.tar",
        f"build --tag tailrace:1 --build-arg BASE_IMAGE={base.NAME} {checkout}",
    ]


def test_a_base_that_was_asked_for_is_taken_as_it_is(checkout, docker):
    engines.ClientAndStore("docker").build(checkout, "tailrace:1", "mine:1")
    assert docker() == [f"build --tag tailrace:1 --build-arg BASE_IMAGE=mine:1 {checkout}"]


def test_a_client_without_its_daemon_does_not_work(docker, tmp_path):
    (tmp_path / "bin" / "docker").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(ToolError, match="does not work here"):
        engines.find("docker")


def test_a_dockerfile_without_a_default_base_is_an_error(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(ToolError, match="names no default"):
        engines.default_base(tmp_path / "Dockerfile")

import dataclasses

import pytest

from cluster import programs
from common.cache import filling, key_of, write_atomically


def test_a_key_changes_with_each_of_its_parts(tmp_path):
    file = tmp_path / "go.sum"
    file.write_text("one")
    keys = [key_of(["a"], [file]), key_of(["b"], [file]), key_of(["a", "b"], [file]), key_of(["ab"], [file])]
    file.write_text("two")
    keys.append(key_of(["a"], [file]))
    assert len(set(keys)) == len(keys)


def test_a_key_does_not_depend_on_where_the_files_are(tmp_path):
    for directory in ("one", "two"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "go.sum").write_text("same")
    assert key_of([], [tmp_path / "one" / "go.sum"]) == key_of([], [tmp_path / "two" / "go.sum"])


def test_a_directory_is_there_only_when_it_is_complete(tmp_path):
    target = tmp_path / "programs"
    with filling(target) as partial:
        (partial / "kube").write_text("content")
        assert not target.exists()
    assert (target / "kube").read_text() == "content"


def test_a_failure_leaves_what_was_there(tmp_path):
    target = tmp_path / "programs"
    with filling(target) as partial:
        (partial / "kube").write_text("good")

    def fill_in_part():
        with filling(target) as partial:
            (partial / "kube").write_text("bad")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fill_in_part()
    assert (target / "kube").read_text() == "good"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_is_replaced_with_its_mode(tmp_path):
    file = tmp_path / "kubeconfig"
    write_atomically(file, "one")
    write_atomically(file, "two", mode=0o600)
    assert file.read_text() == "two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_change_of_the_dns_server_does_not_rebuild_kubernetes(tmp_path):
    (tmp_path / "coredns").mkdir()
    for directory in (tmp_path, tmp_path / "coredns"):
        (directory / "go.mod").write_text("module x")
        (directory / "main.go").write_text("package main")
    kubernetes = dataclasses.replace(programs.KUBE, module=tmp_path)
    dns = dataclasses.replace(programs.COREDNS, module=tmp_path / "coredns")
    before = kubernetes.key, dns.key
    (tmp_path / "coredns" / "main.go").write_text("package main // changed")
    assert kubernetes.key == before[0]
    assert dns.key != before[1]


def test_each_program_is_called_by_its_usual_name():
    names = [name for program in programs.EVERYTHING for name in program.links]
    assert {"kubectl", "helm", "kubelet", "coredns", "pause"} <= set(names)
    assert len(names) == len(set(names))

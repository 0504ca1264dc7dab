import io
import json
import tarfile

import pytest

from cluster.images import UnusualArchiveError, normalized, write_without
from common.archive import write_image, write_layer_of_file


@pytest.fixture
def archive(tmp_path):
    program = tmp_path / "program"
    program.write_text("content")
    layer = tmp_path / "layer.tar"
    write_layer_of_file(layer, program, "/bin/program")
    write_image(tmp_path / "image.tar", "tailrace:1", layer, entrypoint=["/bin/program"], user="1:1")
    return tmp_path / "image.tar"


def rewritten(archive, stored=()):
    target = io.BytesIO()
    with tarfile.open(archive) as source:
        write_without(source, target, stored)
    with tarfile.open(fileobj=io.BytesIO(target.getvalue())) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def blob(files, described):
    return files["blobs/" + described["digest"].replace(":", "/")]


def test_an_image_has_the_name_and_the_configuration_that_it_was_given(archive):
    with tarfile.open(archive) as tar:
        (entry,) = json.load(tar.extractfile("manifest.json"))
        config = json.load(tar.extractfile(entry["Config"]))
    assert entry["RepoTags"] == ["tailrace:1"]
    assert config["config"]["Entrypoint"] == ["/bin/program"]
    assert config["config"]["User"] == "1:1"


def test_the_same_content_gives_the_same_archive(archive, tmp_path):
    before = archive.read_bytes()
    layer = tmp_path / "layer.tar"
    (tmp_path / "program").touch()
    write_layer_of_file(layer, tmp_path / "program", "/bin/program")
    write_image(archive, "tailrace:1", layer, entrypoint=["/bin/program"], user="1:1")
    assert archive.read_bytes() == before


def test_a_docker_archive_is_rewritten_with_all_that_an_index_needs(archive, tmp_path):
    files = rewritten(archive)
    (image,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(blob(files, image))
    assert image["annotations"] == {"io.containerd.image.name": "docker.io/library/tailrace:1"}
    assert json.loads(blob(files, manifest["config"]))["os"] == "linux"
    (layer,) = manifest["layers"]
    assert blob(files, layer) == (tmp_path / "layer.tar").read_bytes()
    assert layer["size"] == len(blob(files, layer))


def test_a_layer_that_is_stored_is_named_but_not_sent(archive):
    complete = rewritten(archive)
    (image,) = json.loads(complete["index.json"])["manifests"]
    (layer,) = json.loads(blob(complete, image))["layers"]
    partial = rewritten(archive, stored={layer["digest"]})
    assert partial["index.json"] == complete["index.json"]
    assert set(complete) - set(partial) == {"blobs/" + layer["digest"].replace(":", "/")}


def test_a_compressed_layer_is_left_to_the_runtime(archive, tmp_path):
    layer = tmp_path / "layer.tar"
    layer.write_bytes(b"\x1f\x8b compressed")
    write_image(archive, "tailrace:1", layer)
    with pytest.raises(UnusualArchiveError):
        rewritten(archive)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tailrace:1", "docker.io/library/tailrace:1"),
        ("team/tailrace:1", "docker.io/team/tailrace:1"),
        ("localhost/tailrace:1", "localhost/tailrace:1"),
        ("registry.example/tailrace:1", "registry.example/tailrace:1"),
        ("registry:5000/tailrace:1", "registry:5000/tailrace:1"),
    ],
)
def test_a_short_name_is_completed_as_docker_does(name, expected):
    assert normalized(name) == expected

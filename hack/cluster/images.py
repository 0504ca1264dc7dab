"""Images of a cluster's container runtime.

An archive holds all layers of an image, of which usually one is new. So what is sent to containerd
is the archive without the layers that it has, rewritten from docker's form to OCI's, where layers
are found by their digest and may be left out.
"""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, cast

from cluster.layout import Cluster
from common.console import ToolError
from common.process import run

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
DEFAULT_REGISTRY = "docker.io"


class UnusualArchiveError(Exception):
    """An archive that only containerd itself can read."""


def names(cluster: Cluster) -> list[str]:
    """The names of the images that the runtime has."""
    return run([*_ctr(cluster), "images", "list", "--quiet"]).splitlines()


def load(cluster: Cluster, archive: Path) -> None:
    """Make the images of an archive available to pods."""
    if cluster.api_only:
        raise ToolError(f"{cluster.name} has no node to load an image into")
    stored = set(run([*_ctr(cluster), "content", "list", "--quiet"]).split())
    try:
        with tarfile.open(archive, "r:") as source:
            _send(source, [*_ctr(cluster), "images", "import", "-"], stored)
    except (UnusualArchiveError, tarfile.TarError, KeyError):
        run([*_ctr(cluster), "images", "import", archive])


def _ctr(cluster: Cluster) -> list[str]:
    return ["ctr", "--address", str(cluster.containerd_socket), "--namespace", "k8s.io"]


def _send(source: tarfile.TarFile, command: list[str], stored: Collection[str]) -> None:
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    with process:
        stdin, stderr = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stderr)
        try:
            write_without(source, stdin, stored)
            stdin.close()
        except UnusualArchiveError:
            process.kill()
            raise
        except BrokenPipeError:
            pass
        said = stderr.read().decode()
    if process.returncode != 0:
        raise UnusualArchiveError(said)


def write_without(source: tarfile.TarFile, target: IO[bytes], stored: Collection[str]) -> None:
    """Write a docker-archive as an OCI archive, without the layers whose digests are stored."""
    images = []
    with tarfile.open(fileobj=target, mode="w|") as tar:
        for entry in json.loads(_read(source, "manifest.json")):
            config = _read(source, entry["Config"])
            layers = []
            for digest, name in zip(json.loads(config)["rootfs"]["diff_ids"], entry["Layers"], strict=True):
                content = source.extractfile(name)
                size = content.seek(0, io.SEEK_END) if content else 0
                if content is None or _is_compressed(content):
                    raise UnusualArchiveError(name)
                layers.append({"mediaType": LAYER, "digest": digest, "size": size})
                if digest not in stored:
                    _add(tar, digest, size, content)
            manifest = json.dumps(
                {
                    "schemaVersion": 2,
                    "mediaType": MANIFEST,
                    "config": _add_blob(tar, CONFIG, config),
                    "layers": layers,
                }
            ).encode()
            described = _add_blob(tar, MANIFEST, manifest)
            for name in entry["RepoTags"]:
                annotations = {"io.containerd.image.name": normalized(name)}
                images.append({**described, "annotations": annotations})
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": images}
        _add_file(tar, "index.json", json.dumps(index).encode())
        _add_file(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')


def normalized(name: str) -> str:
    """An image's name with the registry and the path that docker leaves out."""
    registry, slash, _ = name.partition("/")
    if slash and (registry == "localhost" or "." in registry or ":" in registry):
        return name
    return f"{DEFAULT_REGISTRY}/{name}" if slash else f"{DEFAULT_REGISTRY}/library/{name}"


def _is_compressed(content: IO[bytes]) -> bool:
    content.seek(0)
    start = content.read(4)
    content.seek(0)
    return start.startswith(COMPRESSED)


def _read(source: tarfile.TarFile, name: str) -> bytes:
    content = source.extractfile(name)
    if content is None:
        raise UnusualArchiveError(name)
    return content.read()


def _add_blob(tar: tarfile.TarFile, media_type: str, content: bytes) -> dict[str, object]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    _add(tar, digest, len(content), io.BytesIO(content))
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _add(tar: tarfile.TarFile, digest: str, size: int, content: IO[bytes]) -> None:
    member = tarfile.TarInfo("blobs/" + digest.replace(":", "/"))
    member.size = size
    tar.addfile(member, content)


def _add_file(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))

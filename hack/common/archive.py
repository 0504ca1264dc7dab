"""Writing a container image as a docker-archive, which docker, podman, buildah and containerd all read."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
EPOCH = "1970-01-01T00:00:00Z"


def machine() -> str:
    """This machine's architecture as the kernel and Python's wheels name it."""
    return platform.machine()


def architecture() -> str:
    """This machine's architecture as images and Go name it."""
    return ARCHITECTURES.get(machine(), machine())


def write_image(
    archive: Path,
    name: str,
    layer: Path,
    *,
    entrypoint: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    user: str = "",
) -> None:
    """Write an image of one layer, an uncompressed tar file, under a name with its tag."""
    with layer.open("rb") as content:
        layer_digest = hashlib.file_digest(content, "sha256").hexdigest()
    config = json.dumps(
        {
            "architecture": architecture(),
            "os": "linux",
            "created": EPOCH,
            "config": {
                "Entrypoint": list(entrypoint),
                "Env": [f"{key}={value}" for key, value in (environment or {}).items()],
                "User": user,
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
            # Buildah counts the layers here when it adds some of its own.
            "history": [{"created": EPOCH, "created_by": "hack"}],
        }
    ).encode()
    config_file = hashlib.sha256(config).hexdigest() + ".json"
    layer_file = f"{layer_digest}.tar"
    manifest = json.dumps([{"Config": config_file, "RepoTags": [name], "Layers": [layer_file]}])
    with tarfile.open(archive, "w") as tar:
        _add_bytes(tar, config_file, config)
        tar.add(layer, arcname=layer_file, filter=_anonymous)
        _add_bytes(tar, "manifest.json", manifest.encode())


def write_layer_of_file(layer: Path, file: Path, target: str) -> None:
    """Write a layer that holds one executable file."""
    with tarfile.open(layer, "w") as tar:
        tar.add(file.resolve(), arcname=target.lstrip("/"), filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    # The same content has to give the same digest on every machine.
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))

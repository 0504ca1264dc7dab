"""What the checkout's image is called, and making it available to a cluster's pods."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cluster import images, layout, programs
from cluster.finder import Choice, Found
from common.console import ToolError, step
from common.process import program, run
from image import contents, engines

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "tailrace"
VARIABLE = "IMAGE"


@dataclass(frozen=True)
class Image:
    """An image as the chart names it."""

    repository: str
    tag: str
    pull: str = "Never"

    @property
    def name(self) -> str:
        """Repository and tag."""
        return f"{self.repository}:{self.tag}"


def available(found: Found) -> Image:
    """The image, where the cluster's nodes have it or can pull it."""
    if os.environ.get(VARIABLE):
        return pulled(os.environ[VARIABLE])
    if found.choice is Choice.CONTEXT and not found.context.startswith("kind-"):
        raise ToolError(
            f"the nodes of {found.context} pull images from a registry: build one with `docker build`, "
            f"push it, and name it as {VARIABLE}=registry/repository:tag"
        )
    image = Image(REPOSITORY, prepare())
    if found.choice is Choice.DEVELOPMENT:
        cluster = layout.require(found.context)
        if not any(name.endswith(f"/{image.name}") for name in images.names(cluster)):
            archive = built(image)
            with step("load the image"):
                images.load(cluster, archive)
        return image
    archive = built(image)
    with step("load the image"):
        kind = program("kind") or programs.ensure((programs.KIND,)) / "kind"
        run([kind, "load", "image-archive", "--name", found.context.removeprefix("kind-"), archive])
    return image


def pulled(name: str) -> Image:
    """An image that the nodes pull, from its name with a tag."""
    repository, _, tag = name.rpartition(":")
    if not repository or "/" in tag:
        raise ToolError(f"{VARIABLE}={name} has no tag: write {name}:TAG")
    return Image(repository, tag, "IfNotPresent")


def prepare() -> str:
    """Prepare what the Dockerfile copies; the image's tag, which changes with any of it."""
    checkout = contents.Checkout(ROOT)
    contents.prepare(checkout)
    digest = hashlib.sha256(os.environ.get("BASE_IMAGE", "").encode())
    for file in (ROOT / "Dockerfile", *sorted(checkout.prepared.glob("*.key"))):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def built(image: Image) -> Path:
    """The image as a docker-archive: built from what was prepared, unless it has been already."""
    directory = contents.Checkout(ROOT).prepared / "archive"
    file = directory / f"{image.tag}.tar"
    if file.exists():
        return file
    directory.mkdir(parents=True, exist_ok=True)
    for older in directory.iterdir():
        older.unlink()
    engine = engines.find()
    with step(f"build {image.name} with {engine.name}"):
        engine.build(ROOT, image.name, os.environ.get("BASE_IMAGE") or None)
    partial = directory / "partial"
    with step(f"write {file.relative_to(ROOT)}"):
        engine.save(image.name, partial)
        partial.rename(file)
    return file

"""The image of a pod's sandbox, made of our own program."""

from pathlib import Path

from cluster.node_files import PAUSE_IMAGE
from common.archive import write_image, write_layer_of_file


def write(program: Path, archive: Path) -> None:
    """Write the archive of an image that holds only the program."""
    layer = archive.with_suffix(".layer")
    write_layer_of_file(layer, program, "/pause")
    # 65535 is what the usual sandbox image runs as, and policies expect.
    write_image(archive, PAUSE_IMAGE, layer, entrypoint=["/pause"], user="65535:65535")
    layer.unlink()

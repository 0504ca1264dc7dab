"""A base image made of the distribution's packages, for where no image registry can be reached."""

import tempfile
from pathlib import Path

from cluster import packages
from common import archive
from common.cache import cache_directory, filling, key_of, lock
from common.console import step
from common.process import run

SUITE = "bookworm"
PACKAGES = ("python3", "ca-certificates")
# What only people would read.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")
KEY = key_of([SUITE, *PACKAGES, *LEFT_OUT, archive.architecture()], [Path(archive.__file__)])
NAME = f"localhost/tailrace-base:{KEY}"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def archived() -> Path:
    """The archive of the base image, made once."""
    directory = cache_directory() / "base" / KEY
    with lock(cache_directory() / "locks" / "base"):
        if not directory.exists():
            packages.ensure({"mmdebstrap": "mmdebstrap"})
            with step(f"make a base image ({SUITE}: {', '.join(PACKAGES)})"):
                _make(directory)
    return directory / "base.tar"


def _make(directory: Path) -> None:
    with filling(directory) as partial, tempfile.TemporaryDirectory(dir=partial) as scratch:
        layer = Path(scratch) / "layer.tar"
        leave_out = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
        include = f"--include={','.join(PACKAGES)}"
        run(["mmdebstrap", "--variant=minbase", include, *leave_out, SUITE, layer])
        archive.write_image(partial / "base.tar", NAME, layer, environment={"PATH": PATH})

"""The build cache: what is slow to make, outside the checkout, under a name that says what went into it.

A directory in the cache is complete or absent: it is filled under another name and then renamed.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

KEY_LENGTH = 16


def cache_directory() -> Path:
    """The cache's top directory."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tailrace"


def key_of(words: Iterable[str], files: Iterable[Path] = ()) -> str:
    """A short digest of some words and of the names and contents of some files."""
    digest = hashlib.sha256()
    for word in words:
        digest.update(word.encode() + b"\0")
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:KEY_LENGTH]


@contextlib.contextmanager
def lock(file: Path) -> Iterator[None]:
    """Hold a lock between processes; the kernel releases it if this one dies."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def filling(directory: Path) -> Iterator[Path]:
    """A temporary directory that takes the place of `directory` when the block ends well."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        yield partial
        partial.chmod(0o755)
        shutil.rmtree(directory, ignore_errors=True)
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def write_atomically(file: Path, text: str, mode: int = 0o644) -> None:
    """Write a file that is at no time there in part."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    partial.write_text(text)
    partial.chmod(mode)
    partial.rename(file)

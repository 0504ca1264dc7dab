"""A Landlock domain: a process and its children give up all files, signals and sockets but their own.

The bootstrap loads this file by its path, inside the script's process: it imports the standard library only.
Numbers and structures are those of linux/landlock.h; they are the same on every architecture that we support.
"""

import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38
_libc = ctypes.CDLL(None, use_errno=True)

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE = 1 << 4, 1 << 5
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = (1 << bit for bit in range(6, 13))
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
SCOPE_ABSTRACT_UNIX_SOCKET, SCOPE_SIGNAL = 1 << 0, 1 << 1

_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""The rights that a rule about a file, not a directory, may name."""

READ = READ_FILE | READ_DIR | EXECUTE
WRITE = WRITE_FILE | TRUNCATE
OWN = READ | WRITE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER

FULL_ABI = 6
"""From here on signals are scoped."""

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/nix/store", "/opt/tailrace")
"""Programs and libraries."""
SETTINGS = (
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/passwd", "/etc/group"),
    *("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/nsswitch.conf"),
    *("/etc/services", "/etc/protocols", "/etc/ssl", "/etc/pki", "/etc/ca-certificates"),
)
"""What the C library, OpenSSL and Python's own modules look up."""
KERNEL = (
    *("/dev/zero", "/dev/random", "/dev/urandom", "/sys/devices/system/cpu"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat"),
)
"""/proc/self stands for the process that enters, and for none that it starts."""
OF_PREFIX = ("bin", "lib", "lib64", "share", "ssl", "pyvenv.cfg")
"""Not the whole prefix: it may be / or a project's directory."""


class Handled(NamedTuple):
    """What a domain refuses unless a rule allows it, as bits."""

    files: int
    scopes: int


def handled(abi: int) -> Handled:
    """All that a kernel of this ABI, 1 or more, can refuse; a newer one can do at least what we know."""
    files = MAKE_SYM * 2 - 1
    if abi >= 2:  # noqa: PLR2004 — the versions are the kernel's
        files |= REFER
    if abi >= 3:  # noqa: PLR2004
        files |= TRUNCATE
    if abi >= 5:  # noqa: PLR2004
        files |= IOCTL_DEV
    return Handled(files, SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL if abi >= FULL_ABI else 0)


def lacking(abi: int) -> str | None:
    """What a script can do to its runner for want of a newer kernel; None where nothing is lacking."""
    if abi >= FULL_ABI:
        return None
    if abi == 0:
        return (
            "Landlock is not available (the kernel lacks it, or a seccomp profile forbids it): "
            "the script can read the runner's files and signal its processes"
        )
    return (
        f"the kernel's Landlock is ABI {abi}, below {FULL_ABI} (Linux 6.12): "
        "the script can signal the runner's processes"
    )


def abi() -> int:
    """The kernel's Landlock ABI; 0 where there is none or this process may not use it."""
    if sys.platform != "linux":
        return 0
    try:
        return _syscall(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    except OSError as error:
        if error.errno in {errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}:
            return 0
        raise


def allowed(own: str, prefixes: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Each path that a script may use, with its rights to all beneath it."""
    yield own, OWN
    yield "/dev/null", READ_FILE | WRITE | IOCTL_DEV
    for path in (*SYSTEM, *SETTINGS, *KERNEL):
        yield path, READ
    for prefix in dict.fromkeys(prefixes):
        for name in OF_PREFIX:
            yield os.path.join(prefix, name), READ  # noqa: PTH118 — no pathlib where every 0.1 ms counts


def enter(own: str, abi: int) -> None:
    """Enter the domain of a script whose directory is `own`. OSError where the kernel refuses."""
    files, scopes = handled(abi)
    # An older kernel takes the longer structure as long as what it does not know is 0.
    attributes = struct.pack("=QQQ", files, 0, scopes)
    ruleset = _syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for path, rights in allowed(own, (sys.prefix, sys.base_prefix)):
            _allow(ruleset, path, rights & files)
        _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _syscall(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there, or not for us, needs no rule
    try:
        if not stat.S_ISDIR(os.fstat(beneath).st_mode):
            rights &= _OF_FILES
        _syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, beneath), 0)
    finally:
        os.close(beneath)


def _syscall(number: int, *arguments: int | bytes | None) -> int:
    # Variadic: without a type of its own, an argument would be passed as a C int of half the register.
    typed = [ctypes.c_long(item) if isinstance(item, int) else ctypes.c_char_p(item) for item in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *typed))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result

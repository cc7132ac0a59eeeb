"""Paths and file systems of this machine: absolute paths, executable files, holes, network drives."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from elliptio.errors import SourceError

CHUNK = 1 << 20
"""Bytes that are copied at once."""

NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.ceph", "fuse.cifs", "fuse.davfs", "fuse.gcsfuse",
     "fuse.glusterfs", "fuse.juicefs", "fuse.mfs", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs",
     "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "panfs", "prl_fs", "pvfs2", "smb2", "smb3",
     "smbfs", "vboxsf", "virtiofs", "wekafs"}
)  # fmt: skip
"""Types whose files other machines may have open too: SQLite's shared memory does not work there."""

LOCAL = frozenset({"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "tmpfs", "xfs", "zfs"})
"""Types on which the kernel tells whoever watches a folder of every change."""


HOLE = 64 << 10
"""Bytes of zeros, from a multiple of as many on, that need not be written: a file reads as zeros where it has none."""

MIDDLE = HOLE // 2
"""``0 in data[MIDDLE::HOLE]`` is the quick question whether there may be such, asked before `write_with_holes`."""

_ZEROS = bytes(HOLE)


UTF8 = sys.getfilesystemencoding().replace("-", "").lower() == "utf8"
"""True where names of files are written in UTF-8; else a name beyond ASCII is another one to everybody else."""

NO_UTF8 = f"names beyond ASCII would be written in {sys.getfilesystemencoding()} here, where nobody else finds them: "
NO_UTF8 += "set PYTHONUTF8=1, or a locale of UTF-8"


def absolute(path: str) -> str:
    """Make a path absolute, as the system means it: ``link/..`` is the folder above what the link leads to."""
    plain = os.path.abspath(path)
    above = f"{os.sep}{os.pardir}{os.sep}"
    head, found, rest = f"{path}{os.sep}".rpartition(above)
    if not found:
        return plain
    real = os.path.realpath(f"{head}{above}")
    # Where no link lies before the dots the shorter path means the same, and is the one that people know.
    return plain if real == os.path.realpath(os.path.abspath(f"{head}{above}")) else os.path.normpath(f"{real}/{rest}")


def make_executable(path: str | os.PathLike[str]) -> None:
    """Let those execute a file who may read it."""
    mode = os.stat(path).st_mode & 0o777
    os.chmod(path, mode | (mode & 0o444) >> 2)


def write_with_holes(data: bytes, write: Callable[[bytes], object], skip: Callable[[int], object]) -> None:
    """Write data in as few pieces as possible, but for zeros that fill a whole `HOLE`: these are skipped."""
    begun = 0
    for start in range(0, len(data) - HOLE + 1, HOLE):
        if data[start : start + HOLE] == _ZEROS:
            if begun < start:
                write(data[begun:start])
            skip(HOLE)
            begun = start + HOLE
    if begun < len(data):
        write(data[begun:])


def copy_open(source: BinaryIO, sink: BinaryIO) -> bool:
    """Copy an open file to another, no further than it was long, and tell whether its owner may execute it.

    Raises
    ------
    SourceError
        If it grows or shrinks meanwhile.

    """
    status = os.fstat(source.fileno())
    if not stat.S_ISREG(status.st_mode):
        shutil.copyfileobj(source, sink)
        return False
    left = status.st_size
    while left and (data := source.read(min(CHUNK, left))):
        write_with_holes(data, sink.write, lambda size: sink.truncate(sink.seek(size, os.SEEK_CUR)))
        left -= len(data)
    if left or source.read(1):
        raise SourceError(f"{source.name} changed while it was being copied: copy it when nothing writes to it.")
    return bool(status.st_mode & stat.S_IXUSR)


def copy_file(path: str, to: str) -> None:
    """Copy a file with its right to be executed; errors as of `copy_open`."""
    with open(path, "rb") as source, open(to, "xb") as sink:
        executable = copy_open(source, sink)
    if executable:
        make_executable(to)


def _mounts(mountinfo: str) -> Iterator[tuple[str, str]]:
    """Read where something is mounted, and the type of it, from the text of ``/proc/self/mountinfo``."""
    for line in mountinfo.splitlines():
        fields = line.split()
        if "-" in fields[5:]:
            # Spaces and the like are written as octal numbers.
            mounted = re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), fields[4])
            yield mounted, fields[fields.index("-", 5) + 1]


def file_system_at(path: str, mountinfo: str) -> str | None:
    """Find the type of the file system at an absolute path without links, by the text of ``/proc/self/mountinfo``."""
    best, found = "", None
    for mounted, kind in _mounts(mountinfo):
        inside = path == mounted or path.startswith(mounted.rstrip("/") + "/")
        # Of two mounts at one place the later one is seen.
        if inside and len(mounted) >= len(best):
            best, found = mounted, kind
    return found


def tells_changes(folder: str, mountinfo: str) -> bool:
    """Tell whether the kernel notes each change below a folder (absolute, without links): no other machine has part."""
    mounted_inside = any(mounted.startswith(folder.rstrip("/") + "/") for mounted, _ in _mounts(mountinfo))
    return file_system_at(folder, mountinfo) in LOCAL and not mounted_inside


def network_file_system(folder: Path) -> str | None:
    """Find the type of the network drive that a folder lies on; None where it lies on none, or nobody can tell."""
    if not sys.platform.startswith("linux"):
        return None
    found = file_system_at(os.path.realpath(folder), read_mountinfo())
    return found if found in NETWORK else None


def read_mountinfo() -> str:
    """Read what is mounted where, as this process sees it; empty where the system does not tell."""
    try:
        return Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    except OSError:
        return ""

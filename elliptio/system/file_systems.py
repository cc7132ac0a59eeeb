"""Tell which file systems belong to this machine alone, and which are network drives."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.ceph", "fuse.cifs", "fuse.davfs", "fuse.gcsfuse",
     "fuse.glusterfs", "fuse.juicefs", "fuse.mfs", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs",
     "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "panfs", "prl_fs", "pvfs2", "smb2", "smb3",
     "smbfs", "vboxsf", "virtiofs", "wekafs"}
)  # fmt: skip
"""Types whose files other machines may have open too: SQLite's shared memory does not work there."""

LOCAL = frozenset({"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "tmpfs", "xfs", "zfs"})
"""Types on which the kernel tells whoever watches a folder of every change."""


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

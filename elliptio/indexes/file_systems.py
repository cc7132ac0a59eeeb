"""Which file systems are network drives, on which SQLite's shared memory does not work."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.ceph", "fuse.cifs", "fuse.davfs", "fuse.gcsfuse",
     "fuse.glusterfs", "fuse.juicefs", "fuse.mfs", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs",
     "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "panfs", "prl_fs", "pvfs2", "smb2", "smb3",
     "smbfs", "vboxsf", "virtiofs", "wekafs"}
)  # fmt: skip
"""Types whose files other machines may have open too."""


def file_system_at(path: str, mountinfo: str) -> str | None:
    """Type of the file system at an absolute path without links, by the text of ``/proc/self/mountinfo``."""
    best, found = "", None
    for line in mountinfo.splitlines():
        fields = line.split()
        if "-" not in fields[5:]:
            continue
        # Spaces and the like are written as octal numbers.
        mounted = re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), fields[4])
        inside = path == mounted or path.startswith(mounted.rstrip("/") + "/")
        # Of two mounts at one place the later one is seen.
        if inside and len(mounted) >= len(best):
            best, found = mounted, fields[fields.index("-", 5) + 1]
    return found


def network_file_system(folder: Path) -> str | None:
    """Type of the network drive that a folder lies on; None where it lies on none, or nobody can tell."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        mountinfo = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    except OSError:
        return None
    found = file_system_at(os.path.realpath(folder), mountinfo)
    return found if found in NETWORK else None

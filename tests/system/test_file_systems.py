"""Which file systems are network drives, and which tell of every change."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from elliptio.system.file_systems import file_system_at, network_file_system, tells_changes

MOUNTINFO = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw
30 27 0:40 / /home rw - nfs4 server:/home rw
31 30 0:41 / /home/me rw - ext4 /dev/vdb rw
32 27 0:42 / /mnt/my\\040drive rw shared:7 - fuse.sshfs me@there: rw
33 27 0:43 / /data rw - ext4 /dev/vdc rw
34 27 0:44 / /data rw - lustre mds:/data rw
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "ext4"),
        ("/tmp/x", "ext4"),
        ("/home", "nfs4"),
        ("/home/you/lake", "nfs4"),
        ("/home/me/lake", "ext4"),
        ("/homeless", "ext4"),
        ("/mnt/my drive/lake", "fuse.sshfs"),
        ("/data/lake", "lustre"),
    ],
)
def test_the_file_system_of_a_folder(path: str, expected: str) -> None:
    assert file_system_at(path, MOUNTINFO) == expected
    assert file_system_at(path, "") is None


def test_this_machine_has_file_systems(tmp_path: Path) -> None:
    assert network_file_system(tmp_path) is None or sys.platform.startswith("linux")


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/tmp/x", True),
        ("/home/me/lake", True),
        ("/home/you", False),
        ("/home", False),
        ("/mnt", False),  # a network drive is mounted in it
        ("/mnt/my drive/x", False),
        ("/data/x", False),
        ("/proc", False),
    ],
)
def test_who_tells_of_every_change(folder: str, expected: bool) -> None:
    assert tells_changes(folder, MOUNTINFO) is expected
    assert not tells_changes(folder, "")

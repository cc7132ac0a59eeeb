"""Where a command is run."""

from __future__ import annotations

from pathlib import Path

import pytest

import elliptio as eio
from elliptio.lineage.reproduction.execution import working_directory


@pytest.mark.parametrize("relative", ["..", "/etc", "link", "link/deeper", "a\0b", "file", "x" * 300])
def test_what_is_no_folder_of_the_checkout(relative: str, tmp_path: Path) -> None:
    checkout = tmp_path / "code"
    checkout.mkdir()
    (checkout / "file").touch()
    (checkout / "link").symlink_to(tmp_path)
    with pytest.raises(eio.ReproductionError, match="working directory"):
        working_directory(checkout, relative)
    assert [path.name for path in checkout.iterdir() if path.name not in ("file", "link")] == []


def test_a_folder_that_held_nothing_recorded_is_made(tmp_path: Path) -> None:
    assert working_directory(tmp_path, "a/b").is_dir()
    assert working_directory(tmp_path, None) == tmp_path.resolve()

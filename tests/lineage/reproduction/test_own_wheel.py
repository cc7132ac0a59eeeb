"""The wheel of the elliptio that runs has what an installed one has."""

from __future__ import annotations

import tomllib
import zipfile
from configparser import ConfigParser
from pathlib import Path

from elliptio.lineage.reproduction.own_wheel import write_own_wheel

ROOT = Path(__file__).parents[3]


def test_the_entry_points_are_those_of_the_project(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wheel = write_own_wheel(tmp_path)
    found = ConfigParser(delimiters=("=",))
    found.optionxform = str  # type: ignore[assignment,method-assign]
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
        found.read_string(archive.read(name).decode())
    groups = {"console_scripts": project["scripts"], **project["entry-points"]}
    assert {group: dict(found[group]) for group in found.sections()} == groups

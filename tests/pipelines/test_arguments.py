"""Arguments of the wrong kind: each error is one of elliptio's, and names what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from elliptio.errors import ElliptioError
from elliptio.pipelines import ArgumentError, Catalog, Craft, CraftDefinitionError, Fingerprint, Session
from elliptio.pipelines.project.places import find_project
from tests.pipelines.projects import Project


@pytest.mark.parametrize("folder", [5, b"x", ["shop"], {}])
def test_a_root_that_is_no_path_is_refused(folder: Any) -> None:
    with pytest.raises(ArgumentError, match="root_folder takes the path of a folder"):
        Session(folder)


def test_a_root_that_no_system_can_look_at_is_said(tmp_path: Path) -> None:
    with pytest.raises(ElliptioError, match="cannot look at"):
        find_project(tmp_path / ("x" * 10_000))


@pytest.mark.parametrize("source", [b"x", [5], 5, {"a": 1}])
def test_a_catalog_of_what_are_no_entries_is_refused(source: Any) -> None:
    with pytest.raises(ArgumentError, match="source takes a path, or entries"):
        Catalog(source)


@pytest.mark.parametrize("name", [[], {}, None])
def test_a_configuration_of_no_name_is_unknown(project: Project, name: Any) -> None:
    with pytest.raises(KeyError, match="There is no configuration"):
        _ = project.session().parameters[name]


def test_a_version_of_a_craft_is_plain() -> None:
    with pytest.raises(CraftDefinitionError, match="version takes a text or a number"):
        Craft(version=object())


@pytest.mark.parametrize("digits", ["", "xyz", 5, "0x1", " 1"])
def test_a_fingerprint_is_read_from_hexadecimal_digits(digits: Any) -> None:
    with pytest.raises(ValueError, match="from_hex takes hexadecimal digits"):
        Fingerprint.from_hex(digits)


@pytest.mark.parametrize("width", [0, 5, 1])
def test_a_plan_is_written_however_narrow_a_window_is(project: Project, width: int) -> None:
    project.write("catalog/all.yaml", "[{name: a, type: json}]")
    project.write(
        "lib/steps.py",
        "from elliptio.pipelines import Artifact, Craft\n\n@Craft()\ndef a() -> Artifact('a'):\n    return 1\n",
    )
    assert "never" in project.plan("steps.a").text(width)

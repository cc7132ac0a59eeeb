"""What another build puts at a window meanwhile is its version, and not one more."""

from __future__ import annotations

from pathlib import Path

from elliptio.pipelines.catalog.keys import NONE
from elliptio.pipelines.catalog.versions import Versions
from tests.pipelines.projects import Project


def test_what_was_put_there_meanwhile_is_no_new_version(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop")
    project.write("catalog/all.yaml", '- {name: clean, type: json, extra: {path: "out/clean.json"}}\n')
    (project.root / "out").mkdir()
    session = project.session()
    with session:
        catalog = session.catalog
        stale = Versions(project.handler.lake, catalog.project)
        stale.load(["clean"])
        catalog.save("clean", {"rows": 3})
        catalog.windows.memory.drop(str(project.root / "out/clean.json"))
        catalog.windows.sync(catalog["clean"], NONE, stale, made=True)
        current = catalog.current("clean")
    assert len(project.handler.search({"entry.name": "clean"}).ids) == 1
    assert project.handler.search({"entry.name": "clean"}).ids == [current.artifact_id]

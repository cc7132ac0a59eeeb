"""Windows are data that a lake keeps: recorded diffs leave them out."""

from __future__ import annotations

import subprocess

from tests.pipelines.projects import Project


def test_windows_are_left_out_of_recorded_diffs(project: Project, monkeypatch) -> None:
    project.write(
        "catalog/all.yaml",
        """
        - {name: a, type: json, extra: {path: a.json}}
        - {name: b, type: text, extra: {path: "b/!{n}.txt"}}
        """,
    )
    project.write("a.json", "1")
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=project.root, check=True)
    project.write("a.json", "2")
    project.write("b/1.txt", "data")
    project.write("lib/steps.py", "x = 1\n")
    monkeypatch.chdir(project.root)
    monkeypatch.setattr("elliptio.provenance.collecting.code_directory", lambda: project.root)
    catalog = project.session().catalog
    assert catalog.load("a") == 2
    saved = catalog.save("b", "text", n=2)
    diff = saved.logs["git.diff"].download_string()
    assert "lib/steps.py" in diff
    assert "a.json" not in diff
    assert ".txt" not in diff

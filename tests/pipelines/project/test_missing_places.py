"""Places that the table of a project names, and that are not there: said where one is used, not before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.pipelines import Session
from elliptio.pipelines.errors import ProjectNotFoundError

TABLE = """
[tool.elliptio.pipelines]
project_slug = "shop"
configuration = "conf"
catalog = "data/catalog"
parameters = "parameters.yaml"
pipelines_definitions = "definitions.yaml"
"""
USED: dict[str, tuple[str, Callable[[Any], object]]] = {
    "configuration": ("conf", lambda sess: sess.settings["a"]),
    "catalog": ("data/catalog", lambda sess: sess.catalog),
    "parameters": ("parameters.yaml", lambda sess: sess.parameters),
    "pipelines_definitions": ("definitions.yaml", lambda sess: sess.pipelines_definitions),
}


@pytest.mark.parametrize("key", USED)
def test_a_session_opens_and_says_what_is_missing_where_it_is_used(tmp_path: Path, key: str) -> None:
    (tmp_path / "pyproject.toml").write_text(TABLE)
    (tmp_path / "conf").mkdir()
    (tmp_path / "data" / "catalog").mkdir(parents=True)
    for name in ("parameters.yaml", "definitions.yaml"):
        (tmp_path / name).write_text("{}")
    place, use = USED[key]
    path = tmp_path / place
    path.rmdir() if path.is_dir() else path.unlink()
    with Session(tmp_path, handler=eio.Handler(tmp_path / "lake", progress=False)) as sess:
        for other, (_, use_other) in USED.items():
            if other not in (key, "configuration") and key != "configuration":
                use_other(sess)
        with pytest.raises(ProjectNotFoundError, match=rf"pyproject\.toml: {key} in .* names '{place}'"):
            use(sess)
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}") if path.suffix else path.mkdir()
        if key != "configuration":
            use(sess)

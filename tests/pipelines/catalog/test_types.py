"""Each format of elliptio is a type of the catalog by its name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from elliptio.errors import WriteOnlyError
from tests.pipelines.projects import Project

TABLE = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})

VALUES: dict[str, Any] = {
    **dict.fromkeys(["csv", "parquet", "feather", "excel", "xlsx", "xslx"], TABLE),
    "json": {"a": 1},
    "yaml": {"a": 1},
    "joblib": {"a": 1},
    **dict.fromkeys(["text", "html"], "<p>a</p>"),
    "binary": b"a",
    "pickle": {1},
    "npy": np.arange(3),
    "npz": {"a": np.arange(3)},
}


@pytest.mark.parametrize("type", VALUES)
def test_a_value_comes_back(project: Project, type: str) -> None:
    project.write("catalog/all.yaml", f"- {{name: one, type: {type}, extra: {{path: data/one.{type}}}}}")
    catalog, value = project.session().catalog, VALUES[type]
    catalog.save("one", value)
    assert (project.root / f"data/one.{type}").exists()
    found = catalog.load("one")
    if isinstance(value, pd.DataFrame):
        pd.testing.assert_frame_equal(found, value)
    elif type in ("npy", "npz"):
        assert {name: one.tolist() for name, one in dict(found if type == "npz" else {"a": found}).items()} == {
            "a": [0, 1, 2]
        }
    else:
        assert found == value


def test_pictures(project: Project) -> None:
    image = pytest.importorskip("PIL.Image")
    figures = pytest.importorskip("matplotlib.figure")
    project.write("catalog/all.yaml", "- {name: one, type: image}\n- {name: two, type: figure}")
    catalog = project.session().catalog
    catalog.save("one", image.new("RGB", (2, 3)))
    assert catalog.load("one").size == (2, 3)
    catalog.save("two", figures.Figure())
    with pytest.raises(WriteOnlyError, match="picture"):
        catalog.load("two")

"""A catalog of Kedro becomes one of ours: types, paths, options, factories; credentials are named, and stay there."""

from __future__ import annotations

from pathlib import Path

import pytest

from elliptio.cli import main
from elliptio.pipelines import Catalog
from elliptio.pipelines.errors import ProjectError
from elliptio.pipelines.project.kedro import Imported, import_catalog
from tests.pipelines.project.files import put

CATALOG = """
_csv: &csv
  type: pandas.CSVDataset
  load_args: {sep: ";"}
_folder: data/01_raw

companies:
  <<: *csv
  filepath: ${_folder}/companies.csv
  metadata: {kedro-viz: {layer: raw}}
shuttles:
  type: pandas.ExcelDataset
  filepath: data/01_raw/shuttles.xlsx
  load_args: {engine: openpyxl}
model_input:
  type: pandas.ParquetDataset
  filepath: s3://${globals:bucket}/model_input.pq
  versioned: true
  credentials: dev_s3
old_name:
  type: kedro.extras.datasets.pickle.PickleDataSet
  filepath: data/06_models/model.pickle
  backend: joblib
"{name}_raw":
  type: pandas.CSVDataset
  filepath: data/01_raw/{name}.csv
"{ns}.{name}#parquet":
  type: polars.EagerPolarsDataset
  file_format: parquet
  filepath: data/{ns}/{name}.parquet
"{default}":
  type: pickle.PickleDataset
  filepath: data/other/{default}.pkl
people:
  type: pandas.SQLQueryDataset
  sql: "select * from people where name != 'x!{y}'"
  credentials: {con: "postgresql://me:hunter2@host/db"}
parts:
  type: partitions.PartitionedDataset
  path: data/parts
  dataset: pandas.CSVDataset
  filename_suffix: .csv
inbetween:
  type: MemoryDataset
big:
  type: spark.SparkDataset
  filepath: data/big
"""
NODES = """
from kedro.pipeline import node, Pipeline
first = node(f, inputs=["reviews_raw", "companies"], outputs=["eu.sales#parquet", "no_factory"])
p = Pipeline([first, Node(f, "a", None)])
print("not_of_a_node_raw")
"""


@pytest.fixture
def imported(tmp_path: Path) -> Imported:
    put(tmp_path, {"conf/base/catalog.yml": CATALOG, "src/p/pipeline.py": NODES, "data/01_raw/orders.csv": ""})
    return import_catalog(tmp_path / "conf/base/catalog.yml")


def test_types_paths_and_options_are_taken_over(imported: Imported, tmp_path: Path) -> None:
    path = put(tmp_path, {"ours.yaml": imported.text}) / "ours.yaml"
    catalog = Catalog(path, settings={"bucket": "b", "database": "sqlite://"})
    found = {name: (catalog[name].type, catalog[name]._extra("path")) for name in catalog}
    assert found == {
        "companies": ("csv", "data/01_raw/companies.csv"),
        "shuttles": ("excel", "data/01_raw/shuttles.xlsx"),
        "model_input": ("parquet", "s3://b/model_input.pq"),
        "old_name": ("joblib", "data/06_models/model.pickle"),
        "orders_raw": ("csv", "data/01_raw/orders.csv"),
        "reviews_raw": ("csv", "data/01_raw/reviews.csv"),
        "eu.sales#parquet": ("parquet", "data/eu/sales.parquet"),
        "people": ("sql", None),
        "parts": ("csv", "data/parts/!{partition}.csv"),
    }
    assert catalog["companies"].load_options == {"sep": ";"}
    assert catalog["eu.sales#parquet"].load_options == {"into": "polars"}
    query = catalog["people"].query
    assert query is not None
    assert query.fill({}) == "select * from people where name != 'x!{y}'"


def test_what_is_left_out_is_named_and_nothing_secret_is_written(imported: Imported) -> None:
    notes = "\n".join(imported.notes)
    assert "model_input: the credentials 'dev_s3' are left out" in notes
    assert "people: its credentials are left out" in notes
    assert "big: there is no type for spark.SparkDataset" in notes
    assert "inbetween: is only kept in memory: hint it as Volatile" in notes
    assert "{default}: a factory of which no use was found" in notes
    assert "put into configuration/globals.yaml, with their values of Kedro's globals: bucket" in notes
    assert "hunter2" not in notes + imported.text
    assert "dev_s3" not in imported.text


def test_what_is_no_catalog_is_refused(tmp_path: Path) -> None:
    for text in ("- a\n", "a: [", ""):
        with pytest.raises(ProjectError):
            import_catalog(put(tmp_path, {"catalog.yml": text}) / "catalog.yml")


def test_the_command_writes_a_new_file_or_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = (
        put(tmp_path, {"catalog.yml": "a: {type: pandas.CSVDataset, filepath: a.csv, credentials: me}"}) / "catalog.yml"
    )
    assert main(["catalog", "import", "kedro", str(path)]) == 0
    printed = capsys.readouterr()
    assert "- name: a\n  type: csv\n" in printed.out
    assert "note: a: the credentials 'me' are left out" in printed.err
    to = tmp_path / "catalog" / "kedro.yaml"
    assert main(["catalog", "import", "kedro", str(path), "--to", str(to)]) == 0
    assert to.read_text() == printed.out
    assert main(["catalog", "import", "kedro", str(path), "--to", str(to)]) == 1
    assert main(["catalog", "import", "dagster", str(path)]) == 2

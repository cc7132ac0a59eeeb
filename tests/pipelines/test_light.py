"""What pipelines can use and most do not need is imported when it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.pipelines.sessions import project

HEAVY = ("boto3", "botocore", "fsspec", "pyodbc", "sqlalchemy", "distributed", "dask", "celery", "kombu")

OPEN = f"""
import sys
import elliptio.pipelines
from elliptio.pipelines import Artifact, Craft, Pipeline, Session
sess = Session()
assert sorted(sess.catalog) == ["away", "far", "sales", "table"]

@Craft()
def add(table: Artifact) -> Artifact("table"):
    return table

Pipeline("p") + add
print([name for name in {HEAVY} if name in sys.modules])
"""


def test_entries_in_buckets_and_databases_import_nothing(tmp_path: Path) -> None:
    extra = {"connection_string": "sqlite:///shop.db", "query": "SELECT 1"}
    root = project(
        tmp_path / "shop",
        {"name": "far", "type": "json", "extra": {"path": "s3://bucket/key.json"}},
        {"name": "away", "type": "json", "extra": {"path": "gs://bucket/key.json"}},
        {"name": "sales", "type": "odbc", "extra": extra},
        {"name": "table", "type": "sql", "extra": extra},
    )
    done = subprocess.run([sys.executable, "-c", OPEN], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


READ = """
import sys
before = {*sys.modules}
from elliptio.pipelines import Catalog
assert len(Catalog("catalog")) == 1
print(*({*sys.modules} - before))
"""

OF_OTHER_WORK = {
    "logging": "nothing is said",
    "json": "nothing is kept for the next process",
    "hashlib": "nothing is kept for the next process",
    "secrets": "no window is written",
    "shutil": "no window is read or written",
    "urllib.error": "nothing lies in lakeFS",
    "elliptio.pipelines.session": "there is none",
}


def test_a_catalog_by_itself_imports_what_reading_takes(tmp_path: Path) -> None:
    root = project(tmp_path / "shop", {"name": "sales", "type": "csv", "extra": {"path": "sales.csv"}})
    done = subprocess.run([sys.executable, "-c", READ], cwd=root, capture_output=True, text=True, check=True)
    assert not {*done.stdout.split()} & {*OF_OTHER_WORK}

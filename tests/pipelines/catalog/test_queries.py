"""Entries that are the result of a query: through ODBC, and through SQLAlchemy."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import elliptio as eio
from elliptio.errors import MissingExtraError
from elliptio.pipelines import Artifact, Catalog, Craft, Entry, EntryError, MissingKeysError, Pipeline
from elliptio.pipelines.catalog.queries import without_secrets
from tests.pipelines.sessions import holds, project, session

DRIVER = "SQLite3"


def lacks_odbc() -> str:
    try:
        import pyodbc
    except ImportError as error:
        return f"there is no pyodbc: {error}"
    return "" if DRIVER in pyodbc.drivers() else "the driver of SQLite is not installed: apt-get install libsqliteodbc"


def via_odbc(database: Path) -> str:
    return f"DRIVER={DRIVER};Database={database};UID=andy;PWD={{hunter22;secret}}"


def via_sql(database: Path) -> str:
    return f"sqlite:///{database}"


Address = Callable[[Path], str]


@pytest.fixture(params=["odbc", "sql"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "odbc" and lacks_odbc():
        pytest.skip(lacks_odbc())
    return str(request.param)


@pytest.fixture
def address(kind: str) -> Address:
    return via_odbc if kind == "odbc" else via_sql


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    write(path, "CREATE TABLE sales (day TEXT, shop INTEGER, amount REAL)")
    for row in (("2026-01-01", 1, 9.5), ("2026-01-01", 2, 7.0), ("2026-01-02", 1, 12.25)):
        write(path, "INSERT INTO sales VALUES (?, ?, ?)", row)
    return path


def write(path: Path, statement: str, values: tuple[Any, ...] = ()) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, values)
    connection.close()


def catalog(tmp_path: Path, kind: str, connection: str, query: str, **more: Any) -> Catalog:
    value = {"name": "sales", "type": kind, "extra": {"connection_string": connection, "query": query}, **more}
    root = tmp_path / "root"
    root.mkdir(exist_ok=True)
    handler = eio.Handler(tmp_path / "lake", progress=False)
    return Catalog([Entry.read(value, "catalog/sales.yaml:3")], handler=handler, root=root)


def test_a_result_is_kept_as_a_version(tmp_path: Path, kind: str, address: Address, database: Path) -> None:
    found = catalog(tmp_path, kind, address(database), "SELECT * FROM sales WHERE shop != 2 ORDER BY day")
    first = found.load("sales")
    assert first["amount"].tolist() == [9.5, 12.25]
    assert found.load("sales").equals(first)
    write(database, "INSERT INTO sales VALUES ('2026-01-03', 1, 1.0)")
    assert len(found.load("sales")) == 3
    assert found.versions("sales")["origin"].tolist() == ["taken in", "taken in"]
    oldest = found.versions("sales").index[-1]
    assert found.load("sales", version=oldest).equals(first)
    # What it gave once is the current version again, not another copy.
    write(database, "DELETE FROM sales WHERE day = '2026-01-03'")
    assert found.load("sales").equals(first)
    assert len(found.versions("sales")) == 2
    assert found.current("sales").artifact_id == oldest


def test_keys_in_a_query(tmp_path: Path, kind: str, address: Address, database: Path) -> None:
    query = (
        "SELECT *, '12:30:00' AS at, '!!' AS mark FROM sales WHERE day = '!{day}' AND shop = !{SHOP} AND amount != 0"
    )
    found = catalog(tmp_path, kind, address(database), query)
    assert found["sales"].keys == ("day", "SHOP")
    assert found.load("sales", day="2026-01-01", shop=2)["amount"].tolist() == [7.0]
    loaded = found.load("sales", keys={"day": "2026-01-02", "shop": 1})
    assert loaded[["at", "mark"]].to_numpy().tolist() == [["12:30:00", "!"]]
    asked = found.partitions("sales")[["day", "SHOP"]].to_numpy().tolist()
    assert sorted(asked) == [["2026-01-01", 2], ["2026-01-02", 1]]
    with pytest.raises(MissingKeysError, match="SHOP"):
        found.load("sales", day="2026-01-01")
    with pytest.raises(EntryError, match="cannot stand in a query"):
        found.load("sales", day="x' OR 1=1 --", shop=1)


def test_options_are_for_asking(tmp_path: Path, kind: str, address: Address, database: Path) -> None:
    options = {"parse_dates": ["day"], "index_col": "day"}
    found = catalog(tmp_path, kind, address(database), "SELECT * FROM sales", load_options=options)
    assert isinstance(found.load("sales").index, pd.DatetimeIndex)
    assert found.load("sales", coerce_float=False).index.name == "day"
    with pytest.raises(EntryError, match="chunksize"):
        found.load("sales", chunksize=2)


def test_it_is_only_loaded(tmp_path: Path, kind: str, address: Address, database: Path) -> None:
    found = catalog(tmp_path, kind, address(database), "SELECT * FROM sales")
    with pytest.raises(EntryError, match="it is only loaded"):
        found.save("sales", pd.DataFrame())


@pytest.mark.parametrize("query", ["SELECT nothing FROM nowhere", "no SQL", "SELECT day, day FROM sales"])
def test_what_fails_names_the_entry(tmp_path: Path, kind: str, address: Address, database: Path, query: str) -> None:
    found = catalog(tmp_path, kind, address(database), query)
    with pytest.raises(EntryError, match=r"catalog/sales.yaml:3: the query of 'sales'") as raised:
        found.load("sales")
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert "hunter22" not in str(raised.value)


CRAFTS = """
from elliptio.pipelines import Artifact, Craft
@Craft()
def total(sales: Artifact) -> Artifact("total"):
    return float(sales["amount"].sum())
"""


def shop(tmp_path: Path, kind: str, connection: str) -> Path:
    extra = {"connection_string": connection, "query": "SELECT * FROM sales"}
    return project(
        tmp_path / "shop",
        {"name": "sales", "type": kind, "extra": extra},
        {"name": "total", "type": "json", "extra": {"path": "total.json"}},
        modules={"totals": CRAFTS},
    )


def test_a_connection_string_is_recorded_nowhere_and_counts_for_nothing(
    tmp_path: Path, kind: str, address: Address, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    first = address(database) if kind == "odbc" else f"{address(database)}?timeout=7.7&secret=hunter22"
    root = shop(tmp_path, kind, first.partition("&")[0])
    said = []
    with session(root) as sess:
        import totals

        pipeline = Pipeline("nightly") + totals.total
        build = pipeline.run()
        snapshot = build.snapshot
        assert build.steps["status"].tolist() == ["made"]
        assert sess.catalog.load("total") == 28.75
        behind = sess.catalog.current("total").metadata.based_on
        assert behind == [sess.catalog.current("sales").artifact_id]
        said += [repr(sess.catalog["sales"]), repr(build), str(build.steps), repr(snapshot), str(pipeline.plan())]
    other = first.partition("&")[0].replace("hunter22", "other-password").replace("7.7", "8.8")
    shop(tmp_path, kind, other)
    with session(root) as sess:
        build = (Pipeline("nightly") + totals.total).run()
        assert build.steps["status"].tolist() == ["skipped"]
        assert build.snapshot.id == snapshot.id
        write(database, "INSERT INTO sales VALUES ('2026-01-03', 1, 1.25)")
        assert (Pipeline("nightly") + totals.total).run().steps["status"].tolist() == ["made"]
        assert sess.catalog.load("total") == 30.0
        assert len(snapshot.load("sales")) == 3
    (root / "catalog" / "all.yaml").unlink()
    for secret in ("hunter22", "other-password", "timeout=7.7", first.partition("&")[0]):
        assert secret not in "\n".join([*said, caplog.text])
        assert not holds(secret, tmp_path)


def test_secrets_are_hidden_in_messages() -> None:
    said = without_secrets(
        "no login of andy with p@ss or p%40ss at postgresql://andy:p%40ss@host/db", "postgresql://andy:p%40ss@host/db"
    )
    assert "p@ss" not in said
    assert "p%40ss" not in said
    odbc = "Driver={X};Server=h;Uid=andy;Pwd={a;b}"
    assert without_secrets(f"bad: {odbc}; a;b", odbc) == "bad: …; …"


def test_a_wrong_extra_is_named_without_the_secret() -> None:
    for extra in ("Driver=X;PWD=hunter22", {"connection_string": ["PWD=hunter22"], "query": "SELECT 1"}):
        with pytest.raises(EntryError) as raised:
            Entry.read({"name": "sales", "type": "odbc", "extra": extra})
        assert "hunter22" not in str(raised.value)
    with pytest.raises(EntryError, match="needs 'connection_string' and 'query'"):
        Entry.read({"name": "sales", "type": "sql", "extra": {}})


def test_without_the_extra_the_error_names_it(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, module in (("odbc", "pyodbc"), ("sql", "sqlalchemy")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(MissingExtraError, match=rf"elliptio\[{kind}\]"):
            catalog(tmp_path, kind, "x", "SELECT 1").load("sales")


def test_a_craft_per_key_of_a_query(tmp_path: Path, kind: str, address: Address, database: Path) -> None:
    extra = {"connection_string": address(database), "query": "SELECT * FROM sales WHERE day = '!{day}'"}
    root = project(
        tmp_path / "shop",
        {"name": "sales", "type": kind, "extra": extra},
        {"name": "total", "type": "json", "extra": {"path": "total-!{day}.json"}},
        modules={"per_day": CRAFTS.replace("@Craft()", '@Craft(per=("day",))')},
    )
    with session(root) as sess:
        import per_day

        pipeline = Pipeline("nightly") + per_day.total
        for day, total in (("2026-01-01", 16.5), ("2026-01-02", 12.25)):
            assert pipeline.run({"day": day}).steps["status"].tolist() == ["made"]
            assert sess.catalog.load("total", day=day) == total
        assert pipeline.run({"day": "2026-01-01"}).steps["status"].tolist() == ["skipped"]
        write(database, "INSERT INTO sales VALUES ('2026-01-02', 3, 1.0)")
        assert pipeline.snapshot(day="2026-01-02").inputs["sales"]
        # Without a day: those that were asked before are asked again.
        build = pipeline.run()
        assert build.steps["keys"].tolist() == [{"day": "2026-01-01"}, {"day": "2026-01-02"}]
        assert build.steps["status"].tolist() == ["skipped", "made"]


def test_a_call_of_a_craft_asks_too(tmp_path: Path, kind: str, address: Address, database: Path) -> None:
    @Craft()
    def count(sales: Artifact) -> Artifact("total"):  # type: ignore[valid-type]
        return len(sales)

    with session(shop(tmp_path, kind, address(database))):
        assert count() == 3
        write(database, "INSERT INTO sales VALUES ('2026-01-03', 1, 1.25)")
        assert count() == 4

"""``elliptio demo``."""

from __future__ import annotations

from tests.cli.conftest import Run


def test_demo(cli: Run) -> None:
    result = cli("demo")
    assert result.code == 0
    assert "Antarctica" in result.out
    assert len(cli("find", "--json").json) == 4


def test_demo_as_json(cli: Run, root: object) -> None:
    result = cli("demo", "--json")
    assert result.code == 0
    assert result.json == {"root": str(root)}
    assert "Antarctica" in result.err

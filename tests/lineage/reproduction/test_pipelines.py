"""What a pipeline made is made again by its command: byte for byte, though the lake has it already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.cli import main
from tests.cli.conftest import Result
from tests.lineage.reproduction.conftest import Clone, Desk, git

Run = Callable[[str, str], Result]

PROJECT = {
    "pyproject.toml": '[tool.elliptio.pipelines]\nproject_slug = "shop"\ncatalog = "catalog.yaml"\n'
    'pipelines_definitions = "pipelines/definitions.yaml"\nparameters = "pipelines/parameters.yaml"\n',
    "catalog.yaml": """\
- {name: sales, type: csv, extra: {path: sales.csv}}
- {name: turnover, type: csv, extra: {path: made/turnover.csv}}
- {name: best, type: json, extra: {path: "made/best_!{top}.json"}}
""",
    "sales.csv": "product,amount,price\napples,12,0.5\npears,7,0.8\nplums,20,0.25\n",
    "lib/prices.py": "def worth(sales):\n    return sales['amount'] * sales['price']\n",
    "lib/steps.py": """\
from prices import worth
from elliptio.pipelines import Artifact, Craft


@Craft()
def add_turnover(sales: Artifact) -> Artifact("turnover"):
    return sales.assign(turnover=worth(sales))


@Craft()
def choose(turnover: Artifact, top: int = 1) -> Artifact("best"):
    return list(turnover.nlargest(top, "turnover")["product"])
""",
    "run.py": """\
from elliptio.pipelines import Session

with Session() as sess:
    from steps import add_turnover, choose

    build = (add_turnover + choose).run({"top": 2})
print(build)
""",
    "pipelines/definitions.yaml": "best: {operators: [steps.add_turnover, steps.choose]}\n",
    "pipelines/parameters.yaml": "two: {top: 2}\n",
    ".gitignore": "__pycache__/\n.elliptio-project/\nmade/\n",
}


@pytest.fixture
def shop(clone: Clone) -> Path:
    """A project in a clone, that is committed."""
    folder = clone("andy")
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "a pipeline")
    git(folder, "push", "-q", "origin", "HEAD")
    return folder


@pytest.fixture
def reproduce(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command, as Carol types it far from any project."""
    monkeypatch.setenv("LOGNAME", "carol")
    monkeypatch.setenv("HOME", str(desk.home))
    monkeypatch.chdir(tmp_path)

    def reproduce(artifact_id: str, into: str) -> Result:
        words = ("--into", str(tmp_path / into), "--run", "--yes", "--json", "--root", str(desk.lake))
        return Result(main(["reproduce", artifact_id, *words]), *capsys.readouterr())

    return reproduce


def versions(desk: Desk, entry: str) -> list[eio.Artifact]:
    """Versions of an entry, the oldest first."""
    h = eio.Handler(desk.lake)
    found = h.find({"entry.name": entry, "reproduces": None}, sort=[("artifact_id", 1)])
    return [h.show(str(one)) for one in found.index]


@pytest.mark.slow
@pytest.mark.usefixtures("shared")
def test_each_step_is_made_again(desk: Desk, shop: Path, reproduce: Run, tmp_path: Path) -> None:
    desk.run("python", "run.py", cwd=shop)
    # Nobody commits this edit; the second build makes both again.
    (shop / "lib/prices.py").write_text("def worth(sales):\n    return sales['amount'] * (1 - sales['price'])\n")
    assert "2 made" in desk.run("python", "run.py", cwd=shop).stdout
    # Since then there is other data, and all is made a third time.
    (shop / "sales.csv").write_text("product,amount,price\nkiwis,1,0.1\nmelons,2,0.3\n")
    assert "2 made" in desk.run("python", "run.py", cwd=shop).stdout
    turnovers, bests = versions(desk, "turnover"), versions(desk, "best")
    assert [len(turnovers), len(bests)] == [3, 3]
    assert [one.load() for one in bests] == [["apples", "pears"], ["plums", "apples"], ["melons", "kiwis"]]
    shop.rename(tmp_path / "andy is gone")

    h = eio.Handler(desk.lake)
    for number, original in enumerate([turnovers[1], *bests[:2]]):
        done = reproduce(original.artifact_id, f"again {number}")
        assert done.json["same"] is True, (number, done.out, done.err)
        (result,) = done.json["results"]
        new = h.show(result["made"])
        assert new.metadata.reproduces == original.artifact_id
        assert new.metadata.fingerprint == original.metadata.fingerprint
        # What the command made itself on the way there was made again too.
        behind = [h.show(one).metadata for one in new.metadata.based_on]
        assert [one.reproduces or one.artifact_id for one in behind] == original.metadata.based_on
        assert new.metadata.username == "carol"
    # What was made again is no version: whoever goes on sees what was there before.
    assert [len(versions(desk, name)) for name in ("turnover", "best")] == [3, 3]


@pytest.mark.slow
@pytest.mark.usefixtures("shared")
def test_what_the_command_made_is_made_again(desk: Desk, shop: Path, reproduce: Run, tmp_path: Path) -> None:
    (shop / "lib/deeper").mkdir()
    words = ("pipelines", "run", "best", "-c", "two")
    assert "2 made" in desk.run("elliptio", *words, cwd=shop / "lib/deeper").stdout
    (shop / "lib/prices.py").write_text("def worth(sales):\n    return sales['amount'] * (1 - sales['price'])\n")
    assert "2 made" in desk.run("elliptio", *words, cwd=shop).stdout
    shop.rename(tmp_path / "andy is gone")
    for number, original in enumerate([versions(desk, "best")[0], versions(desk, "turnover")[1]]):
        done = reproduce(original.artifact_id, f"again {number}")
        assert done.json["same"] is True, (number, done.out, done.err)

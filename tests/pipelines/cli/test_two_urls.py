"""The project of a laptop is the project of a team: two URLs change, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import uuid4

import pytest

from tests.pipelines.cli.conftest import Run, edit

pytestmark = pytest.mark.slow

HELPER = "lib/shop/crafts.py"
Told = list[list[tuple[str, str, str]]]


def told(cli: Run, verb: str) -> list[tuple[str, str, str]]:
    done = cli("pipelines", verb, "report", "--json")
    assert done.code == 0, done.err
    return [(step["craft"], step["status"], step["why"]) for step in done.json["steps"]]


def followed(cli: Run) -> Told:
    """Follow the tour: plan, run, run again, edit a helper, plan, run, take the edit back, run."""
    found = [told(cli, "plan"), told(cli, "run"), told(cli, "run")]
    edit(Path(HELPER), "(1 - discount)", "(1 - discount) * 1.2")
    found += [told(cli, "plan"), told(cli, "run")]
    edit(Path(HELPER), "(1 - discount) * 1.2", "(1 - discount)")
    found.append(told(cli, "run"))
    assert cli("verify").code == 0
    return found


@pytest.mark.server
def test_a_folder_and_a_bucket_with_mongodb(
    cli: Run, shop: Path, mongodb_url: str, s3_root: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("of_the_team", "of_a_colleague"):
        shutil.copytree(shop, tmp_path / name)
    alone = followed(cli)
    assert [[status for _, status, _ in steps] for steps in alone] == [
        ["make", "make"],
        ["made", "made"],
        ["skipped", "skipped"],
        ["make", "make"],
        ["made", "made"],
        ["skipped", "skipped"],
    ]

    monkeypatch.setenv("ELLIPTIO_ROOT", s3_root)
    monkeypatch.setenv("ELLIPTIO_INDEX", f"{mongodb_url.rstrip('/')}/test_{uuid4().hex}")
    monkeypatch.chdir(tmp_path / "of_the_team")
    assert followed(cli) == alone
    made = {name: Path(name).read_bytes() for name in ("data/made/turnover.csv", "data/made/best_2.csv")}
    assert made == {name: (shop / name).read_bytes() for name in made}

    monkeypatch.chdir(tmp_path / "of_a_colleague")
    assert told(cli, "run") == alone[-1], "who has the lake makes nothing again"
    assert made == {name: Path(name).read_bytes() for name in made}

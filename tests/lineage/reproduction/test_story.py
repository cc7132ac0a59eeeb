"""The story: three steps by two people, with an edit and a file that nobody committed, made again by one command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import elliptio as eio
from tests.lineage.reproduction.conftest import Clone, Desk, git

PREPARE = """\
import numpy as np
import elliptio as eio

rng = np.random.default_rng(7)
x = rng.normal(size=(200, 3))
y = x @ [1.5, -2.0, 0.5] + rng.normal(scale=0.1, size=200)
with eio.Handler().new(["numbers.csv"], {"dataset": "numbers"}) as new:
    np.savetxt(new.file.local_path, np.column_stack([x, y]), delimiter=",")
"""

TRAIN = """\
import sys
import numpy as np
import elliptio as eio

h = eio.Handler()
data = np.loadtxt(h.latest({"labels.dataset": "numbers"}).file, delimiter=",")
x, y = data[:, :3], data[:, 3]
weights = np.random.default_rng(int(sys.argv[1])).normal(size=3)
for _ in range(300):
    weights -= 0.05 * x.T @ (x @ weights - y) / len(y)
with h.new(["model.npy"]) as new:
    np.save(new.file.local_path, weights)
"""

EDITED = TRAIN.replace("import numpy as np\n", "import numpy as np\nfrom scaling import scaled\n").replace(
    "x, y = data[:, :3], data[:, 3]", "x, y = scaled(data[:, :3]), data[:, 3]"
)

SCALING = """\
def scaled(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)
"""

EVALUATE = """\
import json
import numpy as np
import elliptio as eio

h = eio.Handler()
weights = np.load(h.get("model.npy:latest").file)
data = np.loadtxt(h.get("tag:train").file, delimiter=",")
loss = float(np.mean((data[:, :3] @ weights - data[:, 3]) ** 2))
with h.new(["report.json"]) as new:
    new.file.upload_string(json.dumps({"loss": loss}))
"""


@pytest.fixture
def clones(clone: Clone) -> dict[str, Path]:
    """Andy's clone, which is clean, and Brenda's, in which something is not committed."""
    andys = clone("andy")
    for name, text in (("steps/prepare.py", PREPARE), ("steps/train.py", TRAIN), ("steps/evaluate.py", EVALUATE)):
        (andys / name).parent.mkdir(exist_ok=True)
        (andys / name).write_text(text)
    (andys / ".gitignore").write_text("__pycache__/\n")
    git(andys, "add", ".")
    git(andys, "commit", "-q", "-m", "three steps")
    git(andys, "push", "-q", "origin", "HEAD")
    brendas = clone("brenda")
    (brendas / "steps/train.py").write_text(EDITED)
    (brendas / "steps/scaling.py").write_text(SCALING)
    return {"andy": andys, "brenda": brendas}


@pytest.mark.slow
def test_a_pipeline_is_made_again(desk: Desk, clones: dict[str, Path], tmp_path: Path) -> None:
    desk.run("python", "steps/prepare.py", cwd=clones["andy"])
    desk.run("elliptio", "tag", "numbers.csv:latest", "train", cwd=tmp_path)
    desk.run("python", clones["brenda"] / "steps/train.py", "11", cwd=clones["brenda"], user="brenda")
    desk.run("python", "evaluate.py", cwd=clones["andy"] / "steps")
    h = eio.Handler(desk.lake)
    report = h.latest({"file_relpaths": "report.json"}, track=False)
    model = h.latest({"file_relpaths": "model.npy"}, track=False)
    data = h.latest({"file_relpaths": "numbers.csv"}, track=False)
    assert [one.metadata.username for one in (data, model, report)] == ["andy", "brenda", "andy"]
    assert model.metadata.repository_root == str(clones["brenda"])
    # Since then there are younger data, and the clones are gone.
    later = h.upload(clones["brenda"] / "steps/scaling.py", {"dataset": "numbers"})
    h.tag(later, "train", overwrite=True)
    for name, folder in clones.items():
        folder.rename(tmp_path / f"{name} is gone")

    words = ("--into", tmp_path / "again", "--ancestors", "--run", "--yes", "--json")
    done = desk.run("elliptio", "reproduce", report.artifact_id[:-1], *words, cwd=tmp_path, user="carol")
    found = json.loads(done.stdout)
    print(done.stderr)
    assert found["same"] is True
    assert found["obstacles"] == []
    assert [result["artifact_id"] for result in found["results"]] == [one.artifact_id for one in (data, model, report)]
    for old, result in zip((data, model, report), found["results"], strict=True):
        new = h.get(result["made"], track=False)
        assert new.metadata.reproduces == old.artifact_id
        assert new.metadata.fingerprint == old.metadata.fingerprint
        assert new.metadata.username == "carol"
        assert new.metadata.git is not None
        assert new.metadata.git["commit"] == old.metadata.git["commit"]
        assert new.metadata.based_on == old.metadata.based_on
        assert result["inputs"] == []
        assert h.compare(old, new).packages.empty
        assert h.compare(old, new).git.same
    assert len(list((tmp_path / "again").glob("code*"))) == 2  # Brenda's differs by what she did not commit
    assert [path.name for path in (tmp_path / "again").glob("environment*/bin")] == ["bin"]
    # pip asks for the version of rustc, which may leave a folder.
    assert {path.name for path in desk.home.iterdir()} <= {".rustup"}
    (run,) = h.runs({"name": "reproduce"}).itertuples()
    assert run.status == "finished"
    assert set(run.used) >= {data.artifact_id, model.artifact_id}

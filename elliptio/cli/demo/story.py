"""Play ``elliptio demo``: three people, one lake, real data. Everything that is printed was really saved and found.

Andy prepares the Palmer penguins and saves them; Brenda finds them by query and trains a model; Charlie predicts with
it and measures it; Andy comes back and sees what became of his data; then Brenda lets a pipeline do what she does each
week. Each of them uses a `Handler` of their own, as they would in processes of their own, so that the lineage of each
is what they loaded themselves.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import tempfile
import textwrap
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import elliptio as eio
from elliptio.cli.demo import model as penguins
from elliptio.cli.demo import pipeline
from elliptio.config import load_settings

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["creation_time", "username", "file_relpaths"]
STRATIFICATION = "a fifth of each species and sex for the test"


def run(root: Path | None = None) -> None:
    """Play the story in the lake at `root`, by default one of its own; each run adds to it."""
    lake = Path(root if root is not None else default_root()).absolute()
    dataset_id = _andy_saves(lake)
    model_id = _brenda_trains(lake)
    predictions_id = _charlie_predicts(lake, model_id)
    _charlie_measures(lake, predictions_id)
    _andy_follows(lake, dataset_id)
    _brenda_repeats(lake)
    _say("All of it is real and stays there; look around:")
    print(f"  {lake}\n  {command(lake)}")


def command(lake: Path) -> str:
    """Write the line that lists a demo's artifacts in this shell: also where ``elliptio`` is not on its path."""
    called = Path(sys.argv[0]).absolute()
    found = shutil.which("elliptio")
    if found is not None and (called.name != "elliptio" or os.path.samefile(found, called)):
        words = ["elliptio"]
    elif called.name == "elliptio" and os.access(called, os.X_OK):
        words = [str(called)]
    else:
        words = [sys.executable, "-m", "elliptio"]
    words += ["find", "--root", str(lake)]
    if load_settings()["index"].value:  # which is not the demo's
        words += ["--index", index_of(lake)]
    return shlex.join(words)


def load_penguins() -> pd.DataFrame:
    """Read the data set: Palmer penguins, 344 rows (its source and licence are in ``data/README.md``)."""
    import pandas as pd

    with resources.files(__package__).joinpath("data", "penguins.csv").open("rb") as file:
        return pd.read_csv(file)


def split(table: pd.DataFrame, *, seed: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split into train and test with the same share of each species and sex; unmeasured penguins are left out."""
    measured = table.dropna(subset=[*penguins.FEATURES, penguins.TARGET])
    strata = measured.fillna({"sex": "unknown"}).groupby([penguins.TARGET, "sex"])
    test = measured.loc[strata.sample(frac=0.2, random_state=seed).index.sort_values()]
    return measured.drop(index=test.index), test


def _andy_saves(lake: Path) -> str:
    _say("Andy has stratified a data set in a way of his own: train.csv and test.csv. He saves both with one call.")
    with eio.mock_username("andy"), tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, "train.csv"), Path(folder, "test.csv")]
        for table, path in zip(split(load_penguins()), paths, strict=True):
            table.to_csv(path, index=False)
        h = _handler(lake)
        labels = eio.Labels(
            ticket="AB-123", project="penguins", datatype="dataset", infos={"stratification": STRATIFICATION}
        )
        artifact = h.upload(paths, labels=labels)
        _show_files(artifact)
        return artifact.artifact_id


def _brenda_trains(lake: Path) -> str:
    _say("Andy is off to Antarctica, and nobody knows where his files are. Brenda asks for what she knows of them.")
    with eio.mock_username("brenda"):
        h = _handler(lake)
        query = {"username": "andy", "labels.project": "penguins", "labels.datatype": "dataset"}
        found = h.find(query, columns=[*COLUMNS, "labels.ticket"])
        _show(found)

        _say("She takes the newest, sees which pandas Andy had, and trains on it. No path was typed by anybody.")
        dataset = h.get(str(found.index[0]))
        print(f"  Andy's pandas: {dataset.metadata.python_packages['pandas']}")
        labels = eio.Labels(ticket="AB-124", project="penguins", datatype="model")
        with h.new(["model.json"], labels=labels) as new:
            *_, (model, loss) = penguins.train(_read_csv(dataset.files["train.csv"]))
            new.file.local_path.write_text(model.to_json(), encoding="utf-8")
        print(f"  trained on {', '.join(model.features)}: loss {loss:.3f}")
        _show_files(new)
        return new.artifact_id


def _charlie_predicts(lake: Path, model_id: str) -> str:
    _say("Charlie gets Brenda's model and, through its lineage, Andy's test.csv, and saves what the model predicts.")
    with eio.mock_username("charlie"):
        h = _handler(lake)
        model = h.get(model_id)
        dataset = h.get(model.metadata.based_on[0])
        table = _read_csv(dataset.files["test.csv"])
        table["predicted"] = penguins.Model.from_json(model.file.download_string()).predict(table)
        with h.new(["predictions.csv"], labels=eio.Labels(project="penguins", datatype="predictions")) as new:
            table[["species", "predicted"]].to_csv(new.file.local_path, index=False)
        _show_files(new)
        return new.artifact_id


def _charlie_measures(lake: Path, predictions_id: str) -> None:
    _say("In another step he measures the predictions.")
    with eio.mock_username("charlie"):
        h = _handler(lake)
        table = _read_csv(h.get(predictions_id).file)
        correct = int((table["species"] == table["predicted"]).sum())
        metrics = {"accuracy": round(correct / len(table), 4), "correct": correct, "penguins": len(table)}
        with h.new(["metrics.json"], labels=eio.Labels(project="penguins", datatype="metrics")) as new:
            new.file.local_path.write_text(json.dumps(metrics), encoding="utf-8")
        _show_files(new)


def _andy_follows(lake: Path, dataset_id: str) -> None:
    _say("Andy is back. Did anybody use his data?")
    with eio.mock_username("andy"):
        h = _handler(lake)
        _show(h.find({"based_on": dataset_id}, columns=COLUMNS))

        _say("They did. He follows the lineage, which nobody had to write down, to Charlie's metrics.")
        lineage = h.lineage(dataset_id)
        print(textwrap.indent(str(lineage), "  "))
        for node in lineage.nodes():
            if node.document.get("file_relpaths") == ["metrics.json"]:
                print(f"\n  {h.show(node.artifact_id).file.download_string()}")


def _brenda_repeats(lake: Path) -> None:
    if pipeline.is_possible():
        pipeline.play(_handler(lake), load_penguins(), _say)
    else:
        _say("With `pip install 'elliptio[pipelines]'` the demo goes on: a pipeline, of which only runs what changed.")


def _read_csv(file: eio.RemoteFile) -> pd.DataFrame:
    import pandas as pd

    with file.open() as content:
        return pd.read_csv(content)


def _handler(lake: Path) -> eio.Handler:
    """Open the lake with the index inside it, whatever ``ELLIPTIO_INDEX`` says: a demo stays in its folder."""
    return eio.Handler(lake, index=index_of(lake))


def index_of(lake: Path) -> str:
    """Address the index inside a lake."""
    return f"sqlite:///{lake}/.elliptio/index.sqlite"


def default_root() -> Path:
    """Return the demo's folder among the user's data or, where that cannot be written, a temporary one."""
    from platformdirs import user_data_path

    root = user_data_path("elliptio", appauthor=False) / "demo"
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="elliptio-demo-"))
    return root


def _say(text: str) -> None:
    print(f"\n{textwrap.fill(text, 100)}\n")


def _show(found: pd.DataFrame, most: int = 3) -> None:
    minutes = {"creation_time": "{:%Y-%m-%d %H:%M}".format}
    print(textwrap.indent(found.head(most).to_string(formatters=minutes), "  "))
    if len(found) > most:
        print(f"  ... {len(found):,} in all, the newest first")


def _show_files(artifact: eio.Artifact) -> None:
    for file in artifact.files.values():
        print(f"  {file.remote_url}")

"""A training job for a cluster: what it loads and what it makes are recorded without a path being written down.

Run ``elliptio demo`` once, and then, with the folder that it prints,

    python notebooks/training_job.py --root FOLDER --data '{"labels.datatype": "dataset"}' --epochs 500

On a cluster the lake comes from ELLIPTIO_ROOT and ELLIPTIO_INDEX, the same for every node, and the job is given the
very artifact to train on (``--artifact artifact_...``), so that it is the same data however long the job waits.
"""

import argparse
import csv
import json

import pandas as pd

import elliptio as eio
from elliptio.cli.demo.model import train


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train a model on an artifact that has a train.csv.")
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--artifact", metavar="ID", help="artifact to train on; the beginning of its id will do")
    data.add_argument("--data", metavar="QUERY", type=json.loads, help="or the newest that this JSON query finds")
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--ticket", default="", help="why this job runs")
    parser.add_argument("--root", help="the lake (default: the settings of elliptio)")
    arguments = parser.parse_args()
    if arguments.epochs < 1:
        parser.error("--epochs must be at least 1")
    return arguments


def newest(h: eio.Handler, query: dict) -> str:
    """Identifier of the newest artifact that a query finds."""
    found = h.find(query, columns=["creation_time"])  # newest first
    if found.empty:
        raise SystemExit(f"Nothing in the lake matches {json.dumps(query)}.")
    return found.index[0]


def main() -> None:
    """Load, train, save."""
    arguments = parse_arguments()
    h = eio.Handler(arguments.root)

    # `get` is what makes the lineage: whatever is loaded here, the model below is based on.
    dataset = h.get(arguments.artifact or newest(h, arguments.data))
    print(f"training on {dataset.artifact_id} by {dataset.metadata.username}")
    with dataset.files["train.csv"].open() as file:
        table = pd.read_csv(file)

    labels = eio.Labels(
        ticket=arguments.ticket, project="penguins", datatype="model", infos={"epochs": arguments.epochs}
    )
    # Both files appear together when the block ends. If the job is killed before that, nothing appears at all.
    with h.new(["model.json", "history.csv"], labels=labels) as new:
        with open(new.files["history.csv"].local_path, "w", newline="") as file:
            history = csv.writer(file)
            history.writerow(["epoch", "loss"])
            for epoch, step in enumerate(train(table, epochs=arguments.epochs), start=1):
                model, loss = step
                history.writerow([epoch, loss])
                if epoch % 100 == 0:
                    print(f"epoch {epoch}: loss {loss:.4f}")
        new.files["model.json"].local_path.write_text(model.to_json())

    print(f"saved {new.artifact_id}")


if __name__ == "__main__":
    main()

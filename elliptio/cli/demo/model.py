"""Train a small real model: multinomial logistic regression on standardised features, with numpy only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

FEATURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
TARGET = "species"


@dataclass(frozen=True)
class Model:
    """The model that `train` learned; plain lists, so that it is one JSON file."""

    features: Sequence[str]
    classes: Sequence[str]
    mean: Sequence[float]
    scale: Sequence[float]
    weights: Sequence[Sequence[float]]
    """One row per feature, then one for the intercept; one column per class."""

    def predict(self, table: pd.DataFrame) -> list[str]:
        """Predict the most probable class of each row."""
        import numpy as np

        scaled = (table[list(self.features)].to_numpy(float) - np.array(self.mean)) / np.array(self.scale)
        scores = np.column_stack([scaled, np.ones(len(scaled))]) @ np.array(self.weights)
        return [self.classes[best] for best in scores.argmax(axis=1)]

    def to_json(self) -> str:
        """Write as JSON."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> Model:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


def train(table: pd.DataFrame, *, epochs: int = 300, rate: float = 0.5) -> Iterator[tuple[Model, float]]:
    """Learn by gradient descent: the model and its mean loss (cross entropy) after each epoch."""
    import numpy as np

    classes, target = np.unique(table[TARGET].to_numpy(str), return_inverse=True)
    features = table[list(FEATURES)].to_numpy(float)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    inputs = np.column_stack([(features - mean) / scale, np.ones(len(features))])
    expected = np.eye(len(classes))[target]
    weights = np.zeros((inputs.shape[1], len(classes)))
    for _ in range(epochs):
        weights -= rate / len(inputs) * inputs.T @ (_softmax(inputs @ weights) - expected)
        loss = -np.log(_softmax(inputs @ weights)[expected == 1]).mean()
        yield Model(FEATURES, classes.tolist(), mean.tolist(), scale.tolist(), weights.tolist()), float(loss)


def _softmax(scores: np.ndarray) -> np.ndarray:
    import numpy as np

    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

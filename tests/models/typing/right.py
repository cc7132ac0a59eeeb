"""A typed example that mypy accepts."""

from __future__ import annotations

from typing import assert_type

from elliptio.models import DataModel, field, migration, model_field


class Layer(DataModel, version=1):
    size: int
    name: str = "dense"


class Training(DataModel, version=2, kw_only=True, name="training", aliases=("Fit",)):
    rate: float
    layers: list[Layer] = field(default_factory=list)
    options: dict[str, int] = model_field(default_factory=dict)

    @migration(1, 2)
    def renamed(data: dict[str, object]) -> dict[str, object]:
        return {"rate": data["learning_rate"]}


layer = Layer(3, "conv")
training = Training(rate=0.1, layers=[layer], options={"a": 1})
assert_type(training.rate, float)
assert_type(training.layers, list[Layer])
assert_type(layer.name, str)

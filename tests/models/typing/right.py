"""A typed example that type checkers accept."""

from __future__ import annotations

from datetime import datetime
from typing import assert_type

import elliptio as eio
from elliptio.models import DataModel, Node, create_current, field, migration, model_field, sync, write_model


class Layer(DataModel, version=1):
    size: int
    name: str = "dense"


class Training(DataModel, version=2, kw_only=True, name="training", aliases=("Fit",)):
    rate: float
    layers: list[Layer] = field(default_factory=list)
    options: dict[str, int] = model_field(default_factory=dict)

    @migration(1, 2)
    @staticmethod
    def renamed(data: dict[str, object]) -> dict[str, object]:
        return {"rate": data["learning_rate"]}


layer = Layer(3, "conv")
training = Training(rate=0.1, layers=[layer], options={"a": 1})
assert_type(training.rate, float)
assert_type(training.layers, list[Layer])
assert_type(layer.name, str)


class Run(Node):
    started_at: datetime
    rate: float = 0.1


async def save(h: eio.Handler, at: datetime) -> str:
    assert_type(h.save(training, "t").artifact_id, str)
    with sync.current_node(Run, started_at=at) as node:
        assert_type(node.rate, float)
    async with create_current(Run(started_at=at)) as other:
        assert_type(other, Run)
        return await write_model("layer", layer)

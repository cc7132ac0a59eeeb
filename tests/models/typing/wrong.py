"""A typed example each marked line of which type checkers refuse."""

from __future__ import annotations

from elliptio.models import DataModel


class Layer(DataModel, version=1):
    size: int
    name: str = "dense"


class Training(DataModel, version=2, kw_only=True):
    rate: float


Layer("three")  # wrong: a text for an int
Layer()  # wrong: a field is missing
Layer(3, colour="red")  # wrong: no such field
Training(0.1)  # wrong: only by keyword
Layer(3).size = 4  # wrong: it is frozen
print(Layer(3).colour)  # wrong: no such field
text: str = Layer(3).size  # wrong: it is an int

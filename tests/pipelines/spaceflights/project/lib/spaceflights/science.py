"""A linear regression, and how good it is."""

from typing import Annotated

import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.metrics import max_error, mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split

from elliptio.pipelines import Artifact, Craft, Volatile


@Craft()
def split_data(
    model_input_table: Annotated[pd.DataFrame, Artifact], features: list[str], test_size: float, random_state: int
) -> Volatile.of("x_train", "x_test", "y_train", "y_test"):
    """Keep some shuttles for the test."""
    x, y = model_input_table[features], model_input_table["price"]
    return tuple(train_test_split(x, y, test_size=test_size, random_state=random_state))


@Craft()
def train_model(x_train: Volatile, y_train: Volatile) -> Annotated[LinearRegression, Artifact("regressor")]:
    """Fit."""
    return LinearRegression().fit(x_train, y_train)


@Craft()
def evaluate_model(
    regressor: Artifact, x_test: Volatile, y_test: Volatile
) -> Annotated[dict[str, float], Artifact("metrics")]:
    """Compare with the prices that it did not see."""
    guessed = regressor.predict(x_test)
    return {
        "r2": float(r2_score(y_test, guessed)),
        "mae": float(mean_absolute_error(y_test, guessed)),
        "max_error": float(max_error(y_test, guessed)),
    }

"""Values as people wrote them down, as numbers."""

import pandas as pd


def parse_price(texts: pd.Series) -> pd.Series:
    """Read ``$1,715.0``."""
    return texts.str.replace(r"[$,]", "", regex=True).astype(float)


def parse_percent(texts: pd.Series) -> pd.Series:
    """Read ``90%``."""
    return texts.str.rstrip("%").astype(float) / 100


def is_true(letters: pd.Series) -> pd.Series:
    """Read ``t`` and ``f``; what is missing is not true."""
    return letters == "t"

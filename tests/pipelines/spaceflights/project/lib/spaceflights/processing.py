"""From three tables as they came to one that a model learns from."""

from typing import Annotated

import pandas as pd

from elliptio.pipelines import Artifact, Craft
from spaceflights.parsing import is_true, parse_percent, parse_price

Table = Annotated[pd.DataFrame, Artifact]


@Craft(tags=["processing"])
def preprocess_companies(companies: Table) -> Annotated[pd.DataFrame, Artifact("preprocessed_companies")]:
    """Read ratings and approvals."""
    return companies.assign(
        iata_approved=is_true(companies["iata_approved"]), company_rating=parse_percent(companies["company_rating"])
    )


@Craft(tags=["processing"])
def preprocess_shuttles(shuttles: Table) -> Annotated[pd.DataFrame, Artifact("preprocessed_shuttles")]:
    """Read checks and prices."""
    return shuttles.assign(
        d_check_complete=is_true(shuttles["d_check_complete"]),
        moon_clearance_complete=is_true(shuttles["moon_clearance_complete"]),
        price=parse_price(shuttles["price"]),
    )


@Craft(tags=["processing"])
def create_model_input_table(
    preprocessed_shuttles: Table, preprocessed_companies: Table, reviews: Table
) -> Annotated[pd.DataFrame, Artifact("model_input_table")]:
    """Join what is known of each shuttle; leave out those of which something is not."""
    reviewed = preprocessed_shuttles.merge(reviews, left_on="id", right_on="shuttle_id").drop(columns="id")
    owned = reviewed.merge(preprocessed_companies, left_on="company_id", right_on="id")
    return owned.dropna().reset_index(drop=True)

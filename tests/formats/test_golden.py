"""What was saved in a format once opens for ever."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from elliptio import formats
from tests.formats.golden import make

OPTIONS = json.loads((make.FOLDER / "options.json").read_text(encoding="utf-8"))


def test_each_format_has_a_file() -> None:
    # Those of images and figures are not elliptio's own, and a figure cannot be read.
    own = {name for name in formats.names() if type(formats.get(name)).__module__.startswith("elliptio.formats.")}
    assert {*make.values(), "image", "figure"} == own


@pytest.mark.parametrize("name", make.values())
def test_it_is_read_as_it_was_saved(name: str) -> None:
    file, value = make.values()[name]
    with (make.FOLDER / file).open("rb") as opened:
        found = formats.get(name).read(opened, **OPTIONS[file])
    if isinstance(value, pd.DataFrame):
        pd.testing.assert_frame_equal(value, found, check_freq=True)
        assert found.attrs == value.attrs
    elif isinstance(value, np.ndarray):
        assert (found.dtype, found.flags.f_contiguous, found.tolist()) == (value.dtype, True, value.tolist())
    elif name == "npz":
        assert {key: array.tolist() for key, array in found.items()} == {"b": [0, 1], "a": ["é"]}
    else:
        assert repr(found) == repr(value)

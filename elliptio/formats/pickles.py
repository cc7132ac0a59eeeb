"""Objects of any class, by joblib or pickle. Reading them runs what they say: only read those of people you trust."""

from __future__ import annotations

import pickle
from typing import Any, BinaryIO

from elliptio.errors import ValueRefusedError
from elliptio.formats.libraries import check_options, need, parsing
from elliptio.protocols import Format

REFUSED = (pickle.PicklingError, TypeError, AttributeError, RecursionError)
"""Errors by which objects say that they cannot be pickled."""


class Pickle(Format):
    """Any object, by pickle; only where it is named: ``format="pickle"``."""

    name, suffixes = "pickle", (".pickle", ".pkl")
    runs_code = True

    def write(self, value: Any, file: BinaryIO, **options: Any) -> None:
        """Write an object; ``protocol`` is an option."""
        check_options(self.name, options, own=["protocol"])
        try:
            content = pickle.dumps(value, **options)
        except REFUSED as error:
            raise ValueRefusedError(f"value cannot be pickled: {error}.") from error
        file.write(content)

    def read(self, file: BinaryIO, **options: Any) -> Any:
        """Read an object, which may run any code."""
        check_options(self.name, options)
        with parsing(self.name):
            return pickle.load(file)


class Joblib(Format):
    """Any object, by joblib: models of scikit-learn, and what holds large arrays."""

    name, suffixes, types = "joblib", (".joblib",), ("sklearn.base.BaseEstimator",)
    runs_code = True

    def write(self, value: Any, file: BinaryIO, **options: Any) -> None:
        """Write an object; options are those of ``joblib.dump``, such as ``compress``."""
        joblib = need("joblib", "elliptio[formats]", "joblib")
        check_options(self.name, options, joblib.dump, but=["value", "filename"])
        start = file.tell()
        try:
            joblib.dump(value, file, **options)
        except REFUSED as error:
            file.seek(start)
            file.truncate()
            raise ValueRefusedError(f"value cannot be pickled: {error}.") from error

    def read(self, file: BinaryIO, **options: Any) -> Any:
        """Read an object, which may run any code."""
        joblib = need("joblib", "elliptio[formats]", "joblib")
        check_options(self.name, options)
        with parsing(self.name):
            return joblib.load(file)

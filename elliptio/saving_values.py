"""The verb that saves values, which a unit of work has beside those for files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from elliptio.artifacts.artifact import Artifact
from elliptio.finding.references import BasedOn
from elliptio.labels import LabelsLike

if TYPE_CHECKING:
    from elliptio.metadata import Metadata
    from elliptio.saving.publication import Publication


class SavesValues:
    """Part of `Work`: saves values by the suffixes of their names."""

    def save(
        self,
        value: Any,
        name: str | os.PathLike[str] | None = None,
        labels: LabelsLike = None,
        *,
        format: str | None = None,
        based_on: BasedOn = None,
        **options: Any,
    ) -> Artifact:
        """Save a value as a file, by the suffix of its name; ``.load()`` of the artifact gives it back, equal.

        What a format would change is kept beside the data, or refused before anything is published.

        Parameters
        ----------
        value
            A table, an array, a text, plain values, an image, a figure, a model, …; or, where no name is given, a
            mapping from names to such values, which become the files of one artifact.
        name
            Of the file: ``"train.parquet"``. Without a suffix it gets the usual one of the value's class.
        labels, based_on
            As for `upload`.
        format
            Name of a format, instead of that of the suffix; ``"pickle"`` has to be named.
        options
            Passed on to the format, such as ``compression="zstd"`` of Parquet.

        Raises
        ------
        ValueRefusedError
            If a value would not come back equal. The message names where in it that is, and what to do.
        UnknownFormatError
            If there is no such format, none for this suffix, or none for this class.
        FormatOptionError
            If the format has no such option.
        MissingExtraError
            If a library is not installed.
        SourceError, MetadataError
            If a name or labels cannot be stored.
        StoreError, IndexUnavailableError
            If the store or the index fails.

        """
        from elliptio.saving import values

        planned = values.plan(value, name, format)
        return self._artifact(values.save(self._publication(labels, based_on), planned, options))

    def _artifact(self, metadata: Metadata) -> Artifact:
        raise NotImplementedError

    def _publication(self, labels: LabelsLike, based_on: BasedOn) -> Publication:
        raise NotImplementedError

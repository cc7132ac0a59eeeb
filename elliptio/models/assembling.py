"""The format of data models: ``artifact.load()`` makes the model of all files of its artifact."""

from __future__ import annotations

from typing import Any

from elliptio.models.content import ModelFile
from elliptio.models.loading import load_model


class ModelFormat(ModelFile):
    """Make a data model of the files of its artifact."""

    def assemble(self, artifact: Any, *, strict: bool) -> Any:
        """Make the model that an artifact holds."""
        return load_model(artifact, strict=strict)


MODEL = ModelFormat()

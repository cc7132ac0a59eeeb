"""Code of crafts."""

from elliptio.pipelines.code.reader import Reader, code_of
from elliptio.pipelines.code.records import Code, Part, as_record, changes

__all__ = ["Code", "Part", "Reader", "as_record", "changes", "code_of"]

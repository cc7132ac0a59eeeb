"""Define every error that elliptio raises, as one tree.

Each also derives from the builtin a caller would expect (``KeyError``, ``ValueError``, ``FileNotFoundError``, ...),
so that code which never heard of elliptio can still handle it.

::

    ElliptioError
    ├── ConfigError (ValueError)            a setting is wrong
    ├── QueryError (ValueError)             a query elliptio cannot answer exactly
    ├── MetadataError (ValueError)          labels or names that cannot be stored faithfully
    ├── SourceError (ValueError)            files to save that cannot be saved as asked
    │   └── SourceNotFoundError (FileNotFoundError)
    ├── ValueRefusedError (ValueError)      a value that a format would change
    ├── UnknownFormatError (KeyError)       no format has this name or suffix
    ├── FormatOptionError (TypeError)       an option that a format does not have
    ├── WriteOnlyError (ValueError)         a format whose values cannot be loaded
    ├── NotWrittenError (FileNotFoundError) a declared file was not written
    ├── DocumentNotFoundError (LookupError) no artifact, or not just one, has this id
    ├── FileKeyError (KeyError)             the artifact has no such file
    ├── InUseError                          others depend on what was to be deleted
    ├── TagTakenError                       the tag names another artifact
    ├── ReproductionError (RuntimeError)    an artifact cannot be made again
    ├── IntegrityError                      stored bytes are not the bytes that were saved
    ├── FormatError (ValueError)            written by a newer elliptio, or damaged
    ├── MissingExtraError (ImportError)     an optional dependency is not installed
    ├── StoreError (OSError)                the store failed
    │   └── MissingKeyError (FileNotFoundError)
    └── IndexUnavailableError (ConnectionError)  the index failed or cannot be reached
"""

from __future__ import annotations


class ElliptioError(Exception):
    """Base of every error that elliptio raises on purpose."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument; a sentence should read as a sentence.
        return str(self.args[0]) if len(self.args) == 1 else super().__str__()


class ConfigError(ElliptioError, ValueError):
    """A setting is unknown, malformed or contradicts another."""


class QueryError(ElliptioError, ValueError):
    """A query is malformed, or uses an operator that elliptio does not answer."""


class MetadataError(ElliptioError, ValueError):
    """Labels, names or other metadata that cannot be stored faithfully."""


class SourceError(ElliptioError, ValueError):
    """The files to save cannot be saved as asked."""


class SourceNotFoundError(SourceError, FileNotFoundError):
    """Files to save do not exist."""


class ValueRefusedError(ElliptioError, ValueError):
    """A format would not give this value back as it is, so nothing was saved."""


class UnknownFormatError(ElliptioError, KeyError):
    """No format has this name or this suffix, or it has to be named."""


class FormatOptionError(ElliptioError, TypeError):
    """A format has no such option."""


class WriteOnlyError(ElliptioError, ValueError):
    """A format can be saved to, but nothing can be loaded from it."""


class NotWrittenError(ElliptioError, FileNotFoundError):
    """A file declared to ``h.new`` was not written, so nothing was published."""


class DocumentNotFoundError(ElliptioError, LookupError):
    """No artifact has this id, or a shortened id fits more than one."""


class FileKeyError(ElliptioError, KeyError):
    """The artifact has no such file, or not exactly one."""


class InUseError(ElliptioError):
    """Other artifacts are based on what was to be deleted, or tags name it."""


class TagTakenError(ElliptioError):
    """The tag names another artifact."""


class ReproductionError(ElliptioError, RuntimeError):
    """An artifact cannot be made again as asked."""


class IntegrityError(ElliptioError):
    """Stored bytes are not the bytes that were saved."""


class FormatError(ElliptioError, ValueError):
    """A document or file of the lake is damaged, or was written by a newer elliptio."""


class MissingExtraError(ElliptioError, ImportError):
    """An optional dependency is not installed."""


class StoreError(ElliptioError, OSError):
    """The store that holds the files failed."""


class MissingKeyError(StoreError, FileNotFoundError):
    """The store has no file under this key."""


class IndexUnavailableError(ElliptioError, ConnectionError):
    """The index that holds the documents failed or cannot be reached."""

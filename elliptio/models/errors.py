"""Define every error of data models and nodes, as one branch of elliptio's tree.

::

    ElliptioError
    ├── ModelDefinitionError (TypeError)                   a class cannot be a data model: no version, a wrong migration
    │   └── FieldTypeError                                 a field's type has no faithful form
    ├── DuplicateModelError (ValueError, RuntimeError)     two classes, serializers or storages have one explicit name
    ├── UnfitValueError (TypeError, ValueError)            values do not fit the types of their fields: all, by path
    ├── DamagedModelError (ValueError)                     a file or document of a model is not what it should be
    ├── MigrationError (ValueError)                        the class cannot take what an older or newer version wrote
    ├── NotAModelError (ValueError)                        the artifact is no model, or the class is none
    ├── UnknownSerializerError (LookupError, ValueError)   nobody registered the serializer or storage of a field
    └── NodeNotFoundError (LookupError, RuntimeError)      no such node
        └── NoCurrentNodeError                             "current", outside of a node
"""

from __future__ import annotations

from elliptio.errors import ElliptioError


class ModelDefinitionError(ElliptioError, TypeError):
    """A class cannot be a data model."""


class FieldTypeError(ModelDefinitionError):
    """The type of a field has no faithful form; the message names each such field by its path."""


class DuplicateModelError(ElliptioError, ValueError, RuntimeError):
    """Two classes, serializers or storages have one explicit name; the message says where both are."""


class UnfitValueError(ElliptioError, TypeError, ValueError):
    """Values do not fit the declared types, or have no faithful form; the message names each by its path."""


class DamagedModelError(ElliptioError, ValueError):
    """A file or a document of a model is not what elliptio writes."""


class MigrationError(ElliptioError, ValueError):
    """The class cannot take what another version of it wrote; the message names the gap or the missing field."""


class NotAModelError(ElliptioError, ValueError):
    """An artifact is no model, or a class is none."""


class UnknownSerializerError(ElliptioError, LookupError, ValueError):
    """Nobody registered the serializer or the storage that a field was saved with."""


class NodeNotFoundError(ElliptioError, LookupError, RuntimeError):
    """There is no node of this identifier."""


class NoCurrentNodeError(NodeNotFoundError):
    """Nothing is "current" outside of a node."""

"""Define every error of projects, catalogs, crafts, pipelines and snapshots, as one branch of elliptio's tree.

::

    ElliptioError
    ├── ConfigError (ValueError)
    │   └── ProjectError                                a file of a project is wrong
    │       ├── ProjectNotFoundError (FileNotFoundError)   no pyproject.toml with the table, or no such file
    │       └── TemplateError                           Jinja: undefined name, wrong syntax
    ├── UnknownNameError (KeyError)                     no entry, pipeline, configuration, craft, type has this name
    ├── DuplicateNameError (ValueError)                 two have the same name
    ├── EntryError (ValueError)                         an entry of the catalog is wrong, or cannot do what is asked
    │   └── MissingKeysError (KeyError)                 a value of a `!{key}` is not given
    ├── ArgumentError (TypeError, ValueError)           what was given is not of the kind that is taken
    ├── VersionNotFoundError (FileNotFoundError, KeyError, ValueError)   an entry has no such version
    ├── NoSessionError (RuntimeError)                   not inside `with sess:`
    ├── CraftDefinitionError (TypeError, ValueError)    a craft's hints, parameters or results are wrong
    ├── PipelineDefinitionError (ValueError)            a cycle, two producers, an input that nobody makes
    │   └── UnknownInputError (KeyError)                the last of these
    ├── CraftError (RuntimeError)                       a craft failed; its cause is the error's cause
    │   └── ValidationError (ValueError)                a craft's `validate` refused what it made
    ├── SelectionError (ValueError)                     `select=` names nothing
    ├── SnapshotNotFoundError (KeyError, ValueError)    no such graph, snapshot or tag
    └── SnapshotTagTakenError (ValueError)              a tag names another snapshot
"""

from __future__ import annotations

from elliptio.errors import ConfigError, ElliptioError


class ProjectError(ConfigError):
    """A file of a project cannot be read or says something that cannot be."""


class ProjectNotFoundError(ProjectError, FileNotFoundError):
    """There is no project here, or a file that it names is not there."""


class TemplateError(ProjectError):
    """A template uses a name that nobody defined, or is none."""


class UnknownNameError(ElliptioError, KeyError):
    """Nothing of the kind has this name; the message says which names are like it."""


class DuplicateNameError(ElliptioError, ValueError):
    """Two of a kind have the same name; the message says where both are."""


class EntryError(ElliptioError, ValueError):
    """An entry of the catalog is wrong, or cannot do what is asked of it."""


class MissingKeysError(EntryError, KeyError):
    """A value for a ``!{key}`` of an entry was not given."""


class ArgumentError(ElliptioError, TypeError, ValueError):
    """An argument is not of the kind that a verb takes."""


class VersionNotFoundError(ElliptioError, FileNotFoundError, KeyError, ValueError):
    """An entry has no such version, or none at all."""


class NoSessionError(ElliptioError, RuntimeError):
    """Code was called that needs a session, and there is none here."""


class CraftDefinitionError(ElliptioError, TypeError, ValueError):
    """A craft's hints, its parameters or the number of its results are wrong."""


class PipelineDefinitionError(ElliptioError, ValueError):
    """Crafts cannot be joined: a cycle, two of one name, two producers of one name, an input that nobody makes."""


class UnknownInputError(PipelineDefinitionError, UnknownNameError):
    """A craft takes what nobody makes, and what is no entry of the catalog."""


class CraftError(ElliptioError, RuntimeError):
    """A craft failed; what it raised is the cause of this error."""


class ValidationError(CraftError, ValueError):
    """Results of a craft were refused by its ``validate``, so nothing was published."""


def failed(message: str, cause: BaseException) -> CraftError:
    """Make the error of a craft that failed: what caught its refused results by their error catches it."""
    return (ValidationError if isinstance(cause, ValidationError) else CraftError)(message)


def reason(error: BaseException) -> str:
    """Say why a craft failed, with the class of an error of its own: of a KeyError the text alone is a riddle."""
    cause = error.__cause__ or error
    return str(cause) if isinstance(cause, ElliptioError) and str(cause) else named(cause)


def named(error: BaseException) -> str:
    """Say what an error says, with its class: many have no text."""
    name, text = type(error).__name__, str(error)
    return f"{name}: {text}" if text else name


def sentence(text: str) -> str:
    """End a text with a dot, unless it ends as a sentence already."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


class SelectionError(ElliptioError, ValueError):
    """A selection names no craft of the pipeline."""


class SnapshotNotFoundError(ElliptioError, KeyError, ValueError):
    """There is no such graph, snapshot or tag."""


class SnapshotTagTakenError(ElliptioError, ValueError):
    """The tag names another snapshot."""

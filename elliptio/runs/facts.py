"""Describe a run: its name, what it was given, what it measured, how it ended; checked, and without secrets."""

from __future__ import annotations

import operator
import traceback
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from elliptio.errors import MetadataError
from elliptio.labels import check_labels
from elliptio.lake import run_records
from elliptio.protocols import Document
from elliptio.provenance import collecting
from elliptio.provenance.collecting import Provenance
from elliptio.provenance.redaction import redact, redact_values
from elliptio.runs.scopes import Scope
from elliptio.system import liveness
from elliptio.system.warn import is_inside

MOST_BYTES = 200
"""Of a name in UTF-8."""

MOST_OF_ERROR = 2000
"""Characters that are kept of what an exception says."""

MOST_OF_TRACEBACK = 20_000
"""Characters that are kept of a traceback, from its end."""

MOST_OF_NOTE = 10_000
"""Characters of a note."""


def describe(
    name: str,
    params: Mapping[str, Any] | None,
    labels: Any,
    *,
    run_id: str,
    moment: datetime,
    outer: Scope,
    inherited: list[str],
    seen: Provenance,
) -> Document:
    """Say what is known of a run when it begins: `seen` is what is recorded of an artifact that is made then.

    What it inherited was loaded around it before.

    Raises
    ------
    MetadataError
        If the name, the parameters or the labels cannot be stored.

    """
    parent = outer.run_id if outer.run is not None else None
    return {
        "run_id": run_id,
        "name": check_name(name),
        "parent": parent,
        "root": outer.run.root if outer.run is not None else run_id,
        "inherited": inherited,
        "creation_time": moment,
        "username": seen.username,
        "hostname": seen.hostname,
        "argv": seen.argv,
        "params": check_params(params),
        "labels": check_labels({} if labels is None else labels),
        "process": liveness.this_process(),
        "git": seen.git,
        "working_directory": seen.working_directory,
        "repository_root": seen.repository_root,
        "notebook": seen.notebook,
        "environment_id": seen.environment["_id"],
        "redactions": seen.redactions,
    }


def check_params(params: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return parameters as they are stored, secrets masked.

    Raises
    ------
    MetadataError
        If they cannot be stored.

    """
    if params is None or (type(params) is dict and not params):  # steps of pipelines mostly have none
        return {}
    return redact_values(_checked("params", params))


def note(text: str) -> dict[str, Any]:
    """Describe a remark: who makes it when.

    Raises
    ------
    MetadataError
        If it is no text, empty, or longer than `MOST_OF_NOTE` characters.

    """
    if not isinstance(text, str) or not text.strip() or len(text) > MOST_OF_NOTE:
        raise MetadataError(f"A note is a text of 1 to {MOST_OF_NOTE:,} characters, not {text!r:.100}.")
    return {"time": run_records.now(), "username": collecting.username(), "text": _storable(text)}


def _storable(text: str) -> str:
    """Mask the secrets of a text, and replace what an index cannot hold."""
    return redact(text)[0].encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _checked(what: str, values: Mapping[str, Any] | None) -> dict[str, Any]:
    if values is not None and not isinstance(values, Mapping):
        raise MetadataError(f"{what} are given as a dict, not as a {type(values).__name__}.")
    try:
        return check_labels({} if values is None else values)
    except MetadataError as error:
        raise MetadataError(str(error).replace("labels", what)) from None


def check_name(name: str) -> str:
    """Return what can be the name of a run.

    Raises
    ------
    MetadataError
        If it cannot; the message says why.

    """
    if not isinstance(name, str):
        raise MetadataError(f"The name of a run is a text, not a {type(name).__name__}.")
    if not name.strip() or not name.isprintable() or len(name.encode()) > MOST_BYTES:
        raise MetadataError(
            f"{name!r} cannot be the name of a run: it is empty, longer than {MOST_BYTES} bytes, or holds a character "
            "that cannot be printed. Choose one such as 'train'."
        )
    return str(name)


def check_metrics(given: Mapping[str, Any] | None, more: Mapping[str, Any]) -> dict[str, float]:
    """Return what was measured as plain numbers, `given` as a mapping and by name.

    Raises
    ------
    MetadataError
        If there is something that is no number, or has a name that no query could reach.

    """
    if given is not None and not isinstance(given, Mapping):
        raise MetadataError(f"What was measured is given by name, not as a {type(given).__name__}: log(loss=0.3).")
    values = {**(given or {}), **more}
    numbers = _checked("metrics", {name: _number(name, value) for name, value in values.items()})
    if not numbers:
        raise MetadataError("Nothing was given to log: log(loss=0.3, step=2).")
    return numbers


def check_step(step: Any) -> int | None:
    """Return what something was measured after as a plain number.

    Raises
    ------
    MetadataError
        If it is no whole number of 64 bits.

    """
    if step is None:
        return None
    try:
        # numpy, torch and others have whole numbers of their own.
        plain = None if isinstance(step, bool) else operator.index(step)
    except TypeError:
        plain = None
    if plain is None or not -(2**63) <= plain < 2**63:
        raise MetadataError(f"step is a whole number of 64 bits, not {step!r:.100}.")
    return plain


def _number(name: str, value: Any) -> Any:
    try:
        # numpy, torch and others have numbers of their own.
        plain = value.item() if hasattr(value, "item") else value
    except (ValueError, TypeError, RuntimeError):
        plain = None
    if not isinstance(plain, int | float):
        raise MetadataError(f"{name!r} is {value!r:.100}, not a number: save what is larger as a file.")
    return plain


def outcome(error: BaseException | None) -> Document:
    """Say how a run ended, by what was raised in it."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return {"status": run_records.FINISHED, "error": None}
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        said = str(error)
    except Exception:
        said = ""
    # To look for secrets in all of a very long one would take seconds.
    message = redact(said[: 50 * MOST_OF_ERROR])[0].encode("utf-8", "replace").decode()
    told = {"type": name, "message": message[:MOST_OF_ERROR], "traceback": _traceback(error)}
    return {"status": run_records.FAILED, "error": told}


def _traceback(error: BaseException) -> str:
    """Show where in the user's code an error came from, secrets masked; the end of it where it is long."""
    place = error.__traceback__
    while place and is_inside(place.tb_frame):
        place = place.tb_next
    place = place or error.__traceback__
    try:
        text = "".join(traceback.format_exception(type(error), error, place))
    except Exception:  # the exception's own text may fail
        text = "".join(traceback.format_tb(place))
    shown = text if len(text) <= MOST_OF_TRACEBACK else f"…\n{text[-MOST_OF_TRACEBACK:]}"
    return _storable(shown)

"""Answers of processes that make steps: what came of one, an error too, as data for whoever asked for it."""

from __future__ import annotations

import base64
import contextlib
import pickle
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import bson
from bson.codec_options import CodecOptions

from elliptio.pipelines.builds.making import Outcome
from elliptio.pipelines.catalog.versions import Version, version_of
from elliptio.pipelines.errors import CraftError, failed
from elliptio.runs.brief import steps_of
from elliptio.runs.recording import Recording

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession
    from elliptio.protocols import Document
    from elliptio.runs.scopes import Scope

OPTIONS: CodecOptions[Document] = CodecOptions(tz_aware=True)

Answer = dict[str, Any]
"""Answer of `run_in`, with the ``runs`` to record; or ``failed`` with what it raised. JSON can hold it."""


def safely(make: Any) -> Answer:
    """Call what makes a step, and answer."""
    try:
        made: Answer = make()
    except Exception as error:
        cause = error.__cause__ or error
        text = "".join(traceback.format_exception(cause)).rstrip()
        return {
            "failed": str(error),
            "cause": _sendable(cause),
            "type": type(cause).__name__,
            "said": str(cause),
            "trace": text,
        }
    return made


def _sendable(cause: BaseException) -> str | None:
    """Write an error as a text of JSON, if it comes out as it went in."""
    try:
        content = pickle.dumps(cause)
        again = pickle.loads(content)
    except Exception:  # whatever the class of a user does
        return None
    return base64.b64encode(content).decode() if type(again) is type(cause) and str(again) == str(cause) else None


def outcome_of(answer: Answer, session: BaseSession, around: Scope | None = None) -> Outcome:
    """Read an answer, and record the runs that it tells of: in that which the step was asked for in.

    Raises
    ------
    CraftError
        If the step failed: its cause is of the type of that of the craft, where this process knows it.

    """
    (outcome,) = outcomes_of([answer], session, around)
    if isinstance(outcome, CraftError):
        raise outcome
    return outcome


def outcomes_of(
    answers: Sequence[Answer], session: BaseSession, around: Scope | None = None
) -> list[Outcome | CraftError]:
    """Read answers as `outcome_of` does, those of steps that failed as errors; the index is asked once for all."""
    ids = {one for answer in answers for one in answer.get("artifacts", {}).values()}
    documents = session.handler.lake.find({"_id": {"$in": list(ids)}}, sort=(), limit=0) if ids else ()
    found = {one["_id"]: version_of(one) for one in documents}
    outcomes: list[Outcome | CraftError] = []
    for answer in answers:
        try:
            outcomes.append(_read(answer, session, around, found))
        except CraftError as error:
            outcomes.append(error)
    return outcomes


def _read(answer: Answer, session: BaseSession, around: Scope | None, found: Mapping[str, Version]) -> Outcome:
    if "failed" in answer:
        cause = _cause(answer)
        raise failed(answer["failed"], cause) from cause
    if around is not None and isinstance(around.run, Recording):
        for one in bson.decode(base64.b64decode(answer["runs"]), OPTIONS)["runs"] if "runs" in answer else ():
            # Two builds may wait for one task of Dask: it is a step of the one that asked first.
            if one["is_written"] or one["document"]["parent"] == around.run_id:
                steps_of(session.handler.lake, around.run).add(one["document"], is_written=one["is_written"])
    unknown = sorted(set(answer["artifacts"].values()) - found.keys())
    if unknown:
        raise CraftError(
            f"What a process made is not known here: {', '.join(unknown)} is not in the index "
            f"{session.handler.index.address}. Let both use the same index."
        )
    versions = {name: found[identifier] for name, identifier in answer["artifacts"].items()}
    return Outcome(versions, {}, answer["loaded"], answer["seconds"], answer["shared"])


def sent(runs: list[Document]) -> str:
    """Write documents of runs as a text, for an answer."""
    return base64.b64encode(bson.encode({"runs": runs})).decode()


def _cause(answer: Answer) -> BaseException:
    cause: BaseException | None = None
    if answer["cause"] is not None:
        with contextlib.suppress(Exception):  # its class may not be known here
            cause = pickle.loads(base64.b64decode(answer["cause"]))
    if not isinstance(cause, BaseException):
        cause = RuntimeError(f"{answer['type']}: {answer['said']}")
    cause.add_note(f"In the process that made the step:\n{answer['trace']}")
    return cause


def gone(what: str) -> CraftError:
    """Say that whoever made a step is no more."""
    return CraftError(f"{what}. What it had not saved is lost; the next run makes it again.")


def lost(error: BaseException) -> CraftError:
    """Say that no answer came, and why."""
    failure = gone(f"The step was not made: {type(error).__name__}: {error}")
    failure.__cause__ = error
    return failure


def asked_in(session: BaseSession) -> Scope:
    """Find the run that the code at hand is in, which asks for a step."""
    return session.handler._scope.here()


def adapted(future: Any, session: BaseSession) -> Future[Outcome]:
    """Turn the future of an answer into that of an outcome."""
    around = asked_in(session)
    found: Future[Outcome] = Future()

    def done(one: Any) -> None:
        try:
            found.set_result(outcome_of(one.result(), session, around))
        except CraftError as error:
            found.set_exception(error)
        except BaseException as error:
            found.set_exception(lost(error))

    future.add_done_callback(done)
    return found

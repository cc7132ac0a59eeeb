"""Compare what was made again with what was there before, file by file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from elliptio.artifacts.artifact import Artifact
from elliptio.errors import ElliptioError
from elliptio.lineage.comparison.comparison import Comparison, compare
from elliptio.lineage.comparison.sides import of_artifact
from elliptio.lineage.reproduction.execution import Ended

MOST_LINES = 8
"""Lines that are shown of what differs in a file."""

State = Literal["identical", "different", "missing", "extra"]


@dataclass(frozen=True)
class FileResult:
    """One file: whether it is byte for byte the same, and its sizes then and now (None where it is not there).

    Examples
    --------
    >>> from elliptio.lineage.reproduction.outcome import FileResult
    >>> FileResult("model.txt", "different", size_then=10, size_now=12).state
    'different'

    """

    relpath: str
    state: State
    size_then: int | None
    size_now: int | None


@dataclass(frozen=True)
class Result:
    """The outcome of making one artifact again.

    Attributes
    ----------
    artifact_id
        The artifact that was to be made again.
    made
        Identifier of the new one; None if the command made none.
    status
        Exit status of the command; negative is the number of the signal that killed it.
    files
        Its files, one by one.
    comparison
        What differs between the two, as `Handler.compare` tells it; None without a new one.
    inputs
        What the new one is based on instead of what the old one was, in words; empty if it is the same.
    output
        The last lines that the command printed.

    Examples
    --------
    >>> from elliptio.lineage.reproduction.outcome import FileResult, Result
    >>> files = [FileResult("data.csv", "identical", 3, 3), FileResult("model.txt", "missing", 10, None)]
    >>> Result("artifact_a", made="artifact_b", status=0, seconds=1.5, files=files).same
    False

    """

    artifact_id: str
    made: str | None
    status: int
    seconds: float
    files: list[FileResult]
    comparison: Comparison | None = field(default=None, repr=False, compare=False)
    inputs: list[str] = field(default_factory=list)
    output: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        same = sum(file.state == "identical" for file in self.files)
        made = f"made again as {self.made}" if self.made else "not made again"
        return f"<Result {self.artifact_id}: {made}; {same:,} of {len(self.files):,} files identical>"

    @property
    def same(self) -> bool:
        """True if all files are there and byte for byte the same."""
        return self.made is not None and all(file.state == "identical" for file in self.files)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        names = ("artifact_id", "made", "same", "status", "seconds", "inputs")
        files = [{**vars_of(file), "difference": self.difference(file)} for file in self.files]
        return {**{name: getattr(self, name) for name in names}, "files": files, "output": list(self.output)}

    def difference(self, file: FileResult) -> str:
        """Say what differs in a file, in a few lines; empty where that cannot be told, or nothing does."""
        if file.state != "different" or self.comparison is None:
            return ""
        try:
            return str(self.comparison.table(file.relpath))
        except ElliptioError:
            pass
        try:
            return self.comparison.diff(file.relpath, max_lines=MOST_LINES)
        except ElliptioError:
            return ""


def vars_of(file: FileResult) -> dict[str, Any]:
    """Return the fields of a file's result."""
    return {name: getattr(file, name) for name in ("relpath", "state", "size_then", "size_now")}


def result_of(old: Artifact, new: Artifact | None, ended: Ended, fingerprints: Mapping[str, str]) -> Result:
    """Compare an artifact with what was made of it now; `fingerprints` are those of what either is based on."""
    comparison = None if new is None else compare(of_artifact(old), of_artifact(new))
    return Result(
        artifact_id=old.artifact_id,
        made=None if new is None else new.artifact_id,
        status=ended.status,
        seconds=round(ended.seconds, 3),
        files=list(_files(old, new)),
        comparison=comparison,
        inputs=[] if new is None else list(_inputs(old, new, fingerprints)),
        output=ended.tail,
    )


def _files(old: Artifact, new: Artifact | None) -> Iterator[FileResult]:
    then = {record.relpath: record for record in old.metadata.files}
    now = {} if new is None else {record.relpath: record for record in new.metadata.files}
    for relpath in dict.fromkeys([*then, *now]):
        a, b = then.get(relpath), now.get(relpath)
        if a is None or b is None:
            state: State = "missing" if b is None else "extra"
        else:
            state = "identical" if (a.size, a.sha256) == (b.size, b.sha256) else "different"
        yield FileResult(relpath, state, a.size if a else None, b.size if b else None)


def _inputs(old: Artifact, new: Artifact, fingerprints: Mapping[str, str]) -> Iterator[str]:
    then, now = old.metadata.based_on, new.metadata.based_on
    left = [identifier for identifier in then if identifier not in now]
    for identifier in now:
        if identifier in then:
            continue
        twin = next((other for other in left if fingerprints.get(other, "?") == fingerprints.get(identifier)), None)
        if twin is None:
            yield f"based on {identifier}, whose content is none of what it was based on"
        else:
            left.remove(twin)
            yield f"based on {identifier} instead of {twin}; their content is the same"
    yield from (f"not based on {identifier}" for identifier in left)

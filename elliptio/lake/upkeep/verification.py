"""Checking a lake: every byte against what was recorded of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from elliptio import naming
from elliptio.artifacts.display import human_size, printable
from elliptio.artifacts.downloading import Stored
from elliptio.artifacts.hashing import CHUNK, HashingReader, once_more_if_remote
from elliptio.artifacts.showing import ShownAsText
from elliptio.errors import DocumentNotFoundError, ElliptioError, FormatError, IntegrityError, MissingKeyError
from elliptio.lake import run_nodes, run_records, tags
from elliptio.lake.checks import check_document, check_fields, check_records, credible
from elliptio.lake.lake import TOMBSTONE_FILE, Lake
from elliptio.lake.manifests import manifest_of
from elliptio.metadata import fingerprint_of, record_of
from elliptio.protocols import Document, Store
from elliptio.system.parallel import each
from elliptio.system.progress import Progress


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one artifact; `relpath` is None where it concerns the whole artifact.

    Of a tag, `artifact_id` is ``tag:NAME`` and `relpath` the file of one of its moves; of a run, its identifier and one
    of its files.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["data.csv"]) as made:
    ...     made.file.upload_string("1,2")
    >>> made.file.local_path.unlink()
    >>> [(problem.relpath, problem.message) for problem in h.verify().problems]
    [('files/data.csv', 'is missing')]

    """

    artifact_id: str
    relpath: str | None
    message: str


MOST_LISTED = 20
"""So many problems are shown; `problems` has them all."""


@dataclass
class VerifyReport(ShownAsText):
    """Report of what `verify` looked at, and what it found.

    `not_hashed` are files of links of which only size and stamp could be compared: `Handler.hash` hashes them.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["data.csv"]) as made:
    ...     made.file.upload_string("1,2")
    >>> h.verify()
    <VerifyReport ok: 1 artifacts with 1 files (3 B) were read; 0 problems were found>

    """

    artifacts: int = 0
    files: int = 0
    bytes: int = 0
    not_hashed: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True where nothing is wrong."""
        return not self.problems

    def __repr__(self) -> str:
        return f"<VerifyReport {'ok' if self.ok else 'not ok'}: {self._counts()}>"

    def __str__(self) -> str:
        lines = [f"{one.artifact_id} {one.relpath or '-'} {one.message}" for one in self.problems[:MOST_LISTED]]
        if len(self.problems) > MOST_LISTED:
            lines.append(f"… and {len(self.problems) - MOST_LISTED:,} more")
        if self.not_hashed:
            lines.append(f"{self.not_hashed:,} linked files are not hashed: only their size and stamp were compared")
        return "\n".join(map(printable, [*lines, self._counts()]))

    def _counts(self) -> str:
        read = f"{self.artifacts:,} artifacts with {self.files:,} files ({human_size(self.bytes)}) were read"
        return f"{read}; {len(self.problems):,} problems were found"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"ok": self.ok, **asdict(self)}


_KEPT = ("_id", "remote_root", "fingerprint", "total_size")


def verify_lake(lake: Lake, *, progress: bool = True) -> VerifyReport:
    """Verify all artifacts of a lake, its tags and its runs."""
    report = verify(lake, lake.find({}, sort=(), limit=0), progress=progress)
    report.problems += [*verify_tags(lake), *verify_runs(lake)]
    return report


def verify(lake: Lake, documents: Iterable[Document], *, progress: bool = True) -> VerifyReport:
    """Read every file of the given artifacts and compare it with what was recorded."""
    report = VerifyReport()
    # A lake may hold many artifacts of many files: all that is kept of each is a line.
    known = [{name: document.get(name) for name in _KEPT} for document in documents]
    roots = {document["_id"]: document["remote_root"] for document in known}
    total = sum(size for document in known if isinstance(size := document["total_size"], int))
    with Progress(total, "Verifying", enabled=progress) as bar:

        def check(task: _Task) -> None:
            problem = _verify_file(task, bar)
            if problem:
                report.problems.append(problem)

        tasks = (task for document in known for task in _tasks(lake, document, report))
        each(check, tasks, workers=lake.store.concurrency, name="elliptio-verify", stopped=bar.stopped)
    report.problems.sort(key=lambda problem: (problem.artifact_id, problem.relpath or ""))
    # Others may delete meanwhile: what is gone on purpose is not missing.
    suspects = {problem.artifact_id for problem in report.problems}
    gone = {artifact_id for artifact_id in suspects if _is_gone(lake, artifact_id, roots[artifact_id])}
    report.problems = [problem for problem in report.problems if problem.artifact_id not in gone]
    return report


def verify_tags(lake: Lake) -> list[Problem]:
    """Read every move of every tag; tell which are damaged or missing, and which tags name what is not there."""
    problems = []
    numbers: dict[str, list[int]] = {}
    for stored in lake.store.list(tags.TAGS):
        parsed = tags.parse_key(stored.key)
        if parsed is None:
            relpath = stored.key.removeprefix(f"{tags.TAGS}/")
            problems.append(Problem("tag:", relpath, "is no move of a tag: it does not belong here"))
        else:
            numbers.setdefault(parsed[0], []).append(parsed[1])
    for name in sorted(numbers):
        moves = credible(numbers[name])
        problems += [
            Problem(f"tag:{name}", f"{number:08d}.json", "is no move of the tag: too many are missing before it")
            for number in sorted(set(numbers[name]) - set(moves))
        ]
        last = max(moves, default=0)
        problems += [problem for number in range(1, last + 1) if (problem := _verify_move(lake, name, number, last))]
    return problems


def _verify_move(lake: Lake, name: str, number: int, last: int) -> Problem | None:
    try:
        move = tags.read(lake, name, number)
        if number == last and move.artifact_id is not None:
            lake.get(move.artifact_id)
    except MissingKeyError:
        message = "is missing"
    except DocumentNotFoundError as error:
        message = f"names an artifact that is not there: {error}"
    except ElliptioError as error:
        message = str(error)
    else:
        return None
    return Problem(f"tag:{name}", f"{number:08d}.json", message)


def verify_runs(lake: Lake) -> list[Problem]:
    """Read every file of every run; tell which are damaged or missing."""
    problems = []
    for run_id, names in sorted(run_records.files(lake).items()):
        if run_nodes.DELETED in names:
            continue
        # A remark on a step that is recorded with others lies alone.
        alone = run_records.BEGIN not in names and any(
            "recorded_in" in known for known in lake.find_runs({"_id": run_id}, limit=1)
        )
        for name in sorted(names if alone else {*names, run_records.BEGIN}):
            try:
                run_records.read_file(lake, run_id, name)
            except MissingKeyError:
                problems.append(Problem(run_id, name, "is missing"))
            except ElliptioError as error:
                problems.append(Problem(run_id, name, str(error)))
    return problems


def _is_gone(lake: Lake, artifact_id: str, root: Any) -> bool:
    """Tell whether an artifact was deleted; where that cannot be told, its problem stands."""
    try:
        if isinstance(root, str) and lake.store.stat(f"{root}/{TOMBSTONE_FILE}") is not None:
            return True
        return not lake.has(artifact_id)
    except ElliptioError:
        return False


class _Task(NamedTuple):
    """One file to read, what it should be, and its name in the report."""

    artifact_id: str
    relpath: str
    stored: Stored


def _tasks(lake: Lake, document: Document, report: VerifyReport) -> Iterator[_Task]:
    """List the files of an artifact, by its manifest, or by the index where that cannot be read."""
    report.artifacts += 1
    artifact_id, root = document["_id"], document.get("remote_root")
    try:
        manifest = _checked_manifest(lake, document)
    except ElliptioError as error:
        report.problems.append(Problem(artifact_id, None, str(error)))
        manifest = _recorded(lake, artifact_id)
    for folder in (naming.FILES, naming.LOGS):
        entries = manifest.get(folder, [])
        try:
            store, prefix = _place(lake, manifest, folder, f"{root}/{folder}")
            check_records(entries, folder, f"The document of {artifact_id}")
        except ElliptioError as error:
            report.problems.append(Problem(artifact_id, None, str(error)))
            continue
        for entry in entries:
            relpath = f"{folder}/{entry['relpath']}"
            report.files += 1
            report.not_hashed += not entry["sha256"]
            report.bytes += entry["size"] if entry["sha256"] else 0
            key = f"{prefix}/{entry['relpath']}" if prefix else entry["relpath"]
            stored = Stored(store, key, entry["size"], entry["sha256"] or "", entry.get("stamp"))
            yield _Task(artifact_id, relpath, stored)


def _place(lake: Lake, manifest: Document, folder: str, key: str) -> tuple[Store, str]:
    """Store that holds the files, or logs, of an artifact, and the prefix of their keys."""
    if folder != naming.FILES or manifest.get("link") is None:
        return lake.store, key
    check_fields(manifest, "The document in the index")
    return lake.place(manifest["link"])


def _recorded(lake: Lake, artifact_id: str) -> Document:
    """Look up what the index says of an artifact; nothing where it cannot be asked any more."""
    try:
        return next(lake.find({"_id": artifact_id}, sort=(), limit=1), {})
    except ElliptioError:
        return {}


def _checked_manifest(lake: Lake, document: Document) -> Document:
    """Read what lies beside the files, and compare it with itself and the index.

    Raises
    ------
    FormatError
        If they disagree, or one is damaged.

    """
    if not isinstance(document.get("remote_root"), str):
        raise FormatError("The index does not say where it lies.")
    manifest, environment, where = manifest_of(lake, document["remote_root"])
    check_document(manifest, environment, where)
    if manifest["fingerprint"] != document.get("fingerprint"):
        raise FormatError("metadata.json and the index disagree about the files (fingerprint)")
    if fingerprint_of(map(record_of, manifest["files"])) != manifest["fingerprint"]:
        raise FormatError("the files listed in metadata.json do not give its fingerprint")
    return manifest


def _verify_linked(stored: Stored, bar: Progress) -> None:
    """Read a linked file if it is hashed; else look at it only."""
    if not stored.sha256:
        stored.is_untouched()
        return
    with stored.open(whole=True) as reader:
        while data := reader.read(CHUNK):
            bar.advance(len(data))


def _verify_file(task: _Task, bar: Progress) -> Problem | None:
    stored = task.stored

    def read() -> None:
        if stored.stamp is not None:
            _verify_linked(stored, bar)
            return
        with stored.store.open(stored.key, whole=True) as file:
            reader = HashingReader(file)
            while data := reader.read(CHUNK):
                bar.advance(len(data))
        if (reader.size, reader.sha256) != (stored.size, stored.sha256):
            raise IntegrityError(
                f"is damaged: {reader.size} bytes, sha256 {reader.sha256}; saved were {stored.size}, {stored.sha256}"
            )

    try:
        once_more_if_remote(stored.store.remote, read)
    except MissingKeyError as error:
        return Problem(task.artifact_id, task.relpath, "is missing" if stored.stamp is None else str(error))
    except ElliptioError as error:
        return Problem(task.artifact_id, task.relpath, str(error))
    return None

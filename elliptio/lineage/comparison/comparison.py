"""Compare two artifacts or runs, or one with here and now."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from elliptio.artifacts.contents import table_of, text_of
from elliptio.artifacts.display import Section, comparison_html, comparison_text, human_size
from elliptio.artifacts.file import RemoteFile
from elliptio.errors import FileKeyError
from elliptio.lineage.comparison.differences import Change, changes, text_diff
from elliptio.lineage.comparison.git_comparison import GitComparison, compare_git
from elliptio.lineage.comparison.sides import Side
from elliptio.lineage.comparison.table_comparison import TableComparison, compare_tables
from elliptio.naming import listed

if TYPE_CHECKING:
    import pandas as pd

_BY_FIELD = "of models, elliptio.models.compare_models tells the fields that do"


@dataclass(frozen=True)
class Comparison:
    """The differences between a and b.

    Attributes
    ----------
    a, b
        Identifiers of the artifacts or runs; ``"here and now"`` for what a single one was compared with.
    git
        What differs between the commits and the uncommitted changes.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["a.txt"], {"rate": 1}) as first:
    ...     first.file.upload_string("1")
    >>> with h.new(["a.txt"], {"rate": 2}) as second:
    ...     second.file.upload_string("2")
    >>> comparison = h.compare(first, second)
    >>> comparison.same
    False
    >>> comparison.labels
          a  b   change
    name
    rate  1  2  changed
    >>> print(comparison.diff("a.txt"))
    --- a/a.txt
    +++ b/a.txt
    @@ -1 +1 @@
    -1
    ...

    """

    a: str
    b: str
    git: GitComparison
    _changes: Mapping[str, list[Change]] = field(repr=False)
    _sides: tuple[Side, Side] = field(repr=False, compare=False)

    @property
    def same(self) -> bool:
        """True if packages, Python, machine, code, labels, parameters and files are the same.

        Who and when do not count, nor what was measured on the way, such as how long it took.
        """
        return self.git.same and not any(
            found for name, found in self._changes.items() if name not in ("who_when", "metrics")
        )

    @property
    def packages(self) -> pd.DataFrame:
        """Packages that differ: a DataFrame by name with ``a``, ``b`` (versions) and ``change``.

        ``change`` is ``"added"`` (only b has it), ``"removed"`` (only a has it) or ``"changed"``.
        """
        return _frame(self._changes["packages"])

    @property
    def python(self) -> pd.DataFrame:
        """Facts of the interpreter that differ, as in `packages`."""
        return _frame(self._changes["python"])

    @property
    def machine(self) -> pd.DataFrame:
        """Facts of platform, CPU, memory, GPUs and container that differ, as in `packages`, by dotted name."""
        return _frame(self._changes["machine"])

    @property
    def labels(self) -> pd.DataFrame:
        """Labels that differ, as in `packages`, by dotted name; empty for a comparison with here and now."""
        return _frame(self._changes.get("labels", []))

    @property
    def params(self) -> pd.DataFrame:
        """Parameters of the two runs that differ, as in `packages`; empty unless both were made in a ``h.run``."""
        return _frame(self._changes.get("params", []))

    @property
    def metrics(self) -> pd.DataFrame:
        """Last measurements of the two runs that differ, as in `packages`."""
        return _frame(self._changes.get("metrics", []))

    @property
    def who_when(self) -> pd.DataFrame:
        """Facts of user, host, time, command and job that differ, as in `packages`."""
        return _frame(self._changes["who_when"])

    @property
    def files(self) -> pd.DataFrame:
        """Files that differ: a DataFrame by relpath with ``size_a``, ``size_b`` (bytes) and ``change``.

        Empty for a comparison with here and now.
        """
        import pandas as pd

        found = self._changes.get("files", [])
        sizes = [[None if file is None else file[0] for file in (change.a, change.b)] for change in found]
        data = {
            "size_a": pd.Series([size for size, _ in sizes], dtype="Int64"),
            "size_b": pd.Series([size for _, size in sizes], dtype="Int64"),
            "change": pd.Series([change.kind for change in found], dtype="object"),
        }
        return _indexed(pd.DataFrame(data), [change.name for change in found], "relpath")

    def diff(self, relpath: str, *, max_lines: int = 500) -> str:
        """Compare a text file of up to 1 MiB and 10,000 lines, verified, in a unified diff; empty if it is the same.

        Parameters
        ----------
        relpath
            Its name; a file that only one side has is compared with an empty one.
        max_lines
            So many lines at most; a last one says how many there are more.

        Raises
        ------
        FileKeyError
            If neither side has such a file.
        QueryError
            If it is larger, or no text in UTF-8.
        IntegrityError
            If the bytes of a file are not those that were saved.
        StoreError
            If it cannot be read.

        """
        a, b = self._pair(relpath)
        names = "/dev/null" if a is None else f"a/{relpath}", "/dev/null" if b is None else f"b/{relpath}"
        return text_diff("" if a is None else text_of(a), "" if b is None else text_of(b), names, max_lines)

    def table(self, relpath: str) -> TableComparison:
        """Compare the values of a table, from verified content: ``.csv``, ``.tsv`` or, with pyarrow, ``.parquet``.

        Parameters
        ----------
        relpath
            Name of a file of up to 256 MiB that both sides have.

        Returns
        -------
        TableComparison
            Numbers of rows, columns added and removed, and how many values differ by how much.

        Raises
        ------
        FileKeyError
            If not both sides have such a file.
        QueryError
            If it is larger, or no such table.
        MissingExtraError
            If it is Parquet, and pyarrow is not installed.
        IntegrityError
            If the bytes of a file are not those that were saved.
        StoreError
            If it cannot be read.

        """
        a, b = self._pair(relpath)
        if a is None or b is None:
            raise FileKeyError(
                f"Only {self.a if b is None else self.b} has a file {relpath!r}: there is nothing to compare."
            )
        return compare_tables(table_of(a), table_of(b))

    def to_dict(self) -> dict[str, Any]:
        """Return all that differs as plain values."""
        found: dict[str, Any] = {"same": self.same, "a": self.a, "b": self.b}
        for name, section in self._changes.items():
            found[name] = [_entry(change, is_file=name == "files") for change in section]
        names = ("same", "commit_a", "commit_b", "only_a", "only_b", "commits_between", "diffs_differ")
        found["git"] = {name: getattr(self.git, name) for name in names}
        return found

    def __repr__(self) -> str:
        return f"<Comparison {'same' if self.same else 'not the same'}: {self.a} and {self.b}>"

    def __str__(self) -> str:
        return comparison_text(self.a, self.b, self._sections(), same=self.same)

    def _repr_html_(self) -> str:
        return comparison_html(self.a, self.b, self._sections(), same=self.same)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("Comparison(...)" if cycle else str(self))

    def _sections(self) -> list[Section]:
        found = {
            name: [_row(change, is_file=name == "files") for change in section]
            for name, section in self._changes.items()
        }
        who_when = found.pop("who_when")
        more = {"files": _BY_FIELD if all(side.is_model for side in self._sides) else ""}
        return [
            *(Section(name, rows, more.get(name, "")) for name, rows in found.items()),
            Section("git", _git_rows(self.git)),
            Section("who, when", who_when),
        ]

    def _pair(self, relpath: str) -> tuple[RemoteFile | None, RemoteFile | None]:
        a, b = (side.files.get(os.fspath(relpath)) for side in self._sides)
        if a is None and b is None:
            known = list(dict.fromkeys(name for side in self._sides for name in side.files))
            raise FileKeyError(f"There is no file {relpath!r} in what was compared, which has {listed(known)}.")
        return a, b


def compare(a: Side, b: Side) -> Comparison:
    """Compare two sides in what both have."""
    found = {
        name: changes(a.facts[name], b.facts[name])
        for name in ("files", "labels", "params", "metrics", "packages", "python", "machine", "who_when")
        if name in a.facts and name in b.facts
    }
    return Comparison(a.name, b.name, compare_git(a.git, b.git), found, (a, b))


def _frame(found: Iterable[Change]) -> pd.DataFrame:
    import pandas as pd

    listed_changes = list(found)
    data = {
        "a": pd.Series([change.a for change in listed_changes], dtype="object"),
        "b": pd.Series([change.b for change in listed_changes], dtype="object"),
        "change": pd.Series([change.kind for change in listed_changes], dtype="object"),
    }
    return _indexed(pd.DataFrame(data), [change.name for change in listed_changes], "name")


def _indexed(frame: pd.DataFrame, names: list[str], title: str) -> pd.DataFrame:
    import pandas as pd

    frame.index = pd.Index(names, dtype="object", name=title)
    return frame


def _entry(change: Change, *, is_file: bool) -> dict[str, Any]:
    if not is_file:
        return {"name": change.name, "a": change.a, "b": change.b, "change": change.kind}
    a, b = (None if file is None else file[0] for file in (change.a, change.b))
    return {"relpath": change.name, "size_a": a, "size_b": b, "change": change.kind}


def _row(change: Change, *, is_file: bool) -> tuple[str, str, str]:
    def shown(value: Any) -> str:
        if value is None:
            return "-"
        if is_file:
            return human_size(value[0])
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03} UTC"
        return str(value)

    return change.name, shown(change.a), shown(change.b)


def _git_rows(git: GitComparison) -> list[tuple[str, str, str]]:
    rows = []
    if git.commit_a != git.commit_b:
        rows.append(("commit", (git.commit_a or "-")[:12], (git.commit_b or "-")[:12]))
        if git.commits_between is not None:
            rows.append(("commits only there", f"{git.only_a:,}", f"{git.only_b:,}"))
    if git.diffs_differ is not False:
        rows.append(
            ("uncommitted changes", "differ", "see logs['git.diff']")
            if git.diffs_differ
            else ("uncommitted changes", "not recorded", "not recorded")
        )
    return rows

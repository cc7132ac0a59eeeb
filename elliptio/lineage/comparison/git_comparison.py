"""Compare the code of two sides: their commits, and what was not committed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elliptio.lineage.comparison.differences import diffs_differ


@dataclass(frozen=True)
class GitComparison:
    """The differences between the code of two sides.

    Attributes
    ----------
    commit_a, commit_b
        The commits; None where there was none.
    only_a, only_b
        How many commits lead to one and not to the other; None if the repository around the working directory does not
        have both.
    diffs_differ
        Whether the uncommitted changes differ; None if they were not recorded.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["a.txt"], {"rate": 1}) as first:
    ...     first.file.upload_string("1")
    >>> with h.new(["a.txt"], {"rate": 2}) as second:
    ...     second.file.upload_string("1")
    >>> h.compare(first, second).git.same
    True

    """

    commit_a: str | None
    commit_b: str | None
    only_a: int | None
    only_b: int | None
    diffs_differ: bool | None
    _toplevel: Path | None = field(default=None, repr=False, compare=False)

    @property
    def same(self) -> bool:
        """True if it is the same commit with the same uncommitted changes."""
        return self.commit_a == self.commit_b and self.diffs_differ is False

    @property
    def commits_between(self) -> int | None:
        """Number of commits that lead to one of the two and not to the other; None if that is unknown."""
        return None if self.only_a is None or self.only_b is None else self.only_a + self.only_b

    def diff(self) -> str | None:
        """Return the text of what changed from commit a to commit b; None if the repository does not have both.

        Cut after 10 MiB. Uncommitted changes are not in it: they are in ``artifact.logs["git.diff"]``.
        """
        if self._toplevel is None or self.commit_a is None or self.commit_b is None:
            return None
        from elliptio.provenance.git.history import diff_between

        return diff_between(self._toplevel, self.commit_a, self.commit_b)


def compare_git(a: Mapping[str, Any], b: Mapping[str, Any]) -> GitComparison:
    """Compare commits and uncommitted changes; count the commits between where the working directory has both."""
    from elliptio.provenance.git.directory import find_toplevel
    from elliptio.provenance.git.history import commits_between

    commit_a, commit_b = a.get("commit"), b.get("commit")
    toplevel = find_toplevel(Path())
    counts = (0, 0) if commit_a == commit_b else None
    if toplevel is not None and commit_a != commit_b and commit_a is not None and commit_b is not None:
        counts = commits_between(toplevel, commit_a, commit_b)
    only_a, only_b = counts or (None, None)
    return GitComparison(commit_a, commit_b, only_a, only_b, diffs_differ(a, b), toplevel)

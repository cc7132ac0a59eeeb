"""Tell whether a store and an index can be used, and how to mend what can't: what the doctor says of a lake.

Asked with ``writing=False`` it writes nothing, so that whoever only looks leaves no trace.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from elliptio.errors import ElliptioError, FormatError, StoreError

if TYPE_CHECKING:
    from elliptio.handler import Handler
    from elliptio.protocols import Index, Store

OK, WARN, FAIL = "OK", "WARN", "FAIL"
COLLECTION = "doctor"
LEAST_FREE = 100 * 1000**2
"""Bytes on the disk of a local lake below which saving is about to fail."""

REFUSALS = (
    *("access denied", "permission denied", "read-only file system", "not authorized", "not allowed"),
    *("readonly database", "read-only database", "requires authorization"),
)
UPGRADE = "pip install --upgrade elliptio"
ROOT_MEND = "choose another root with --root or ELLIPTIO_ROOT"
INDEX_MEND = "correct it with --index or ELLIPTIO_INDEX"
S3_MEND = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE), AWS_DEFAULT_REGION, and AWS_ENDPOINT_URL_S3 for "
    f"a server that is not AWS's; see that the bucket exists and may be read and written; or {ROOT_MEND}"
)


@dataclass(frozen=True)
class Check:
    """One line of the report; `mend` says what to do unless all is well."""

    status: str
    name: str
    detail: str
    mend: str = ""


def lake_checks(h: Handler, *, writing: bool = True) -> Iterator[Check]:
    """Check the store and the index of a lake; write nothing there unless `writing`."""
    if h.store.folder is not None:
        yield from _folder_checks(h.store, writing=writing)
    else:
        yield Check(OK, "extras", "boto3 and obstore are installed")
        yield from _store_checks(h.store, S3_MEND, writing=writing)
    yield from _index_checks(h.index, writing=writing)


def _folder_checks(store: Store, *, writing: bool) -> Iterator[Check]:
    unmade = _unmade("store", Path(store.root), ROOT_MEND)
    if unmade is not None:
        yield unmade
    else:
        with _without_new_folders(Path(store.root)) if writing else contextlib.nullcontext():
            mend = f"chmod u+rwx {store.root} (or its owner must), or {ROOT_MEND}"
            yield from _store_checks(store, mend, writing=writing)
    with contextlib.suppress(OSError):
        usage = shutil.disk_usage(_nearest(Path(store.root)))
        yield _disk_check(usage.free, usage.total)


def _disk_check(free: int, total: int) -> Check:
    from elliptio.artifacts.display import human_size

    detail = f"{human_size(free)} free of {human_size(total)}"
    if free < LEAST_FREE:
        return Check(FAIL, "disk", detail, f"free some space, or {ROOT_MEND}")
    return Check(OK, "disk", detail)


def _store_checks(store: Store, mend: str, *, writing: bool) -> Iterator[Check]:
    """Reach, read and write a store; the first thing that fails explains the rest."""
    from elliptio import naming
    from elliptio.lake.identity import check_format

    key = f"{naming.LAKE_FOLDER}/doctor/{naming.new_id('probe')[0]}"
    data = b"elliptio doctor was here\n"
    try:
        known = store.stat(naming.LAKE_IDENTITY) is not None
        yield Check(OK, "store", f"{store.root} can be reached; {'a lake is there' if known else 'no lake there yet'}")
        next(iter(store.list(naming.LAKE_FOLDER)), None)
        check_format(store)
        yield Check(OK, "store", "can be read")
        if not writing:
            return
        try:
            try:
                store.create(key, data)
            except (StoreError, PermissionError) as error:
                if not _is_refused(error):
                    raise
                yield Check(WARN, "store", f"read only: {error}", "ask its owner for the right to write, if you save")
                return
            with store.open(key) as file:
                same = file.read() == data
        finally:
            with contextlib.suppress(ElliptioError, OSError):
                store.remove(key)
        if not same:
            yield Check(FAIL, "store", f"{store.root} gives back other bytes than were written", mend)
            return
        yield Check(OK, "store", "can be written")
    except (ElliptioError, OSError) as error:
        yield Check(FAIL, "store", str(error), _store_mend(error, mend))


def _store_mend(error: Exception, mend: str) -> str:
    """Advise what to do about a store: the one thing where the error says which."""
    text = str(error)
    if "secret key is wrong" in text or "SignatureDoesNotMatch" in text:
        return "set AWS_SECRET_ACCESS_KEY (or the profile) to the secret that belongs to AWS_ACCESS_KEY_ID"
    if "another region" in text:
        return "set AWS_DEFAULT_REGION to the region of the bucket"
    if isinstance(error, FormatError):
        return UPGRADE
    return f"free some space, or {ROOT_MEND}" if _is_full(text) else mend


def _is_full(text: str) -> bool:
    return "disk is full" in text or "quota is used up" in text


def _is_refused(error: BaseException | None) -> bool:
    """Tell whether somebody who may read was not allowed to write."""
    while error is not None:
        text = str(error).lower()
        if isinstance(error, PermissionError) or any(words in text for words in REFUSALS):
            return True
        error = error.__cause__
    return False


def _index_checks(index: Index, *, writing: bool) -> Iterator[Check]:
    """Reach and write an index."""
    from elliptio import naming

    path: Path | None = getattr(index, "path", None)
    if path is not None and not path.is_file():
        unmade = _unmade("index", path, INDEX_MEND)
        if unmade is not None:
            yield unmade
            return
    try:
        empty = next(iter(index.find("artifacts", {}, limit=1)), None) is None
        yield Check(OK, "index", f"{index.address} can be reached; {'no artifacts yet' if empty else 'has artifacts'}")
        if not writing:
            return
        probe = naming.new_id("probe")[0]
        try:
            index.insert(COLLECTION, {"_id": probe, "time": datetime.now(tz=UTC)})
            found = list(index.find(COLLECTION, {"_id": probe}))
        except (ElliptioError, OSError) as error:
            if not _is_refused(error):
                raise
            mend = "ask for the right to write, if you save"
            yield Check(WARN, "index", f"read only: {error}", mend)
            return
        finally:
            with contextlib.suppress(ElliptioError, OSError):
                index.delete(COLLECTION, [probe])
        if len(found) != 1:
            yield Check(FAIL, "index", f"{index.address} does not give back what was written", INDEX_MEND)
            return
        yield Check(OK, "index", "can be written")
    except (ElliptioError, OSError) as error:
        yield Check(FAIL, "index", str(error), _index_mend(error, path))


def _index_mend(error: Exception, path: Path | None) -> str:
    if isinstance(error, FormatError):
        return UPGRADE
    if _is_full(str(error)):
        return f"free some space, or {INDEX_MEND}"
    if path is not None:
        return f"chmod u+rw {path} and its folder (or their owner must), or {INDEX_MEND}"
    return f"start the server, see that the user may read and write (role readWrite), or {INDEX_MEND}"


def _unmade(name: str, path: Path, mend: str) -> Check | None:
    """Describe a folder or file that is not there yet; None if it is a folder already."""
    if path.is_dir():
        return None
    nearest = _nearest(path)
    if not nearest.is_dir():
        what = "it is" if nearest == path else f"{nearest} is"
        return Check(FAIL, name, f"{path} cannot be made: {what} not a folder", f"move {nearest} away, or {mend}")
    if not os.access(nearest, os.W_OK | os.X_OK):
        return Check(FAIL, name, f"{path} cannot be made: {nearest} is read-only", f"chmod u+wx {nearest}, or {mend}")
    return Check(OK, name, f"{path} does not exist yet; will be made on first save")


def _nearest(path: Path) -> Path:
    """Return `path`, or the nearest of its parents that is there."""
    return next((place for place in (path, *path.parents) if os.path.lexists(place)), path)


@contextlib.contextmanager
def _without_new_folders(root: Path) -> Iterator[None]:
    """Remove the folders that probing a local lake makes."""
    from elliptio import naming

    made = [place for place in (root / naming.LAKE_FOLDER / "staging", root / naming.LAKE_FOLDER) if not place.exists()]
    try:
        yield
    finally:
        for place in made:
            with contextlib.suppress(OSError):
                place.rmdir()


def git_check() -> Check:
    """Check that git tells of the working directory's repository."""
    found = shutil.which("git")
    if found is None:
        return Check(WARN, "git", "not found: commits and changes are not recorded", "install git")
    from elliptio.surroundings import git_problem

    problem = git_problem()
    if problem is not None:
        place, (what, _, mend) = problem[0], problem[1].partition(": git config ")
        mend = f"git config {mend}" if mend else "mend what `git status` says there"
        return Check(FAIL, "git", f"in {place}, {what}", mend)
    return Check(OK, "git", found)

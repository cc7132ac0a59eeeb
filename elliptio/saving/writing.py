"""Publish what a block writes: what ``with h.new(…)`` does between its begin and its end."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from elliptio import naming
from elliptio.artifacts.block import Block
from elliptio.artifacts.files import FileMaker, Files
from elliptio.metadata import Metadata
from elliptio.saving import output
from elliptio.saving.publication import Publication, discarding, keeping
from elliptio.system.os_errors import explained

log = logging.getLogger(__name__)


@dataclass
class Writing:
    """An artifact that a block writes.

    Attributes
    ----------
    block
        Where it is written.
    metadata
        What can be said of it; all, once the block has ended.
    files, logs
        File objects that can be written, and none yet.

    """

    block: Block
    metadata: Metadata
    files: Files
    logs: Files


@contextlib.contextmanager
def writing(publication: Publication, declared: list[str] | None, *, log_output: bool) -> Iterator[Writing]:
    """Let a block write the files of an artifact, and publish them when it ends.

    Parameters
    ----------
    publication
        The artifact on its way.
    declared
        Names that have to be written; None: whatever is written is taken.
    log_output
        True: keep what is printed and logged meanwhile.

    Raises
    ------
    NotWrittenError
        If a declared file, or any file at all, was not written. Nothing is published then, nor when the block raises.

    """
    with discarding(publication):
        written = _begun(publication, declared)
        block = written.block
        try:
            with output.captured() if log_output else contextlib.nullcontext() as printed:
                yield written
        finally:
            block.end()
    with keeping(publication):
        if block.failure is not None:
            raise block.failure
        records, others, empty = publication.collect(declared or ())
        if declared and others:
            log.warning("Also saved, though not declared: %s.", ", ".join(others[:20]))
        text = printed.text() if printed else None
        written.metadata = publication.publish(records, local_root="", empty_folders=empty, output=text)


def _begun(publication: Publication, declared: list[str] | None) -> Writing:
    block = Block(publication.folder, in_place=publication.staging.in_place)
    with explained("make", str(block.folder)):
        block.folder.mkdir(parents=True, exist_ok=True)
    for name in declared or ():
        block.path(name)
    prefix = f"{publication.root_key}/{naming.FILES}"
    make = FileMaker(
        publication.lake.store,
        prefix,
        block=block,
        downloads=publication.lake.downloads,
        artifact_id=publication.artifact_id,
    )
    logs = Files([], FileMaker(publication.lake.store, prefix))
    return Writing(block, publication.describe_unpublished(), Files(declared or (), make, grows=declared is None), logs)

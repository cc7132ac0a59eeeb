"""Gather what is wrong with a lake, and the command that mends it; nothing is mended, and nothing large read, by that.

What may be looked at in a moment is: the last verdicts of `verify`, what this view found while it showed files, what
waits for the index. Links, what was left behind and what the doctor says are looked at where somebody asks for them.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from elliptio import health
from elliptio.artifacts.display import human_size
from elliptio.errors import ElliptioError
from elliptio.lake import spool
from elliptio.lake.upkeep import GRACE, verdicts
from elliptio.lake.upkeep.changed_links import Looked, changed_links
from elliptio.lake.upkeep.verification import Problem
from elliptio.masking import hide_password
from elliptio.naming import several
from elliptio.ui.view import View

MOST_ARTIFACTS = 2_000
"""In a lake of more, what was left behind is looked for only where somebody asks: all files are listed for that."""

MOST_READ = 20_000
"""The same for links: no index serves them, so all documents are read for that."""

MOST_LINKS, MOST_LINKED = 100, 2_000
"""Links, and files of them, that are looked at."""

MOST_WAITING = 1_000

DAMAGED, LINKS, WAITING, ORPHANS, DOCTOR = "damaged", "links", "waiting", "orphans", "doctor"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    about
        An artifact, a tag as ``tag:NAME``, a run, or what a doctor's check is about; `relpath` is one of its files.
    says
        What is wrong.
    mends
        Pairs of what a command does, and the command.
    found
        Who found it: ``"verify"`` or ``"here"``; and when.

    """

    about: str
    relpath: str
    says: str
    mends: list[tuple[str, str]] = field(default_factory=list)
    found: str = ""
    time: datetime | None = None


@dataclass
class Part:
    """One kind of what may be wrong, and how far it was looked for; `command` looks for, or mends, all of it."""

    name: str
    findings: list[Finding] = field(default_factory=list)
    says: str = ""
    command: str = ""
    ask: bool = False


def command(view: View, *words: str) -> str:
    """Write a command for the lake that is shown, as it can be run anywhere; no password stands in it."""
    lake = ["--root", view.h.store.root]
    address = view.h.index.address
    if view.h.lake.shared and "@" not in address and hide_password(address) == address:
        lake += ["--index", address]
    return shlex.join(["elliptio", *words, *lake])


def damaged(view: View, *, reached: bool = True) -> Part:
    """List the files that are known not to be what was saved: by `verify`, and by what was shown here."""
    part = Part(DAMAGED, command=command(view, "verify"))
    found: dict[tuple[str, str], Finding] = {}
    try:
        kept = list(verdicts.last(view.h.lake))
    except ElliptioError as error:
        kept = []
        part.says = f"What was verified cannot be read: {error}"
    for verdict in sorted(kept, key=lambda one: one.time):
        if verdict.artifact_id is not None:
            found = {place: one for place, one in found.items() if place[0] != verdict.artifact_id}
        for problem in verdict.problems:
            place = (problem.artifact_id, problem.relpath or "")
            found[place] = Finding(*place, problem.message, found="verify", time=verdict.time)
    for trouble in view.checks.troubles:
        known = [(trouble.artifact_id, f"{folder}/{trouble.relpath}") for folder in ("files", "logs")]
        place = next((one for one in known if one in found), known[0])
        found[place] = Finding(*place, trouble.says, found="here", time=trouble.time)
    part.findings = _with_mends(view, list(found.values()), reached=reached)
    whole = next((one for one in kept if one.artifact_id is None), None)
    if not part.says:
        part.says = _verified(view, whole)
    return part


def _verified(view: View, whole: verdicts.Verdict | None) -> str:
    if whole is None:
        return "The whole lake was never verified, or by somebody who may not write to it. Looking here reads no more than is shown."  # noqa: E501
    from elliptio.ui import wording

    when, who = wording.when(whole.time, view.clock()), wording.plain(whole.username, 40)
    read = f"{several(whole.artifacts, 'artifact')} with {several(whole.files, 'file')} ({human_size(whole.bytes)})"
    return f"{who} verified the whole lake {when}: {read}, {several(whole.count, 'problem')}."


def _with_mends(view: View, found: list[Finding], *, reached: bool) -> list[Finding]:
    """Say what mends each, and leave out what was deleted since."""
    identifiers = sorted({one.about for one in found if one.about.startswith("artifact_")})
    links: Mapping[str, str | None] | None = None
    if reached and identifiers:
        with contextlib.suppress(ElliptioError):
            query = {"_id": {"$in": identifiers}}
            rows = view.h.search(query, max_docs=0, columns=["link"], counted=False, sort="-creation_time").rows()
            links = {row["artifact_id"]: row["link"] for row in rows}
    kept = []
    for one in found:
        if one.about.startswith("artifact_") and links is not None and one.about not in links:
            continue
        mends = _mends(view, one, (links or {}).get(one.about))
        kept.append(Finding(one.about, one.relpath, one.says, mends, one.found, one.time))
    return sorted(kept, key=lambda one: (one.about, one.relpath))


def _mends(view: View, one: Finding, link: str | None) -> list[tuple[str, str]]:
    if one.about.startswith("tag:"):
        name = one.about.removeprefix("tag:")
        taken = [("take the tag away", command(view, "untag", name))] if name else []
        return [*taken, ("look again", command(view, "verify"))]
    if not one.about.startswith("artifact_"):
        return [("look again", command(view, "verify"))]
    again = ("look again", command(view, "verify", one.about))
    if link:
        return [("link it again", command(view, "link", link)), again]
    return [("make it again", command(view, "reproduce", one.about, "--run")), again]


def links(view: View, *, asked: bool) -> Part:
    """List linked files that are gone, or were written again; in a large lake only where somebody asked."""
    part = Part(LINKS)
    try:
        if not asked and view.h.lake.count({}, limit=MOST_READ + 1) > MOST_READ:
            part.ask = True
            part.says = "All documents of the lake are read for that, so it was not looked for."
            part.command = command(view, "verify")
            return part
        looked = changed_links(view.h.lake, most_links=MOST_LINKS, most_files=MOST_LINKED)
    except ElliptioError as error:
        part.says = f"They cannot be looked at: {error}"
        return part
    part.findings = [_of_link(view, looked, problem) for problem in looked.problems]
    which = "newest " if looked.more else ""
    count = f"{which}{several(len(looked.links), 'link')} with {several(looked.files, 'file')}"
    part.says = f"Looked at just now, by size and stamp: {count}." if looked.links else ""
    if looked.more:
        part.command = command(view, "verify")
    return part


def _of_link(view: View, looked: Looked, problem: Problem) -> Finding:
    place = (problem.artifact_id, problem.relpath or "", problem.message)
    return Finding(*place, _mends(view, Finding(*place), looked.links.get(problem.artifact_id)))


def waiting(view: View) -> Part:
    """List what is saved and not in the index yet."""
    part = Part(WAITING, command=command(view, "flush"))
    try:
        for number, note in enumerate(view.h.store.list(spool.SPOOL)):
            if number >= MOST_WAITING:
                part.says = f"More than {MOST_WAITING:,} wait."
                break
            name = note.key.removeprefix(f"{spool.SPOOL}/")
            about = "moves of tags" if name.startswith(spool.TAGS) else name
            part.findings.append(
                Finding(about, "", "is saved, and waits for the index, which could not be reached", time=note.modified)
            )
    except ElliptioError as error:
        part.says = f"What waits cannot be listed: {error}"
    return part


def orphans(view: View, *, asked: bool) -> Part:
    """List what interrupted saves left; in a large lake only where somebody asked."""
    part = Part(ORPHANS, command=command(view, "gc", "--delete"))
    try:
        if not asked and view.h.lake.count({}, limit=MOST_ARTIFACTS + 1) > MOST_ARTIFACTS:
            part.ask = True
            part.says = "All files of the lake are listed for that, so it was not looked for."
            return part
        found = view.h.gc()
    except ElliptioError as error:
        part.says = f"They cannot be looked for: {error}"
        return part
    old = [one for one in found if one.age > GRACE]
    part.findings = [
        Finding(one.key, "", f"{human_size(one.size)} of a save or a delete that was interrupted {_ago(one.age)} ago")
        for one in old
    ]
    young = len(found) - len(old)
    if young:
        part.says = f"{young:,} younger than {GRACE.total_seconds() / 3600:.0f} hours may still be in the making."
    return part


def _ago(age: timedelta) -> str:
    hours = int(age.total_seconds() // 3600)
    return f"{hours:,} hours" if hours < 48 else f"{hours // 24:,} days"


def doctor(view: View) -> Part:
    """Ask what the doctor says, without writing anything."""
    says = "Whether store and index can be written is only tried by the command."
    part = Part(DOCTOR, says=says, command=command(view, "doctor"))
    part.findings = list(_checks(view))
    return part


def _checks(view: View) -> Iterator[Finding]:
    for check in (*health.lake_checks(view.h, writing=False), health.git_check()):
        mends = [("mend", check.mend)] if check.mend else []
        yield Finding(check.name, check.status, hide_password(check.detail), mends)


def is_wrong(one: Finding) -> bool:
    """Tell whether something is wrong by a check of the doctor; of all other findings it is."""
    return one.relpath != health.OK


def briefly(view: View) -> None:
    """Count what can be counted in a moment, for the pages that show only how much is wrong."""
    for part in (damaged(view), waiting(view)):
        note(view, part)


def note(view: View, part: Part) -> None:
    """Let all pages show how much is wrong."""
    if part.name == DAMAGED:
        view.known_damaged = {(one.about, one.relpath) for one in part.findings}
    elif not part.ask:
        view.known_wrong[part.name] = sum(map(is_wrong, part.findings))

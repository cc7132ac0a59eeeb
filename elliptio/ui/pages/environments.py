"""``/environments``: what was installed where things were made, who uses it, and how two of them differ."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from elliptio.errors import DocumentNotFoundError
from elliptio.indexes.query.predicate import compile_query
from elliptio.lake.lake import ENVIRONMENTS
from elliptio.lineage.comparison.differences import changes
from elliptio.lineage.comparison.sides import environment_facts
from elliptio.naming import normalize_package
from elliptio.ui import facets, wording
from elliptio.ui.asked import Answer, Asked, WrongError, as_dict, written
from elliptio.ui.pages import rows
from elliptio.ui.pages.artifact import short_row
from elliptio.ui.pages.artifacts import count
from elliptio.ui.shortcuts import Bar, ShortcutError, bar_of, read_bar
from elliptio.ui.shortcuts.tokens import quote
from elliptio.ui.view import View

MOST = 200
"""Environments that are shown."""

SAMPLE = 1000
"""So many of the newest artifacts, and of the newest runs, say which environments were used last."""

FEW = 12
"""Up to so many environments are each asked for when it was used last, which reads one artifact of each."""

NEAR = 8
OTHERS = 20
MOST_LETTERS = 200
MOST_PACKAGES = 2000


_PLAIN = re.compile("environment_[0-9a-f]{1,64}")
"""Identifiers that need no quotes in a query bar, where reading it again would show that."""


@dataclass(frozen=True)
class Uses:
    """Uses of environments by the newest artifacts and runs.

    Attributes
    ----------
    newest
        When each was last used, the last used first.
    runs
        How many runs began in each.
    of
        Of so many of the newest runs, if there are others.

    """

    newest: Mapping[str, datetime]
    runs: Mapping[str, int]
    of: int | None


def show(view: View, asked: Asked) -> Answer:
    """List the environments, or those that have a package, and who made something with it."""
    text = asked.get("package")[:MOST_LETTERS].strip()
    bar: Bar | None = None
    wrong = ""
    if text:
        try:
            bar = read_bar(f"package:{_spelled(text)}", now=view.clock())
        except ShortcutError as error:
            wrong = f"{error.says} Write numpy=2.4.0, numpy=2.* or numpy."
    known = {} if wrong else {one["id"]: one for one in _known(view, _matcher(bar))}
    uses = _uses(view, list(known))
    order = [one for one in uses.newest if one in known] + [one for one in known if one not in uses.newest]
    listed = [_listed(view, known[one], uses) for one in order[:MOST]]
    used = sorted((one for one in listed if one["at"]), key=lambda one: one["at"], reverse=True)
    return view.page(
        "environments.html",
        asked,
        status=400 if wrong else 200,
        text=text,
        wrong=wrong,
        found=_holders(view, bar) if bar else None,
        listed=used,
        unused=len(listed) - len(used),
        more=max(len(known) - MOST, 0),
        of=uses.of,
    )


def _spelled(text: str) -> str:
    """Write what people write of a version as the query bar has it: ``numpy==2.4.0`` and ``numpy 2.4.0`` too."""
    word = re.sub(r"\s*==?\s*|\s+", "=", text, count=1)
    # In quotes a star is a letter like any other; without them only one word is a condition.
    return quote(word) if re.search(r"[\s\"']", word) else word


def _matcher(bar: Bar | None) -> Callable[[Mapping[str, Any]], bool]:
    """Return what tells whether an environment has the package that is asked for."""
    if bar is None:
        return lambda _: True
    ((path, operand),) = bar.query.items()
    root, _, name = path.partition(".")
    return compile_query({f"{root}.{normalize_package(name)}": operand})


def _known(view: View, matches: Callable[[Mapping[str, Any]], bool]) -> Iterator[dict[str, Any]]:
    """Summarize the environments of the index, one after the other: each holds hundreds of packages."""
    for document in view.h.lake.index.find(ENVIRONMENTS, {}):
        if matches(document):
            yield summary(document)


def summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """Say of an environment what fits on a line."""
    python, machine = as_dict(document.get("python")), as_dict(document.get("platform"))
    where = (machine.get("distribution") or machine.get("system"), machine.get("machine"))
    return {
        "id": str(document["_id"]),
        "short": str(document["_id"]).removeprefix("environment_")[:10],
        "python": wording.plain(f"{python.get('implementation') or ''} {python.get('version') or '?'}".strip(), 40),
        "platform": wording.plain(" ".join(str(part) for part in where if part), 80),
        "container": wording.plain(document.get("container") or "", 30),
        "packages": len(as_dict(document.get("python_packages"))),
    }


def _uses(view: View, known: Sequence[str] = ()) -> Uses:
    """Tell when environments were used last: each is asked for where few are known, else the newest artifacts say."""
    columns = ["environment_id", "creation_time"]
    if 0 < len(known) <= FEW:
        found = [{"environment_id": one, "creation_time": _newest(view, {"environment_id": one})} for one in known]
    else:
        found = view.h.search(None, max_docs=SAMPLE, sort="-creation_time", columns=columns, counted=False).rows()
    runs = view.h.runs.search(None, max_docs=SAMPLE + 1, sort="-creation_time", columns=columns).rows()
    newest: dict[str, datetime] = {}
    for row in [*found, *runs[:SAMPLE]]:
        identifier, moment = row.get("environment_id"), row.get("creation_time")
        if isinstance(identifier, str) and isinstance(moment, datetime):
            newest[identifier] = max(moment, newest.get(identifier, moment))
    ordered = dict(sorted(newest.items(), key=lambda item: item[1], reverse=True))
    counted = Counter(str(row.get("environment_id")) for row in runs[:SAMPLE])
    return Uses(ordered, counted, SAMPLE if len(runs) > SAMPLE else None)


def _listed(view: View, known: Mapping[str, Any], uses: Uses) -> dict[str, Any]:
    """Say how much an environment is used; what nothing of this lake uses may be another's."""
    query = {"environment_id": known["id"]}
    artifacts = count(view, query, facets.MOST_COUNTED)
    at = uses.newest.get(known["id"]) or (_newest(view, query) if artifacts else None)
    return {
        **known,
        "artifacts": _said(artifacts),
        "runs": f"{uses.runs.get(known['id'], 0):,}",
        "query": f"environment_id:{known['id']}" if _PLAIN.fullmatch(known["id"]) else bar_of(query),
        "at": at,
        "when": wording.when(at, view.clock()),
        "exact": wording.exact(at),
    }


def _said(number: int) -> str:
    return f"more than {facets.MOST_COUNTED:,}" if number > facets.MOST_COUNTED else f"{number:,}"


def _newest(view: View, query: Mapping[str, Any]) -> datetime | None:
    found = view.h.search(query, max_docs=1, sort="-creation_time", columns=["creation_time"], counted=False)
    return found.columns["creation_time"][0] if found.ids else None


def _holders(view: View, bar: Bar) -> dict[str, Any]:
    """Find who made something with a package: the question of the list of artifacts, and the newest of its answer."""
    now = view.clock()
    found = view.h.search(bar.query, max_docs=NEAR, sort="-creation_time", columns=[*rows.FIELDS]).rows()
    return {
        "query": bar.text,
        "total": _said(count(view, bar.query, facets.MOST_COUNTED)),
        "rows": [short_row(row, now) for row in found],
        "people": _people(view, bar.query),
    }


def _people(view: View, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Count who made the newest of what matches."""
    columns = ["username"]
    found = view.h.search(query, max_docs=facets.SAMPLE, sort="-creation_time", columns=columns, counted=False)
    counted = Counter(found.columns["username"]).most_common(NEAR)
    return [{"who": wording.person(name), "count": f"{number:,}"} for name, number in counted]


# --- one of them ---


def one(view: View, asked: Asked) -> Answer:
    """Show an environment and who uses it, or how it differs from another."""
    document = _loaded(view, asked.parts["id"])
    identifier, query = document["_id"], {"environment_id": document["_id"]}
    other = asked.get("with")
    columns = ["name", "status", "username", "creation_time"]
    runs = view.h.runs.search(None, max_docs=SAMPLE, sort="-creation_time", columns=[*columns, "environment_id"]).rows()
    users = [_run(row, view.clock()) for row in runs if row.get("environment_id") == identifier]
    found = view.h.search(query, max_docs=NEAR, sort="-creation_time", columns=[*rows.FIELDS], counted=False).rows()
    packages = sorted(as_dict(document.get("python_packages")).items())
    return view.page(
        "environment.html",
        asked,
        **summary(document),
        facts=_facts(document),
        listed=[
            {"name": wording.plain(name, 120), "version": wording.plain(version, 120),
             "origin": wording.plain(as_dict(document.get("package_origins")).get(name, ""), 200),
             "link": written("environments", [("package", f"{name}={version}")])}
            for name, version in packages[:MOST_PACKAGES]
        ],
        more=max(len(packages) - MOST_PACKAGES, 0),
        total=_said(count(view, query, facets.MOST_COUNTED)),
        query=bar_of(query),
        made=[short_row(row, view.clock()) for row in found],
        people=_people(view, query),
        runs=users[:NEAR],
        run_total=f"{len(users):,}" + ("" if len(runs) < SAMPLE else f" of the newest {SAMPLE:,}"),
        others=_others(view, identifier),
        diff=_diff(document, _loaded(view, other)) if other else None,
    )  # fmt: skip


def _loaded(view: View, identifier: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = view.h.lake.environment(identifier)
    if not found:
        raise DocumentNotFoundError(f"There is no environment {identifier[:80]!r}.")
    return found


def _run(row: Mapping[str, Any], now: datetime) -> dict[str, str]:
    return {
        "link": rows.run_link(row["run_id"]),
        "name": wording.plain(row.get("name"), 60),
        "status": wording.plain(row.get("status"), 20),
        "who": wording.plain(row.get("username"), 40),
        "when": wording.when(row.get("creation_time"), now),
    }


def _facts(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = {**environment_facts(document, {})["python"], **environment_facts(document, {})["machine"]}
    return [
        (wording.plain(name.replace(".", " ").replace("_", " "), 60), wording.plain(value, 200))
        for name, value in list(found.items())[:40]
    ]


def _others(view: View, identifier: str) -> list[dict[str, str]]:
    """Name the environments that were used last, to be compared with."""
    uses = _uses(view)
    wanted = [other for other in uses.newest if other != identifier][:OTHERS]
    shown = []
    for other in wanted:
        if document := view.h.lake.environment(other):
            found = summary(document)
            when = wording.when(uses.newest[other], view.clock())
            says = f"{found['python']}, {found['packages']:,} packages"
            shown.append({"id": other, "short": found["short"], "says": says, "when": when})
    return shown


def _diff(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """List what differs between two environments.

    Raises
    ------
    WrongError
        If they are one.

    """
    if a["_id"] == b["_id"]:
        raise WrongError("This is the same environment: compare it with another.")
    sides = [environment_facts(one, as_dict(one.get("python_packages"))) for one in (a, b)]
    sections: list[dict[str, Any]] = []
    same: int = 0
    for title, name in (("Packages", "packages"), ("Python", "python"), ("Machine", "machine")):
        found = changes(sides[0][name], sides[1][name])
        same += len(sides[0][name].keys() | sides[1][name].keys()) - len(found)
        shown = [
            {"name": wording.plain(one.name, 120), "a": _cell(one.a), "b": _cell(one.b), "change": one.kind}
            for one in found[:MOST_PACKAGES]
        ]
        sections += [{"title": title, "rows": shown}] if shown else []
    return {"sections": sections, "same": same, "a": summary(a), "b": summary(b)}


def _cell(value: Any) -> str:
    return "-" if value is None else wording.plain(value, 160)

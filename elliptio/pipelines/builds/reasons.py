"""Say why a step has to be made: which edit, parameter, input or package is another one than last time."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from elliptio.lake import records
from elliptio.masking import Later
from elliptio.pipelines import code
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.catalog.versions import Version, Versions
from elliptio.pipelines.crafts import formats
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.crafts.execution import Call
from elliptio.pipelines.crafts.recipes import classes_in, held_codes, is_cut, without_secrets
from elliptio.provenance.collecting import username
from elliptio.provenance.redaction import MASK

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession

CODE = "code"
"""Kind of the records that say what a digest of code was made of."""

NEVER = "never made"
_EXPRESSION = Later(r"[\[({]|[A-Za-z_][\w.]*\(")


class Reasons:
    """Reasons of one turn.

    Parameters
    ----------
    session
        Whose crafts.
    versions
        What was made before.

    """

    def __init__(self, session: BaseSession, versions: Versions) -> None:
        self._session = session
        self._lake = session.handler.lake
        self._versions = versions
        self._codes: dict[str, Mapping[str, Any] | None] = {}
        self._changes: dict[tuple[str, str], list[str]] = {}

    def of(self, craft: CraftFunction, call: Call | None, outputs: Mapping[str, Keys]) -> str:
        """Say what changed since the last time; `outputs` has the keys of what it would make."""
        if call is None:
            return NEVER
        if call.recipe.step in self._deleted:
            return f"what it made was deleted by {self._deleted[call.recipe.step]}"
        before = self._last(craft, outputs)
        if before is None:
            return NEVER
        changed = self._differences(craft, before, call)
        if not changed:
            return f"its `per`, or the format or the options of {_entries_of(craft)}, changed"
        return "; ".join(changed[:5]) + (f"; and {len(changed) - 5} more" if len(changed) > 5 else "")

    @functools.cached_property
    def _deleted(self) -> dict[str | None, str]:
        """Names of those who deleted what a step made, by its key: nothing else is left of it."""
        found = {}
        for document in self._lake.tombstones({"entry.project": self._session.catalog.project}):
            deleted = document["deleted"]
            found[document["entry"].get("step")] = f"{deleted['username']} on {deleted['time']:%Y-%m-%d}"
        found.pop(None, None)
        return found

    def _last(self, craft: CraftFunction, outputs: Mapping[str, Keys]) -> Mapping[str, Any] | None:
        """Read the recipe of what is the current version, or else of what was made last."""
        for name, keys in outputs.items():
            history = self._versions.history(name, keys)
            last: Version | None = history.current()
            if last is None or last.step is None:
                versions = [one for one in history.versions if one.step is not None]
                last = max(versions, default=None, key=lambda one: one.moment)
            if last is not None:
                for document in itertools.islice(self._lake.find({"_id": last.artifact_id}, sort=(), limit=1), 1):
                    recipe: Mapping[str, Any] | None = document.get("recipe")
                    return recipe
        return None

    def _differences(self, craft: CraftFunction, before: Mapping[str, Any], call: Call) -> list[str]:
        now = call.recipe.parts
        found = []
        if before.get("code") != now["code"]:
            found += self._code(craft, str(before.get("code")))
        found += _held(before.get("held", ()), now.get("held", ()), call)
        found += _versions(before.get("packages", {}), now["packages"])
        parameters = without_secrets(now.get("parameters", {}))
        found += _named("parameter", without_secrets(before.get("parameters", {})), parameters)
        found += _inputs(before.get("inputs", {}), now.get("inputs", {}), call)
        if before.get("version") != now.get("version"):
            found.append(f"version {before.get('version')} → {now.get('version')}")
        used = formats.written(call, self._session.catalog)
        found += formats.changes(before.get("formats", ()), used)
        return list(dict.fromkeys(found)) or _unrecorded(parameters, used)  # packages may be told of with the code, too

    def _code(self, craft: CraftFunction, before: str) -> list[str]:
        at = (craft.name, before)
        if at not in self._changes:
            record = self._record(before)
            now = self._session.whole_code_of(craft)
            changes = [] if record is None else code.changes(record, now)
            self._changes[at] = changes or [f"the code of {craft.name!r} changed"]
        return self._changes[at]

    def _record(self, digest: str) -> Mapping[str, Any] | None:
        if digest not in self._codes:
            found = records.find(self._lake, CODE, {"_id": f"{CODE}/{digest}"}, limit=1)
            self._codes[digest] = next((document["content"] for document in found), None)
        return self._codes[digest]


def keep_codes(session: BaseSession, craft: CraftFunction, crafts: Iterable[CraftFunction]) -> None:
    """Record what the digest of a craft's code is made of, once: a later turn says by it what changed.

    With it those of the `crafts` that the build may still come to: to record one costs as much as to record many.
    """
    if session.whole_code_of(craft).digest in session.kept_codes:
        return
    wanted = {}
    for craft in crafts:
        found = session.whole_code_of(craft)
        if found.digest not in session.kept_codes:
            about = {"craft": craft.qualified, "project": session.catalog.project}
            wanted[found.digest] = about, code.as_record(found)
    if wanted:
        records.add_missing(session.handler.lake, CODE, wanted, username=username())
        session.kept_codes.update(wanted)


def _held(before: Iterable[str], now: Iterable[str], call: Call) -> list[str]:
    known = held_codes(before)
    return [
        f"{name.replace(':', '.')}, {_relation(name, call)}, {'changed' if name in known else 'is new'}"
        for name, digest in held_codes(now).items()
        if known.get(name) != digest
    ]


def _relation(name: str, call: Call) -> str:
    """Say what brings along code that a craft does not name: an input, a parameter, or an entry of a user's type."""
    for taken in call.inputs.values():
        if any(name in one.holds for one in (taken.base or taken.versions).values()):
            return f"which input {taken.name} holds"
    for parameter, value in call.parameters.items():
        if any(f"{cls.__module__}:{cls.__qualname__}" == name for cls in classes_in(value)):
            return f"which parameter {parameter} holds"
    return "which it loads or saves by"


def _versions(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    found = [
        f"{name} {before[name]} → {now[name]}" for name in sorted(set(before) & set(now)) if before[name] != now[name]
    ]
    found += [f"{name} {now[name]} is used now" for name in sorted(set(now) - set(before))]
    return found + [f"{name} {before[name]} is not used any more" for name in sorted(set(before) - set(now))]


def _named(what: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    found = []
    for name in sorted({*before, *now}):
        if name not in before:
            found.append(f"{what} {name}: {_written(now[name])} is new")
        elif name not in now:
            found.append(f"{what} {name} is gone")
        elif before[name] != now[name] or type(before[name]) is not type(now[name]):
            found.append(f"{what} {name}: {_written(before[name])} → {_written(now[name])}")
    return found


def _unrecorded(parameters: Mapping[str, Any], used: Iterable[str]) -> list[str]:
    """Name what may have changed where all that was recorded is the same."""
    secret = [f"parameter {name}" for name, value in parameters.items() if MASK in str(value)]
    secret += [f"an option of {name}" for name in formats.secrets_in(used)]
    long = [name for name, value in parameters.items() if is_cut(value)]
    found = [f"{', '.join(secret)}: a secret, so its value was not recorded"] if secret else []
    return found + [f"parameter {name}: in what is too long to be shown" for name in long]


def _entries_of(craft: CraftFunction) -> str:
    return " or ".join(dict.fromkeys(craft.entries))


def _written(value: Any) -> str:
    """Write a value that was recorded: one that is not plain was so as the text of the expression that makes it."""
    return value if isinstance(value, str) and _EXPRESSION.match(value) else repr(value)


def _inputs(before: Mapping[str, str], now: Mapping[str, str], call: Call) -> list[str]:
    names = {one.parameter: one.name for one in call.craft.inputs}
    found = []
    for parameter in sorted({*before, *now}):
        if before.get(parameter) != now.get(parameter):
            what = "is new" if parameter not in before else "is gone" if parameter not in now else "changed"
            found.append(f"input {names.get(parameter, parameter)} {what}")
    return found

"""Know what the crafts of a turn can take: versions of entries, and values that are passed on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elliptio.masking import hide_password
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import NONE, Keys
from elliptio.pipelines.catalog.versions import BUILT, Version, Versions
from elliptio.pipelines.crafts.calling import custom_version
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.crafts.hints import Input
from elliptio.pipelines.crafts.recipes import Taken
from elliptio.pipelines.errors import PipelineDefinitionError, UnknownInputError, VersionNotFoundError
from elliptio.pipelines.project.names import meant

if TYPE_CHECKING:
    from elliptio.pipelines.catalog.catalog import Catalog


class Pending:
    """Stands for a version that is not there yet, and may become another one than before."""

    def __init__(self, craft: str, *, failed: bool = False) -> None:
        self.craft = craft
        self.failed = failed


@dataclass
class Passed:
    """A value that a craft passes on: it is there, or the call that makes it is, or it is still to come.

    Attributes
    ----------
    step
        Key of the step that makes it; None where it cannot be told by one.
    value
        The value, once `ready`.
    behind
        Identifiers of the artifacts that it was made from.
    unasked
        Those of them that a craft loaded by itself, so that they are no part of the key of its step.
    deferred
        The call that makes it, where nobody has needed it so far.

    """

    step: str | None
    value: Any = None
    ready: bool = False
    behind: Sequence[str] = ()
    unasked: Sequence[str] = ()
    deferred: Any = None
    pending: Pending | None = None


@dataclass
class Need:
    """Hold what a step takes for one of its inputs.

    Attributes
    ----------
    taken
        For its recipe.
    passed
        Values that are passed on, by the keys that are left.
    pending
        What is not there yet.

    """

    taken: Taken
    passed: Mapping[Keys, Passed] = field(default_factory=dict)
    pending: Pending | None = None


class Sources:
    """Know what the crafts of a turn can take.

    Parameters
    ----------
    catalog, versions
        Where entries are, and what is known of their versions.
    made_here
        Names of the entries and of the values that this turn makes.
    left_out
        Names of the crafts that are not selected, by those of the entries that they make.

    """

    def __init__(
        self, catalog: Catalog, versions: Versions, made_here: Iterable[tuple[str, bool]], left_out: Mapping[str, str]
    ) -> None:
        self._catalog = catalog
        self._versions = versions
        self._made_here = set(made_here)
        self._left_out = left_out
        self._made: dict[str, dict[Keys, Version | Pending]] = {}
        self._values: dict[str, dict[Keys, Passed]] = {}
        self._current: dict[str, dict[Keys, Version]] = {}
        self._asked: set[tuple[str, Keys]] = set()
        # Partitions of an entry by those keys that steps have: of all of them, the names of those keys, and the groups.
        self._groups: dict[str, tuple[Mapping[Keys, Any], tuple[str, ...], dict[Keys, dict[Keys, Any]] | None]] = {}
        self.news: list[str] = []

    def add(self, name: str, keys: Keys, version: Version | Pending) -> None:
        """Add what was made, taken instead, or is still to come."""
        self._made.setdefault(name, {})[keys] = version
        self._groups.pop(name, None)

    def pass_on(self, name: str, keys: Keys, passed: Passed) -> None:
        """Add a value that is passed on."""
        self._values.setdefault(name, {})[keys] = passed

    def values(self) -> dict[str, dict[Keys, Passed]]:
        """Return all values that are passed on."""
        return self._values

    def made(self) -> dict[str, dict[Keys, Version | Pending]]:
        """Return all that this turn made or took instead."""
        return self._made

    def of(self, name: str, *, before: bool = False) -> Mapping[Keys, Version | Pending]:
        """Return the partitions of an entry: those of this turn where it makes the entry, else the current ones.

        `before`: the current ones, also where this turn makes the entry.
        """
        if not before and (name, False) in self._made_here:
            return self._made.get(name, {})
        found = self._current.get(name)
        if found is None:
            self._look(self._catalog[name])
            found = self._current[name] = self._versions.partitions(name)
        return found

    def _look(self, entry: Entry) -> None:
        """Bring the window of an entry and its versions together, once."""
        if entry.is_query and not entry.keys:
            self._catalog.assets.ask(entry, NONE, self._versions, {})
        if entry.keys:
            others = [self._catalog[name] for name in self._catalog]
            self.news += self._catalog.windows.sync_all(entry, self._versions, others)
        else:
            told = self._catalog.windows.sync(entry, NONE, self._versions)
            self.news += [f"{entry.name}: {told}"] if told else []

    # --- what one step takes ---

    def partitions_of(self, craft: CraftFunction, given: Mapping[str, Any]) -> list[Keys]:
        """List the combinations of a craft's `per` that its inputs have.

        Raises
        ------
        PipelineDefinitionError
            If no input has one of the keys.

        """
        if not craft.per:
            return [NONE]
        known = {name.lower(): value for name, value in given.items()}
        fixed = Keys({name: known[name.lower()] for name in craft.per if name.lower() in known})
        found: dict[Keys, None] | None = None
        for one in sorted(craft.inputs, key=lambda one: not one.is_needed):
            available = self._combinations(one, craft.per, fixed)
            if available is None or (not one.is_needed and found is not None):
                continue
            found = dict.fromkeys(available) if found is None else _joined(found, available)
        complete = [] if found is None else [keys for keys in found if len(keys) == len(craft.per)]
        if not complete and set(fixed) == set(craft.per):
            return [fixed]
        if not complete and (found is None or any(found)):
            raise self._no_keys(craft)
        wanted = (keys for keys in complete if all(keys[name] == value for name, value in fixed.items()))
        return sorted(wanted, key=lambda keys: keys.order_by(craft.per))

    def _combinations(self, one: Input, per: Sequence[str], fixed: Keys) -> list[Keys] | None:
        if one.volatile:
            every: Iterable[Keys] = self._values.get(one.name, {})
        elif one.name in self._catalog and not self._catalog[one.name].is_custom:
            names = {name.lower(): name for name in per}
            wanted = {names[name.lower()] for name in self._catalog[one.name].keys if name.lower() in names}
            # A query has data for whatever it is asked.
            if not wanted or (self._catalog[one.name].is_query and wanted <= set(fixed)):
                return None
            every = self.of(one.name)
            if not every and one.is_needed and (one.name, False) not in self._made_here:
                raise self.no_data(self._catalog[one.name], NONE)
        else:
            return None
        found = list(dict.fromkeys(keys.named(per) for keys in every))
        return found if any(found) or not one.volatile else None

    def need(self, one: Input, keys: Keys, context: Mapping[str, Any], craft: CraftFunction) -> Need | None:
        """Find what a step takes for an input; None: its default.

        Raises
        ------
        PipelineDefinitionError
            If nobody makes it.
        VersionNotFoundError
            If there is no data for it.

        """
        return self._value(one, keys, craft) if one.volatile else self._entry(one, keys, context, craft)

    def _value(self, one: Input, keys: Keys, craft: CraftFunction) -> Need | None:
        known = self._values.get(one.name)
        if known is None:
            if not one.is_needed:
                return None
            hint = " It is an entry of the catalog: hint it as Artifact." if one.name in self._catalog else ""
            raise UnknownInputError(
                f"Nobody makes the volatile value {one.name!r}:\n    ? → {one.name} → {craft.name}\nAdd a craft that "
                f"returns Volatile({one.name!r}), or give {one.parameter!r} a default.{hint}"
            )
        fits = {every.without(*keys): passed for every, passed in known.items() if _fits(every, keys)}
        if not fits and one.is_needed:
            raise VersionNotFoundError(f"No value of {one.name!r} was made for {keys}.")
        if not fits:
            return None
        pending = next((passed.pending for passed in fits.values() if passed.pending), None)
        steps = {every: passed.step for every, passed in fits.items()}
        made_by = steps[NONE] if set(steps) == {NONE} else _combined(steps)
        return Need(Taken(one.name, made_by=made_by, volatile=True), fits, pending)

    def _entry(self, one: Input, keys: Keys, context: Mapping[str, Any], craft: CraftFunction) -> Need | None:
        if one.name not in self._catalog:
            if not one.is_needed:
                return None
            raise self._missing(one, craft)
        entry = self._catalog[one.name]
        fixed = _given(entry, context, keys) if entry.keys else NONE
        if entry.is_custom:
            return Need(Taken(one.name, {NONE: custom_version(entry, fixed)}))
        if entry.is_query and entry.keys:
            self.ask(entry, fixed)
        own = any(output.name == one.name and not output.volatile for output in craft.outputs)
        every = self.of(one.name, before=own)
        if len(fixed) == len(entry.keys):
            fits: Mapping[Keys, Version | Pending] = {NONE: every[fixed]} if fixed in every else {}
        else:
            fits = self._fitting(one.name, every, fixed)
        if not fits:
            if one.is_needed:
                raise self.no_data(entry, fixed)
            return None
        pending = next((version for version in fits.values() if isinstance(version, Pending)), None)
        there = {each: version for each, version in fits.items() if isinstance(version, Version)}
        base = {each: self._base(entry, version) for each, version in there.items()} if own else there
        return Need(Taken(one.name, there, base=base), pending=pending)

    def _fitting(
        self, name: str, every: Mapping[Keys, Version | Pending], fixed: Keys
    ) -> Mapping[Keys, Version | Pending]:
        """Find the partitions that fit some keys, by the keys that are left."""
        known = self._groups.get(name)
        if known is None or known[0] is not every or known[1] != tuple(fixed):
            groups: dict[Keys, dict[Keys, Version | Pending]] = {}
            for keys, version in every.items():
                groups.setdefault(keys.only(fixed), {})[keys.without(*fixed)] = version
            is_whole = all(len(each) == len(fixed) for each in groups)
            known = self._groups[name] = every, tuple(fixed), groups if is_whole else None
        if known[2] is not None:
            return known[2].get(fixed, {})
        # Of some that were made when the path had other keys, not all are known: these fit whatever is asked.
        return {each.without(*fixed): version for each, version in every.items() if _fits(each, fixed)}

    def ask(self, entry: Entry, fixed: Keys) -> None:
        """Ask a query for some keys, or for all that were asked before and fit; each once."""
        self._groups.pop(entry.name, None)
        known = self._current.setdefault(entry.name, self._versions.partitions(entry.name))
        is_complete = len(fixed) == len(entry.keys)
        wanted = [fixed] if is_complete else [each for each in known if _fits(each, fixed)]
        for keys in wanted or [entry.keys_of(fixed)]:
            if (entry.name, keys) not in self._asked:
                self._asked.add((entry.name, keys))
                known[keys] = self._catalog.assets.ask(entry, keys, self._versions, {})

    def _base(self, entry: Entry, version: Version) -> Version:
        """Return what a craft that reads and writes an entry began with: what it made of that is no news."""
        others = [one for one in self._versions.history(entry.name, version.keys).versions if one.origin != BUILT]
        return max((one for one in others if not one.aside), default=version, key=lambda one: one.moment)

    def _no_keys(self, craft: CraftFunction) -> PipelineDefinitionError:
        known = [key for one in craft.inputs if one.name in self._catalog for key in self._catalog[one.name].keys]
        lacking = next(name for name in craft.per if name.lower() not in {key.lower() for key in known})
        have = (
            f" {lacking!r}; {meant(lacking, known)}"
            if known
            else (" keys: name some in the paths of their entries (!{…}), or pass them.")
        )
        return PipelineDefinitionError(
            f"The craft {craft.name} runs once per {', '.join(craft.per)}, and its inputs have no{have}"
        )

    def _missing(self, one: Input, craft: CraftFunction) -> UnknownInputError:
        return UnknownInputError(
            f"Nobody makes {one.name!r}, and it is not in the catalog:\n    ? → {one.name} → {craft.name}\n"
            f"Add an entry, or a craft that returns Artifact({one.name!r}); {meant(one.name, list(self._catalog))}"
        )

    def no_data(self, entry: Entry, keys: Keys) -> VersionNotFoundError:
        """Say that an input has no data."""
        which = f"{entry.name!r} ({keys})" if keys else repr(entry.name)
        where = (
            f": there is no version of it, and no file at {hide_password(entry.pattern.text)}" if entry.pattern else ""
        )
        maker = self._left_out.get(entry.name)
        advice = f" {maker} makes it, and is not selected." if maker else ""
        return VersionNotFoundError(f"No data found for {which}{where}.{advice}")


def _given(entry: Entry, context: Mapping[str, Any], keys: Keys) -> Keys:
    if keys.are_of(entry.keys):
        return keys
    known = {name.lower(): value for name, value in {**context, **keys}.items()}
    return Keys({name: known[name.lower()] for name in entry.keys if name.lower() in known})


def _fits(keys: Keys, wanted: Keys) -> bool:
    return all(keys[name] == value for name, value in wanted.items() if name in keys)


def _joined(one: Mapping[Keys, None], other: Iterable[Keys]) -> dict[Keys, None]:
    """Join combinations of keys: those that agree where both have a value."""
    found: dict[Keys, None] = {}
    by_shared: dict[Keys, list[Keys]] = {}
    others = list(other)
    shared = set(next(iter(one), NONE)) & set(next(iter(others), NONE))
    for keys in others:
        by_shared.setdefault(keys.only(sorted(shared)), []).append(keys)
    for keys in one:
        for fitting in by_shared.get(keys.only(sorted(shared)), ()):
            found[Keys({**keys, **fitting})] = None
    return found


def _combined(steps: Mapping[Keys, str | None]) -> str | None:
    import hashlib

    digest = hashlib.sha256(b"values")
    for keys, step in sorted(steps.items()):
        if step is None:
            return None
        digest.update(f"{dict(keys)!r}{step}".encode())
    return digest.hexdigest()

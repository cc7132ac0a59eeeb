"""Look at the code of crafts, once in a turn, and leave out the changes that a user accepted."""

from __future__ import annotations

import functools
import importlib
import operator
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elliptio.lake import records
from elliptio.pipelines.code import Code, Packages, Reader, joined
from elliptio.pipelines.project.own_folder import own_folder
from elliptio.provenance.collecting import username

if TYPE_CHECKING:
    from elliptio.pipelines.crafts.craft import CraftFunction
    from elliptio.pipelines.session import BaseSession

ACCEPTED = "accepted"
"""Kind of the records that say that a change of code does not change results."""


def with_validate(reader: Reader, craft: CraftFunction, code: Code, packages: Packages) -> Code:
    """Add to the code of a craft's function that of its `validate`, which decides what is published."""
    return code if craft.validate is None else joined(code, reader.code_of(craft.validate, packages=packages))


def codes_in(root: Path, crafts: Iterable[CraftFunction]) -> dict[str, str]:
    """Digest the code of crafts without a session, by their names; what lies below a folder is followed."""
    reader = Reader([root])
    found = {craft.name: (craft, reader.code_of(craft.__wrapped__, packages="none")) for craft in crafts}
    return {name: with_validate(reader, craft, code, "none").digest for name, (craft, code) in found.items()}


class Codes:
    """Code of the crafts of a session, as it is now.

    Parameters
    ----------
    session
        Whose crafts.

    """

    def __init__(self, session: BaseSession) -> None:
        self._session = session
        own = own_folder(session.root)
        self._reader = Reader([session.root], cache=None if own is None else own / "code")
        self._whole: dict[int, tuple[CraftFunction, Code]] = {}
        self._effective: dict[int, Mapping[str, Any]] = {}
        self._held: dict[str, str] = {}

    def whole(self, craft: CraftFunction) -> Code:
        """Return all that is known of a craft's code."""
        known = self._whole.get(id(craft))
        if known is None:
            found = self._reader.code_of(craft.__wrapped__, packages=craft.packages)
            found = found if craft.validate is None else with_validate(self._reader, craft, found, craft.packages)
            known = self._whole[id(craft)] = (craft, found)
        return known[1]

    def of(self, craft: CraftFunction) -> Mapping[str, Any]:
        """Return ``digest`` and ``packages``; the digest is that of the code before accepted changes."""
        known = self._effective.get(id(craft))
        if known is None:
            found = self.whole(craft)
            digest = self._before(craft.qualified, found.digest)
            known = self._effective[id(craft)] = {"digest": digest, "packages": dict(found.distributions)}
        return known

    def held(self, craft: CraftFunction, names: Iterable[str]) -> dict[str, str]:
        """Digest code that a craft is given, ``module:Class``: as before the changes that were accepted for it."""
        return {name: self._before(craft.qualified, digest) for name, digest in self.whole_held(names).items()}

    def whole_held(self, names: Iterable[str]) -> dict[str, str]:
        """Digest code that is named ``module:Class``, with its packages; what is not of the project is left out."""
        for name in names:
            if name not in self._held:
                self._held[name] = self._digest_of(name)
        return {name: digest for name in names if (digest := self._held[name])}

    def _digest_of(self, name: str) -> str:
        module, _, qualified = name.partition(":")
        try:
            thing = operator.attrgetter(qualified)(importlib.import_module(module))
        except Exception as error:  # whatever a module of a user does
            return f"not there: {type(error).__name__}"
        found = self._reader.code_of(thing, packages="imported")
        if len(found.parts) == 1 and found.parts[0].kind == "object":
            return ""
        return sha256(f"{found.digest} {sorted(found.distributions.items())}".encode()).hexdigest()

    def _before(self, craft: str, digest: str) -> str:
        seen = {digest}
        accepted = self._accepted.get(craft, {})
        while digest in accepted and accepted[digest] not in seen:
            digest = accepted[digest]
            seen.add(digest)
        return digest

    @functools.cached_property
    def _accepted(self) -> dict[str, dict[str, str]]:
        query = {"about.project": self._session.project.project_slug}
        found: dict[str, dict[str, str]] = {}
        for document in records.find(self._session.handler.lake, ACCEPTED, query, sort=[("creation_time", 1)]):
            about, content = document["about"], document["content"]
            found.setdefault(about["craft"], {})[content["after"]] = content["before"]
        return found


def accept(session: BaseSession, craft: CraftFunction, before: str, after: str, reason: str) -> None:
    """Record that a change between two digests, of a craft's code or what it is given, does not change its results."""
    about = {"project": session.project.project_slug, "craft": craft.qualified}
    content = {"before": before, "after": after, "reason": reason}
    records.add(session.handler.lake, ACCEPTED, about, content, username=username())

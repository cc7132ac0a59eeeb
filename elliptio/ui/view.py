"""Hold what the pages of one server share: the lake, the rules, what was verified, and templates."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elliptio import naming
from elliptio.masking import hide_password
from elliptio.ui import wording
from elliptio.ui.asked import Answer, Asked, segment
from elliptio.ui.assets import ASSETS
from elliptio.ui.checks import Checks
from elliptio.ui.facets import Kept
from elliptio.ui.guard import Policy
from elliptio.ui.systems import Systems

if TYPE_CHECKING:
    from jinja2 import Environment

    from elliptio.handler import Handler
    from elliptio.ui.curves import Reader

TEMPLATES = Path(__file__).parent / "templates"

MOST_NAMED = 40
MOST_KEPT = 24


def _now() -> datetime:
    return datetime.now(tz=UTC)


@dataclass
class View:
    """One lake as it is shown by one server.

    Attributes
    ----------
    h
        The handler, which is only asked by verbs that leave no trace.
    policy
        Who may ask for what.
    checks
        What was read and compared so far.
    systems
        Which of pipelines, models and flows the lake has.
    kept
        What was counted lately.
    clock
        Tells the time.
    exported
        Artifacts whose pages are written, to be read without a server; none where a server shows all.
    known_damaged, known_wrong
        What was wrong when somebody looked last: files, and how many of each other kind.
    folded
        Lineages that were drawn last, by what was opened in them: who opens one more fold waits for one more folding.
    large
        The artifact of very many files that was looked at last, with the document that says whether it is still so.
    contexts, trees
        What the pages of runs that were looked at last were made of, by run: a page that follows asks for it no more.

    """

    h: Handler
    policy: Policy
    checks: Checks = field(default_factory=Checks)
    systems: Systems = field(default_factory=Systems)
    kept: Kept = field(default_factory=Kept)
    clock: Callable[[], datetime] = _now
    exported: frozenset[str] = frozenset()
    known_damaged: set[tuple[str, str]] = field(default_factory=set)
    known_wrong: dict[str, int] = field(default_factory=dict)
    folded: dict[str, Any] = field(default_factory=dict)
    large: dict[str, Any] = field(default_factory=dict)
    contexts: dict[str, Any] = field(default_factory=dict)
    trees: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Say on pages what is wrong, and not by warnings."""
        self.h.lake.quiet = True

    @property
    def wrong(self) -> int:
        """Count what is known to be wrong."""
        seen = {(one.artifact_id, one.relpath) for one in self.checks.troubles}
        bare = {(about, relpath.partition("/")[2]) for about, relpath in self.known_damaged}
        return len(self.known_damaged) + len(seen - bare) + sum(self.known_wrong.values())

    @cached_property
    def lake_name(self) -> str:
        """Place of the lake, as short as it can be said."""
        root, home = hide_password(self.h.store.root), os.path.expanduser("~")
        name = f"~{root[len(home) :]}" if len(home) > 1 and root.startswith(f"{home}/") else root
        return name if len(name) <= MOST_NAMED else f"…{name[-MOST_NAMED + 1 :]}"

    def keep(self, kept: dict[str, Any], name: str, value: Any) -> None:
        """Keep something that was looked at, and no more than a few such."""
        kept.pop(name, None)
        kept[name] = value
        while len(kept) > MOST_KEPT:
            kept.pop(next(iter(kept)), None)

    @cached_property
    def curves(self) -> Reader:
        """Curves of runs, as far as they were read."""
        from elliptio.ui.curves import Reader

        return Reader(self.h.lake)

    @cached_property
    def templates(self) -> Environment:
        """Templates, in which whatever is put in is text."""
        from jinja2 import Environment, PackageLoader, StrictUndefined

        from elliptio.ui.compiled import compiled

        made = Environment(
            loader=PackageLoader("elliptio.ui"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=compiled(TEMPLATES),
        )
        made.filters |= {
            "size": wording.size,
            "exact": wording.exact,
            "plain": wording.plain,
            "segment": segment,
            "thousands": lambda number: f"{number:,}",
            "person": wording.person,
            "badge": wording.badge,
            "suffix": wording.suffix_of,
            "iso": naming.iso,
        }
        return made

    def page(self, template: str, asked: Asked, *, status: int = 200, **values: Any) -> Answer:
        """Fill a template."""
        now = self.clock()
        text = self.templates.get_template(template).render(
            up=asked.up,
            asked=asked,
            lake=self.lake_name,
            exported=bool(self.exported),
            writes=sorted(self.policy.write),
            versions={name: asset.version for name, asset in ASSETS.items()},
            troubles=self.wrong,
            systems=self.systems.there(self.h),
            ago=lambda moment: wording.when(moment, now),
            **values,
        )
        return Answer(text.encode("utf-8", "replace"), status=status)

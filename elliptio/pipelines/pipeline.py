"""Crafts that can be called and joined, and pipelines of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from elliptio.pipelines import active
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.errors import PipelineDefinitionError
from elliptio.pipelines.graphs.graph import Graph, graph_of
from elliptio.pipelines.graphs.order import ordered, stages
from elliptio.pipelines.hooks import RunHooks
from elliptio.system.collector import uncollected

if TYPE_CHECKING:
    from elliptio.pipelines.accepting import Acceptance
    from elliptio.pipelines.builds.auditing import Audit
    from elliptio.pipelines.builds.build import Build
    from elliptio.pipelines.builds.engine import Engine
    from elliptio.pipelines.builds.plan import Plan
    from elliptio.pipelines.graphs.drawing import Picture
    from elliptio.pipelines.snapshots.snapshot import Snapshot

DEFAULT_NAME = "pipeline"


class Craft(CraftFunction):
    """A function whose inputs are loaded from the catalog, and whose results are saved to it.

    It decorates the function: ``@Craft``, ``@Craft()``, or with options. Called inside ``with sess:`` it loads what is
    not given, runs, saves, and returns what the function returns; it never skips.

    Parameters
    ----------
    function
        The function.
    name
        Name of the craft; the function's without it.
    cache
        False: it is no function of its inputs, so it is never skipped.
    per
        Names of keys: it runs once for each combination of their values that its inputs have.
    version
        A text that counts as part of its code.
    packages
        Whose versions count: those that its code imports, a list, ``"all"`` or ``"none"``.
    retries
        How often it is tried again where it fails.
    validate
        A function of its results that returns whether they are good, and a text; if not, nothing is published. It
        counts as part of its code.
    tags
        Texts by which it can be selected: ``"tag:nightly"``.

    Raises
    ------
    CraftDefinitionError
        If a hint or an option is wrong.

    Examples
    --------
    >>> from elliptio.pipelines import Artifact, Craft
    >>> @Craft(per=("day",), retries=2)
    ... def clean(raw: Artifact, day) -> Artifact("clean"):
    ...     return raw.dropna()
    >>> clean.name, clean.inputs[0].name, list(clean.parameters)
    ('clean', 'raw', ['day'])

    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Load what is not given, run, save, and return what the function returns.

        Parameters
        ----------
        args
            Plain parameters, in order.
        kwargs
            Any parameter, an input too: it is not loaded then; and values of keys.

        Raises
        ------
        NoSessionError
            If there is no session here.
        CraftError
            If the function fails; its error is the cause.

        """
        from elliptio.pipelines.crafts.calling import call

        return call(self, active.session(), args, kwargs)

    def __add__(self, other: Any) -> Pipeline:
        """Join with a craft, or put before the crafts of a pipeline."""
        if not isinstance(other, Craft | Pipeline):
            return NotImplemented
        return Pipeline() + self + other


class Pipeline(RunHooks):
    """Crafts joined by the names of what they take and give.

    ``craft + craft`` makes one; adding to a pipeline makes it grow. Called inside ``with sess:`` it runs what changed,
    and returns the volatile values.

    Parameters
    ----------
    name
        Its name.

    Examples
    --------
    >>> from elliptio.pipelines import Craft, Pipeline, Volatile
    >>> @Craft()
    ... def create_var() -> Volatile("myValue"):
    ...     return 10
    >>> @Craft()
    ... def print_var(myValue: Volatile):
    ...     print(myValue)
    >>> print(print_var + create_var)
    Pipeline steps :
        - create_var
        - print_var

    """

    def __init__(self, name: str = DEFAULT_NAME) -> None:
        if not isinstance(name, str) or not name or not name.isprintable():
            raise PipelineDefinitionError(f"The name of a pipeline is a text, not {name!r}.")
        self.name = name
        self._crafts: list[Craft] = []
        self._names: dict[str, Craft] = {}
        self._makers: dict[str, Craft] = {}
        self._takes: set[str] = set()

    def __add__(self, other: Any) -> Self:
        """Add a craft, or the crafts of another pipeline; those that are there already stay where they are.

        Raises
        ------
        PipelineDefinitionError
            If two make the same or have the same name, or some need each other in a circle. It did not grow then.

        """
        if not isinstance(other, Craft | Pipeline):
            return NotImplemented
        every = [other] if isinstance(other, Craft) else other._crafts
        added = [one for one in every if self._names.get(one.name) is not one]
        if self._may_clash(added):
            ordered([*self._crafts, *added])
        for craft in added:
            self._crafts.append(craft)
            self._names[craft.name] = craft
            self._makers.update({one.name: craft for one in craft.outputs})
            self._takes.update(one.name for one in craft.inputs)
        return self

    __iadd__ = __add__

    def _may_clash(self, added: Sequence[Craft]) -> bool:
        """Tell whether all has to be looked at: one craft more mostly cannot make a circle."""
        if len(added) != 1:
            return bool(added)
        new = added[0]
        makes = {one.name for one in new.outputs}
        needs = {one.name for one in new.inputs} - makes
        twice = any(one in self._makers for one in makes) or new.name in self._names
        return twice or (not self._takes.isdisjoint(makes) and any(one in self._makers for one in needs))

    # --- what it is ---

    @property
    def crafts(self) -> list[CraftFunction]:
        """Its crafts, in the order in which they run."""
        return ordered(self._crafts)

    def __len__(self) -> int:
        return len(self._crafts)

    def __iter__(self) -> Iterator[CraftFunction]:
        return iter(self.crafts)

    def __str__(self) -> str:
        lines = [", ".join(craft.name for craft in stage) for stage in stages(self._crafts)]
        return "Pipeline steps :" + "".join(f"\n\t- {line}" for line in lines)

    def __repr__(self) -> str:
        return f"Pipeline({self.name!r}, {len(self)} crafts)"

    @property
    def graph(self) -> Graph:
        """Its definition as a value: ``.name``, ``.fingerprint``."""
        session = active.session_or_none()
        if session is not None:
            return self._engine(session).graph
        from elliptio.pipelines.coding import codes_in

        codes = codes_in(Path.cwd(), self._crafts)
        return graph_of(self.name, self.crafts, codes)

    def to_mermaid(self) -> str:
        """Write it as a flowchart of Mermaid."""
        from elliptio.pipelines.graphs.drawing import mermaid

        return mermaid(self.crafts)

    def plot(self) -> Picture:
        """Draw it as SVG, which a notebook shows by itself."""
        from elliptio.pipelines.graphs.drawing import picture

        return picture(self.crafts)

    # Without _repr_svg_: notebooks would store the picture twice, and show this one.
    def _repr_html_(self) -> str:
        return self.plot()._repr_html_()

    # --- what it does ---

    def __call__(self, **params: Any) -> dict[str, Any]:
        """Run what changed, and return all volatile values by name.

        Parameters
        ----------
        params
            Shared by all crafts; ``{craft: {…}}`` are those of one.

        Raises
        ------
        NoSessionError
            If there is no session here.
        CraftError
            If a craft fails; its own error is the cause.

        """
        return self.run(params).volatiles

    def run(
        self,
        params: Mapping[str, Any] | None = None,
        *,
        configuration: Mapping[str, Any] | str | None = None,
        refresh: bool = False,
        select: str | Iterable[str] | None = None,
        volatiles: bool = True,
        runner: Any = "inline",
        workers: int | None = None,
        on_error: Literal["raise", "return"] = "raise",
    ) -> Build:
        """Run what changed.

        Parameters
        ----------
        params
            Parameters: shared ones, and ``{craft: {…}}``; they win over the configuration.
        configuration
            Parameters, or the name of a configuration of the session.
        refresh
            True: run all, whatever is there.
        select
            Only these crafts: ``"train"``, ``"+train"``, ``"train+"``, ``"tag:nightly"``.
        volatiles
            False: crafts that only pass values on run where a step that runs needs them.
        runner, workers
            Where steps run: ``"inline"``, ``"threads"``, ``"processes"``, ``"dask://host:port"``, a client of Dask, an
            app of Celery, or a `Runner`; and how many at once.
        on_error
            ``"return"``: do not raise; ``.ok`` of the build is False then.

        Returns
        -------
        Build
            ``.ok``, ``.volatiles``, ``.snapshot``, ``.run_id``, ``.steps``.

        Raises
        ------
        NoSessionError
            If there is no session here.
        PipelineDefinitionError
            If an input is neither made nor in the catalog.
        VersionNotFoundError
            If there is no data for an input.
        CraftError
            If a craft fails, unless ``on_error="return"``.

        """
        if on_error not in ("raise", "return"):
            raise PipelineDefinitionError(f"on_error takes 'raise' or 'return', not {on_error!r}.")
        with uncollected():
            build = self._engine(active.session()).run(
                params,
                configuration,
                refresh=refresh,
                select=select,
                volatiles=volatiles,
                runner=runner,
                workers=workers,
            )
        if build.error is not None and on_error == "raise":
            raise build.error
        return build

    def plan(
        self,
        params: Mapping[str, Any] | None = None,
        configuration: Mapping[str, Any] | str | None = None,
        *,
        refresh: bool = False,
        select: str | Iterable[str] | None = None,
        volatiles: bool = True,
    ) -> Plan:
        """Tell what `run` would do, and why; nothing runs. Parameters and errors as of `run`.

        Returns
        -------
        Plan
            ``.steps``: craft, keys, status (make, skip), why.

        """
        engine = self._engine(active.session())
        return engine.plan(params, configuration, refresh=refresh, select=select, volatiles=volatiles)

    def snapshot(self, **params: Any) -> Snapshot:
        """Take a snapshot without running: the graph and the exact inputs; the same again has the same ``.id``.

        Raises
        ------
        VersionNotFoundError
            If there is no data for an input; the message names it.

        """
        return self._engine(active.session()).snapshot(params)

    def accept(self, craft: str | Iterable[str] | None = None, *, reason: str) -> list[Acceptance]:
        """Record that changes of code since the last build do not change results: what was made before is taken.

        Versions of packages and all else that changed still count.

        Parameters
        ----------
        craft
            Which crafts, as `select` of `run`; all without it.
        reason
            Why results stay the same; it is shown with what was made before.

        Returns
        -------
        list of Acceptance
            One for each craft whose code had changed: ``.craft``, ``.changes``, ``.artifact_ids``.

        Raises
        ------
        SelectionError
            If it has no such craft.

        """
        from elliptio.pipelines.accepting import accept_changes

        return accept_changes(active.session(), self.crafts, craft, reason)

    def audit(
        self,
        params: Mapping[str, Any] | None = None,
        configuration: Mapping[str, Any] | str | None = None,
        *,
        sample: str | int = "5%",
        select: str | Iterable[str] | None = None,
        seed: int | None = None,
    ) -> Audit:
        """Run steps again at random, and compare the bytes of what they make with what the lake has.

        Nothing is published. Parameters and errors as of `run`.

        Parameters
        ----------
        params, configuration, select
            As for `run`: which steps there are.
        sample
            How many of the steps that would be skipped: ``"5%"``, at least one, or a number.
        seed
            Chooses the same steps again.

        Returns
        -------
        Audit
            ``.ok``, and ``.steps``: craft, keys, entry, status (same, differs, failed, not compared), why.

        """
        from elliptio.pipelines.builds.auditing import audit

        return audit(self._engine(active.session()), params, configuration, sample=sample, select=select, seed=seed)

    def _engine(self, session: Any) -> Engine:
        from elliptio.pipelines.builds.engine import Engine

        return Engine(self, session)

"""Order processors by their streams, and find what cannot be: circles, two writers, arms that hold each other up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from elliptio.flows import drawing
from elliptio.flows.declaring import Declaration
from elliptio.flows.errors import CyclicFlowError, DuplicateIOError, ProcessorError

_DRAWN = 10
"""So many circles are drawn in an error."""


@dataclass(frozen=True)
class Topology:
    """The graph of a flow: processors, joined by their streams, each after those that it reads from.

    It prints as a drawing, and shows itself in a notebook.

    Examples
    --------
    >>> from elliptio.flows import Flow, Processor
    >>> first = Processor(name="first", inputs=["a"], outputs=["b"])
    >>> second = Processor(name="second", inputs=["b"], outputs=["c"], wait=True)
    >>> topology = Flow.from_tasks(second, first).resolve().topology
    >>> [processor.name for processor in topology.processors]
    ['first', 'second']

    """

    processors: tuple[Declaration, ...]

    @classmethod
    def of(cls, processors: Iterable[Declaration]) -> Topology:
        """Order processors.

        Raises
        ------
        ProcessorError
            If two have one name.
        DuplicateIOError
            If two write one stream.
        CyclicFlowError
            If they need each other in a circle.

        """
        given = list(dict.fromkeys(processors))
        names: dict[str, Declaration] = {}
        for one in given:
            if (other := names.setdefault(one.name, one)) is not one:
                raise ProcessorError(f"Two processors of a flow have the name {one.name!r}: {other} and {one}.")
        writers = _writers(given)
        after = {one.name: sorted({writers[name].name for name in one.inputs if name in writers}) for one in given}
        return cls(tuple(names[name] for name in _ordered(after)))

    @cached_property
    def writers(self) -> dict[str, Declaration]:
        """The processor that writes each stream."""
        return _writers(self.processors)

    @cached_property
    def inputs(self) -> frozenset[str]:
        """Streams that are read, and that no processor writes."""
        read = frozenset(name for one in self.processors for name in one.inputs)
        return read - self.writers.keys()

    @cached_property
    def outputs(self) -> frozenset[str]:
        """Streams that are written, and that no processor reads."""
        read = {name for one in self.processors for name in one.inputs}
        return frozenset(self.writers) - read

    @cached_property
    def stages(self) -> list[set[Declaration]]:
        """Processors by the number of waits that come before them."""
        number: dict[str, int] = {}
        stages: list[set[Declaration]] = []
        for one in self.processors:
            before = [number[self.writers[name].name] for name in one.inputs if name in self.writers]
            waits = any(name in self.writers for name in one.awaited)
            number[one.name] = max(before, default=0) + waits
            stages += [set() for _ in range(number[one.name] + 1 - len(stages))]
            stages[number[one.name]].add(one)
        return [stage for stage in stages if stage]

    @cached_property
    def unbounded(self) -> frozenset[str]:
        """Streams that must not be held back by their reader: it would wait for what is held up by that.

        A step that joins two streams, of which one comes by a step that waits for what the other is made of as well,
        does not read the other while it waits.
        """
        sources = {one.name: self._sources(one) for one in self.processors}
        free = set()
        for one in self.processors:
            for late in one.inputs - one.awaited:
                waited = self._waited_for(late, sources)
                for name in one.inputs - {late}:
                    if waited & ({name} | self._made_of(name, sources)):
                        free.add(name)
        return frozenset(free)

    def document(self) -> dict[str, Any]:
        """Write it as the plan of a flow: a document of plain values, made once."""
        return self._document

    @cached_property
    def _document(self) -> dict[str, Any]:
        return {
            "processors": [one.document() for one in self.processors],
            "wait": {one.name: sorted(one.awaited) for one in self.processors if one.awaited},
            "unbounded": sorted(self.unbounded),
            "inputs": sorted(self.inputs),
            "outputs": sorted(self.outputs),
        }

    def _drawn(self) -> tuple[list[drawing.Box], list[drawing.Link]]:
        boxes = [drawing.Box(one.name, waits=one.awaited) for one in self.processors]
        links: list[drawing.Link] = []
        for one in self.processors:
            for name in sorted(one.inputs):
                writer = self.writers.get(name)
                links.append((writer.name if writer else None, one.name, name))
            links += [(one.name, None, name) for name in sorted(one.outputs & self.outputs)]
        return boxes, links

    def _sources(self, processor: Declaration) -> frozenset[str]:
        """List all streams that come before a processor."""
        found, look = set(processor.inputs), list(processor.inputs)
        while look:
            writer = self.writers.get(look.pop())
            fresh = writer.inputs - found if writer is not None else ()
            found.update(fresh)
            look.extend(fresh)
        return frozenset(found)

    def _made_of(self, stream: str, sources: dict[str, frozenset[str]]) -> frozenset[str]:
        writer = self.writers.get(stream)
        return sources[writer.name] | writer.outputs if writer is not None else frozenset()

    def _waited_for(self, stream: str, sources: dict[str, frozenset[str]]) -> frozenset[str]:
        """List the streams that must end, or come before those that must, before a stream gets its first value."""
        writer = self.writers.get(stream)
        if writer is None:
            return frozenset()
        found: set[str] = set()
        before = {self.writers[name] for name in sources[writer.name] if name in self.writers}
        for one in (writer, *before):
            for name in one.awaited:
                found |= {name} | self._made_of(name, sources)
        return frozenset(found)

    def __str__(self) -> str:
        return drawing.text(*self._drawn())

    def to_mermaid(self) -> str:
        """Write it in the notation of Mermaid."""
        return drawing.mermaid(*self._drawn())

    def to_svg(self) -> str:
        """Draw it as SVG."""
        return drawing.svg(*self._drawn())

    def _repr_html_(self) -> str:
        return drawing.html(*self._drawn())

    def __repr__(self) -> str:
        return f"Topology({' → '.join(one.name for one in self.processors)})"


def _writers(processors: Iterable[Declaration]) -> dict[str, Declaration]:
    found: dict[str, Declaration] = {}
    for one in processors:
        for name in sorted(one.outputs):
            if name in found:
                raise DuplicateIOError(
                    f"The stream {name!r} is written by two processors, {found[name].name!r} and {one.name!r}. A "
                    "stream has one writer: give one of them another output, and read both with `as_available`."
                )
            found[name] = one
    return found


def _ordered(after: dict[str, list[str]]) -> list[str]:
    """Order names, each after those that it needs; among equals as they were given."""
    order: list[str] = []
    missing = {name: len(needs) for name, needs in after.items()}
    ready = [name for name in after if not missing[name]]
    readers: dict[str, list[str]] = {name: [] for name in after}
    for name, needs in after.items():
        for need in needs:
            readers[need].append(name)
    for name in ready:
        order.append(name)
        for reader in readers[name]:
            missing[reader] -= 1
            if not missing[reader]:
                ready.append(reader)
    if len(order) < len(after):
        left = {name: [need for need in needs if missing[need]] for name, needs in after.items() if missing[name]}
        raise CyclicFlowError(_circles(left))
    return order


def _circles(after: dict[str, list[str]]) -> str:
    """Draw circles, shortest first."""
    found: dict[frozenset[str], list[str]] = {}
    for name in after:
        circle = _circle(name, after)
        if circle and frozenset(circle) not in found:
            found[frozenset(circle)] = circle
    drawn = sorted(found.values(), key=len)
    lines = [" → ".join((*circle, circle[0])) for circle in drawn[:_DRAWN]]
    more = f"\n(and {len(drawn) - _DRAWN} more)" if len(drawn) > _DRAWN else ""
    return "Processors need each other's streams in a circle:\n" + "\n".join(lines) + more


def _circle(name: str, after: dict[str, list[str]]) -> list[str] | None:
    """Find a shortest way from a name back to itself, in the direction that values flow."""
    before: dict[str, str] = {}
    for need, by in _walk(name, after):
        if need == name:
            circle = [by]
            while circle[-1] != name:
                circle.append(before[circle[-1]])
            return circle if circle[0] == name else [name, *[one for one in circle if one != name]]
        before.setdefault(need, by)
    return None


def _walk(name: str, after: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    look, seen = [name], {name}
    for by in look:
        for need in after.get(by, ()):
            yield need, by
            if need not in seen:
                seen.add(need)
                look.append(need)

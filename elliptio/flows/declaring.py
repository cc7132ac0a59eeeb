"""Say what a processor is: an async function between named streams, told by what it reads and writes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from elliptio.flows.errors import ProcessorError

RESUMES = ("replay", "per_value")


@dataclass(frozen=True, init=False, repr=False)
class Declaration:
    """Says what is known of a processor without the function that implements it.

    Attributes
    ----------
    name, inputs, outputs, wait, resume, on_failure
        See `elliptio.flows.Processor`.

    """

    name: str
    inputs: frozenset[str] = field(default=frozenset())
    outputs: frozenset[str] = field(default=frozenset())
    wait: bool | frozenset[str] = False
    resume: Literal["replay", "per_value"] = "replay"
    on_failure: Literal["fail", "skip"] = "fail"

    def __init__(
        self,
        name: str,
        *,
        inputs: Iterable[str] = (),
        outputs: Iterable[str] = (),
        wait: bool | Iterable[str] = False,
        resume: Literal["replay", "per_value"] = "replay",
        on_failure: Literal["fail", "skip"] = "fail",
    ) -> None:
        given = {
            "name": name,
            "inputs": _names(name, "inputs", inputs),
            "outputs": _names(name, "outputs", outputs),
            "wait": wait if isinstance(wait, bool) else _names(name, "wait", wait),
            "resume": resume,
            "on_failure": on_failure,
        }
        for attribute, value in given.items():
            object.__setattr__(self, attribute, value)
        _check(self)

    __init__.__qualname__ = "Processor.__init__"  # as an unknown field is refused by Python, in the user's words

    def __repr__(self) -> str:
        said = [f"name={self.name!r}"]
        for one in fields(self)[1:]:
            value = getattr(self, one.name)
            if value != one.default:
                said.append(f"{one.name}={_shown(value)}")
        return f"Processor({', '.join(said)})"

    @property
    def awaited(self) -> frozenset[str]:
        """Inputs that must have ended before it starts."""
        if isinstance(self.wait, frozenset):
            return self.wait
        return self.inputs if self.wait else frozenset()

    def document(self) -> dict[str, Any]:
        """Write it as a document of plain values."""
        return {
            "name": self.name,
            "inputs": sorted(self.inputs),
            "outputs": sorted(self.outputs),
            "wait": sorted(self.awaited),
            "resume": self.resume,
            "on_failure": self.on_failure,
        }


def _names(processor: object, what: str, names: Iterable[str]) -> frozenset[str]:
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise ProcessorError(f"{what} of the processor {processor!r} must be a list of names, not {names!r}.")
    taken = list(names)
    for name in taken:
        if not isinstance(name, str) or not name or name.startswith("@") or not name.isprintable():
            raise ProcessorError(
                f"{what} of the processor {processor!r}: {name!r} is no name of a stream. It must be a text that can "
                "be seen and does not begin with '@'."
            )
    if twice := sorted({name for name in taken if taken.count(name) > 1}):
        raise ProcessorError(f"{what} of the processor {processor!r} name a stream twice: {', '.join(twice)}.")
    return frozenset(taken)


def _check(processor: Declaration) -> None:
    name = processor.name
    if not isinstance(name, str) or not name or not name.isprintable() or name.startswith("@"):
        raise ProcessorError(
            f"{name!r} is no name of a processor: it must be a text that can be seen, without '@' in front."
        )
    if strange := processor.awaited - processor.inputs:
        raise ProcessorError(
            f"The processor {name!r} cannot wait for {', '.join(sorted(strange))}: it is not among its inputs."
        )
    if processor.resume not in RESUMES:
        raise ProcessorError(
            f"resume of the processor {name!r} must be one of {', '.join(RESUMES)}, not {processor.resume!r}."
        )
    if processor.resume == "per_value" and (len(processor.inputs) != 1 or processor.awaited):
        raise ProcessorError(
            f"The processor {name!r} can resume 'per_value' only with exactly one input that it does not wait for."
        )
    if processor.on_failure not in ("fail", "skip"):
        raise ProcessorError(
            f"on_failure of the processor {name!r} must be 'fail' or 'skip', not {processor.on_failure!r}."
        )


def _shown(value: Any) -> str:
    return "{" + ", ".join(map(repr, sorted(value))) + "}" if isinstance(value, frozenset) else repr(value)

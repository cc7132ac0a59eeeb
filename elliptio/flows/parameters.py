"""Tell what each parameter of a processor's function gets: a stream, a dependency, a checkpoint."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_origin

from elliptio.flows.declaring import Declaration
from elliptio.flows.errors import ProcessorError


class Checkpoint:
    """The state of a step that resumes by what it saved, not by running again from the start.

    A parameter annotated with it gets one. What is saved is kept together with the next values that are written, both
    or neither; a worker that takes the step over loads it.

    Examples
    --------
    >>> from elliptio.flows import IO, Checkpoint, Processor
    >>> running = Processor(name="running-sum", inputs=["x"], outputs=["total"])
    >>> @running
    ... async def _running(x: IO[int], c: Checkpoint):
    ...     done, total = await c.load((0, 0))
    ...     async for value in x.stream(cursor=done):
    ...         done, total = done + 1, total + value
    ...         c.save((done, total))
    ...         yield total
    >>> _running(x=[1, 2, 3])
    {'total': [1, 3, 6]}

    """

    def __init__(self, saved: Any, save: Callable[[Any], None]) -> None:
        self._saved = saved
        self._save = save

    async def load(self, default: Any = None) -> Any:
        """Give what was saved last, or the default."""
        return default if self._saved is None else self._saved[0]

    def save(self, state: Any) -> None:
        """Keep a state together with the value that is yielded next.

        Save, then yield. If the step asks for another value of an input first, the state stands for what was yielded
        before; where nothing is yielded for long, it is kept when the lease is renewed.
        """
        self._saved = (state,)
        self._save(state)


@dataclass(frozen=True)
class Parameters:
    """Says what the parameters of a function get.

    Attributes
    ----------
    inputs, outputs
        By the name of the parameter: the stream that it takes, to read or to write.
    checkpoint
        Name of the parameter that gets a `Checkpoint`, if any.
    dependencies
        Parameters that dependencies are made for.
    generates
        Whether the function is an asynchronous generator.
    positional
        Parameters that can only be given by their place, in order.

    """

    inputs: dict[str, str]
    outputs: dict[str, str]
    checkpoint: str | None
    dependencies: tuple[inspect.Parameter, ...]
    generates: bool
    positional: tuple[str, ...] = ()

    @classmethod
    def of(cls, processor: Declaration, function: Callable[..., Any], names: Mapping[str, Any]) -> Parameters:
        """Look at a function; ``names`` are those around it, for annotations that are texts.

        Raises
        ------
        ProcessorError
            If it is not asynchronous, or has a parameter that nothing is known for.

        """
        if not inspect.isroutine(function) and not isinstance(function, functools.partial):
            function = getattr(function, "__call__", function)  # noqa: B004
        generates = inspect.isasyncgenfunction(function)
        if not generates and not inspect.iscoroutinefunction(function):
            raise ProcessorError(
                f"What implements the processor {processor.name!r} must be `async def`, and {_name(function)} is not. "
                "Call what is not asynchronous inside it, in a thread if it takes long: `await "
                "anyio.to_thread.run_sync(function)`."
            )
        if processor.resume == "per_value" and processor.outputs and not generates:
            raise ProcessorError(
                f"The processor {processor.name!r} resumes 'per_value', so its function must yield values."
            )
        hints = _hints(function, names)
        found: dict[str, list[Any]] = {"input": [], "output": [], "checkpoint": [], "dependency": [], "unknown": []}
        positional = []
        for parameter in inspect.signature(function).parameters.values():
            kind, what = _kind(processor, parameter, hints.get(parameter.name, parameter.empty))
            if kind:
                found[kind].append(what)
                if parameter.kind is parameter.POSITIONAL_ONLY:
                    positional.append(parameter.name)
        if found["unknown"]:
            raise ProcessorError(_unresolvable(processor, found["unknown"]))
        checkpoint = next(iter(found["checkpoint"]), None)
        if checkpoint and processor.resume == "per_value":
            raise ProcessorError(
                f"The processor {processor.name!r} resumes 'per_value' or by a Checkpoint, not by both."
            )
        for parameter in found["dependency"]:
            _settle(processor, parameter, names, set())
        streams = dict(found["input"]), dict(found["output"])
        return cls(*streams, checkpoint, tuple(found["dependency"]), generates, tuple(positional))


def _kind(processor: Declaration, parameter: inspect.Parameter, hint: Any) -> tuple[str, Any]:
    """Tell what a parameter gets, and what is to be kept of it; nothing if it has its default."""
    if hint is Checkpoint:
        return "checkpoint", parameter.name
    if _depends(parameter.default) or any(map(_depends, getattr(hint, "__metadata__", ()))):
        annotation = hint if get_origin(hint) is Annotated else parameter.empty
        return "dependency", parameter.replace(annotation=annotation, kind=parameter.KEYWORD_ONLY)
    for name in (*getattr(hint, "__metadata__", ()), parameter.name):  # not each name of a stream can be a parameter's
        if isinstance(name, str) and name in processor.inputs:
            return "input", (parameter.name, name)
        if isinstance(name, str) and name in processor.outputs:
            return "output", (parameter.name, name)
    if parameter.default is not parameter.empty or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
        return "", None
    return "unknown", parameter.name


def _depends(value: Any) -> bool:
    return type(value).__module__.startswith("fast_depends.") and type(value).__name__ == "Dependant"


def _hints(function: Callable[..., Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Resolve the annotations of a function; one that cannot be is as if it were not there."""
    function = _written(function)
    spaces = {**getattr(function, "__globals__", {})}
    # What is written in a function sees its names first; what comes from elsewhere has its own.
    around = dict(names) if "<locals>" in getattr(function, "__qualname__", "") else {**names, **spaces}
    try:
        return typing.get_type_hints(function, spaces, around, include_extras=True)
    except Exception:  # an annotation may be anything
        return {
            name: _evaluated(hint, spaces, around) for name, hint in getattr(function, "__annotations__", {}).items()
        }


def _written(function: Callable[..., Any]) -> Callable[..., Any]:
    """Find the function that was written, whose annotations count, below what was made of it."""
    function = inspect.unwrap(function)
    while isinstance(function, functools.partial):
        function = inspect.unwrap(function.func)
    if isinstance(function, type):
        function = function.__init__  # type: ignore[misc]
    elif not inspect.isroutine(function):
        function = getattr(type(function), "__call__", function)  # noqa: B004
    return getattr(function, "__func__", function)


def _settle(processor: Declaration, parameter: inspect.Parameter, names: Mapping[str, Any], seen: set[Any]) -> None:
    """Resolve the annotations of a dependency that are texts, and of those below it, while their names are known.

    Where a step runs, others are around, and would be taken for them.

    Raises
    ------
    ProcessorError
        If one of them has a parameter that nothing is known for.

    """
    for mark in filter(_depends, (parameter.default, *getattr(parameter.annotation, "__metadata__", ()))):
        if not callable(mark.dependency):
            raise ProcessorError(
                f"The parameter {parameter.name!r} of processor {processor.name!r} depends on {mark.dependency!r}, "
                "which cannot be called. Depends takes the function itself: Depends(function), not Depends(function())."
            )
        function = _written(mark.dependency)
        if function in seen:
            continue
        seen.add(function)
        texts = {name for name, hint in getattr(function, "__annotations__", {}).items() if isinstance(hint, str)}
        if texts and inspect.isfunction(function):
            hints = _hints(function, names)
            known = {name: hints[name] for name in texts if hints.get(name, parameter.empty) is not parameter.empty}
            function.__annotations__ = {**function.__annotations__, **known}
        try:
            below = inspect.signature(mark.dependency).parameters.values()
        except (TypeError, ValueError):  # what is built in may not tell
            continue
        for one in below:
            if not _is_given(one):
                raise ProcessorError(
                    f"Processor {processor.name!r} depends on {_name(mark.dependency)}, which has an unresolvable "
                    f"parameter: {one.name!r}. A parameter of a dependency has Depends(…) or a default."
                )
            _settle(processor, one, names, seen)


def _is_given(parameter: inspect.Parameter) -> bool:
    """Tell whether a parameter of a dependency gets something: by its default, or a mark of fast_depends."""
    marks = getattr(parameter.annotation, "__metadata__", ())
    return (
        parameter.default is not parameter.empty
        or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        or any(kind.__module__.startswith("fast_depends.") for mark in marks for kind in type(mark).__mro__)
    )


def _evaluated(hint: Any, spaces: dict[str, Any], names: Mapping[str, Any]) -> Any:
    if not isinstance(hint, str):
        return hint
    try:
        return eval(hint, spaces, dict(names))  # what Python itself does with the text of an annotation
    except Exception:
        return inspect.Parameter.empty


def _unresolvable(processor: Declaration, names: list[str]) -> str:
    streams = ", ".join(sorted(processor.inputs | processor.outputs)) or "none"
    return (
        f"Processor {processor.name!r} has unresolvable parameters: {{{', '.join(map(repr, names))}}}. A parameter is "
        f"named like one of its streams ({streams}) or names it, as in rows: Annotated[IO, 'raw rows'], is a "
        "Checkpoint, has Depends(…) or a default."
    )


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))

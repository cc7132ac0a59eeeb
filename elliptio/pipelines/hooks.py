"""Let users run functions of their own before and after what a class does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Hooks:
    """Functions that are called at certain moments; those of a class are called for its subclasses too."""

    _hooks: ClassVar[dict[str, list[Callable[..., Any]]]]

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls._hooks = {}

    @classmethod
    def _hook(cls, moment: str, last: bool | Callable[..., Any]) -> Callable[[F], F]:
        def register(function: F) -> F:
            known = cls.__dict__["_hooks"].setdefault(moment, [])
            # A cell that is run again brings the same function once more.
            known[:] = [one for one in known if not _is_again(function, one)]
            known.insert(len(known) if is_last else 0, function)
            return function

        is_last = bool(last)
        # Without parentheses it is the function itself: else nothing would say that it is never called.
        return register(last) if callable(last) else register

    def _run_hooks(self, moment: str, *arguments: Any) -> None:
        for hook in self._hooks_of(moment):
            hook(*arguments)

    def _hooks_of(self, moment: str) -> list[Callable[..., Any]]:
        """List what is to be called at a moment, those of the outermost class first."""
        found: list[Callable[..., Any]] = []
        for cls in reversed(type(self).__mro__):
            if hooks := cls.__dict__.get("_hooks"):
                found += hooks.get(moment, ())
        return found


def _is_again(function: Any, known: Any) -> bool:
    """Tell whether a function stands for one that was there; the name of an inner one or a lambda says little."""
    if (function.__module__, function.__qualname__) != (known.__module__, known.__qualname__):
        return False
    return "<" not in function.__qualname__ or (function.__code__ == known.__code__ and not function.__closure__)


class RunHooks(Hooks):
    """Functions that are called around a run."""

    @classmethod
    def hook_pre_run(cls, last: bool = True) -> Callable[[F], F]:
        """Register a function that is called before each run, with what runs and its arguments.

        Parameters
        ----------
        last
            False: before those that are registered already.

        """
        return cls._hook("pre_run", last)

    @classmethod
    def hook_post_run(cls, last: bool = True) -> Callable[[F], F]:
        """Register a function that is called after each run, with what ran and its result."""
        return cls._hook("post_run", last)

    @classmethod
    def hook_on_error(cls, last: bool = True) -> Callable[[F], F]:
        """Register a function that is called where a run fails, with what failed and the error."""
        return cls._hook("on_error", last)

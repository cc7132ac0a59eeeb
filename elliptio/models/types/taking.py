"""Keep what one encoding finds on its way: what does not fit, what becomes a file, which classes it met."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from elliptio.models.errors import FieldTypeError
from elliptio.models.types import big, kinds
from elliptio.models.types.big import Big
from elliptio.models.types.describing import public_name
from elliptio.models.types.problems import LEVELS, Problem, Step, place
from elliptio.models.types.schema import Schema, renamed, schema_of

Encode = Callable[[Any, "Encoding"], Any]


class Encoding:
    """One encoding under way: where it is, and what it found."""

    def __init__(self, schema: Schema, encoder_of: Callable[[Schema], Encode]) -> None:
        self.schema = schema
        # Of the class of a schema; the encoders need what is here.
        self._encoder_of = encoder_of
        self.path: list[Step] = []
        self.problems: list[Problem] = []
        self.classes: dict[str, dict[str, Any]] = {}
        self.files: dict[str, Big] = {}
        self._bound = dict(schema.bound)
        self._inside: set[int] = set()
        self._known: dict[Any, tuple[str, Encode] | None] = {}
        self._taken = {"model"}

    def unfit(self, says: str) -> None:
        """Note a problem at this place."""
        self.problems.append(Problem(place(self.path), says))

    def enter(self, value: Any) -> bool:
        """Go into a container; tell whether it may be gone into."""
        if id(value) in self._inside:
            self.unfit("it holds itself, which has no end in a file")
            return False
        if len(self.path) >= LEVELS:
            self.unfit(f"it nests deeper than {LEVELS} levels")
            return False
        self._inside.add(id(value))
        self.path.append(None)
        return True

    def leave(self, value: Any) -> None:
        """Come back out of it."""
        self._inside.discard(id(value))
        self.path.pop()

    def file(self, value: Any, serializer: Any = None, storage: Any = None) -> dict[str, Any]:
        """Take a big value out, as a file named after its place."""
        parts = [big.safe(step[0] if isinstance(step, tuple) else step) for step in self.path if step is not None]
        stem = relpath = "/".join(parts) or "value"
        number = 1
        # Some file systems do not tell upper case from lower case.
        while relpath.lower() in self._taken:
            number += 1
            relpath = f"{stem}-{number}"
        self._taken.add(relpath.lower())
        self.files[relpath] = Big(value, serializer, storage)
        return {"$file": relpath}

    def tries(self, encode: Encode, value: Any) -> tuple[bool, Any]:
        """Encode a value if it fits, and forget all about it if it does not."""
        marks = len(self.problems), dict(self.files), dict(self.classes), set(self._taken)
        found = encode(value, self)
        if len(self.problems) == marks[0]:
            return True, found
        del self.problems[marks[0] :]
        _, self.files, self.classes, self._taken = marks
        self._known = {cls: known for cls, known in self._known.items() if known and known[0] in self._bound}
        return False, None

    def known(self, value: Any) -> tuple[str, Encode] | None:
        """Give KEY and encoder of the class of a value; None where it has no fields that are known.

        A class that the schema does not reach comes into the table of this one document.
        """
        cls = type(value)
        if cls not in self._known:
            self._known[cls] = self._find(cls)
        return self._known[cls]

    def _find(self, cls: Any) -> tuple[str, Encode] | None:
        if cls is dict or kinds.kind_of(cls) is None:
            return None
        try:
            schema = schema_of(cls)
        except FieldTypeError as error:
            problems = [Problem(each.path, each.says) for each in getattr(error, "problems", ())]
            self.unfit(f"{public_name(cls)} has no faithful form: {'; '.join(map(str, problems)) or error}")
            return None
        names = {}
        for key, each in schema.bound.items():
            names[key] = self._key_for(key, each)
            self._bound[names[key]] = each
        for key, entry in schema.classes.items():
            name = names.get(key, key)
            if name not in self.schema.classes and name not in self.classes:
                self.classes[name] = renamed(entry, names)
        return names[schema.root], self._encoder_of(schema)

    def _key_for(self, key: str, cls: Any) -> str:
        stem, number = key, 1
        while self._bound.get(key, cls) is not cls:
            number += 1
            key = f"{stem}#{number}"
        return key

    def tagged(self, value: Any) -> Any:
        """Encode an instance of a class with fields, with its class."""
        before = len(self.problems)
        known = self.known(value)
        if known is None:
            if len(self.problems) == before:
                self.unfit(
                    f"a {public_name(type(value))} has no faithful form here: declare its type, name a serializer, or "
                    "make it a dataclass"
                )
            return None
        key, encode = known
        return {"$class": key, "fields": encode(value, self)}

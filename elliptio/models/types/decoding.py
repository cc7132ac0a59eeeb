"""Decode plain data by the description that was stored with it, whatever both hold.

A decoder is compiled from the description for one decoding. Nothing that data or a description names is imported or
evaluated: classes come from `builders` alone. What is not as elliptio writes it is a `DamagedModelError` with its path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from elliptio.errors import ElliptioError
from elliptio.models.types import containers, kinds, scalars
from elliptio.models.types.instances import fields_decoder, member_decoder
from elliptio.models.types.problems import LEVELS, Step, UsersError, brief, damaged

Builder = Callable[[dict[str, Any]], Any]
Builders = Callable[[str, Mapping[str, Any]], Builder]
Decode = Callable[[Any], Any]

_SEQUENCES: dict[str, type] = {"list": list, "tuple*": tuple, "set": set, "frozenset": frozenset}
_TAGS = {f"${name}": name for name in scalars.DECODERS}


def decode(
    classes: Mapping[str, Mapping[str, Any]],
    root: str,
    plain: Any,
    *,
    builders: Builders,
    open_file: Callable[[str], Any],
) -> Any:
    """Decode the fields of an object.

    Parameters
    ----------
    classes
        The table that was stored with it.
    root
        KEY of its class.
    plain
        Its fields, as `encode` made them.
    builders
        Gives for a KEY and its entry the function that makes an instance of a dict of its fields; asked once for each
        KEY. Of a data model, fields that hold big values are `Lazy`. A member of an Enum comes as
        ``{"name", "value"}``, the value only where it is plain; a combination of flags as ``{"names", "value"}``,
        perhaps with ``"rest"``. `maker` makes such functions.
    open_file
        Gives the value of a file, by the path that `encode` gave it.

    Raises
    ------
    DamagedModelError
        If anything is not what elliptio writes, with its path.

    """
    return Decoding(classes, builders, open_file, []).run({"class": root}, plain)


def check_table(classes: Mapping[str, Mapping[str, Any]], root: str) -> None:
    """Refuse a stored table of classes that nothing could be decoded by.

    Raises
    ------
    DamagedModelError, AttributeError, LookupError, TypeError, ValueError
        If it is not what elliptio writes.

    """
    decoding = Decoding(classes, lambda key, entry: dict, lambda relpath: None, [])
    for key, entry in classes.items():
        decoding.of({"class": key})
        named = all(type(entry[name]) is str for name in ("name", "class")) if entry["kind"] != "alias" else True
        if not named or (entry["kind"] == "model" and type(entry["version"]) is not int):
            decoding.damaged(f"the class {brief(key)} lacks its name or version")
    if classes[root]["kind"] != "model":
        decoding.damaged(f"{brief(root)} is no data model")


def literal_values(of: Sequence[Any], schema: Any) -> Iterator[tuple[Any, Any]]:
    """Give the members of a Literal, each as it is stored and as it is."""

    def builders(key: str, entry: Mapping[str, Any]) -> Builder:
        return kinds.maker(schema.bound[key], entry)

    decoding = Decoding(schema.classes, builders, lambda relpath: None, [])
    for each in of:
        yield each, decoding.any(each)


class Decoding:
    """One decoding under way: where it is, and the decoders that it needed."""

    def __init__(
        self,
        classes: Mapping[str, Mapping[str, Any]],
        builders: Builders,
        open_file: Callable[[str], Any],
        path: list[Step],
    ) -> None:
        self.classes, self.builders, self.open_file = classes, builders, open_file
        self.path = path
        self._decoders: dict[str, Decode] = {}
        self._builders: dict[str, Builder] = {}
        self.root: Any = None

    def run(self, description: Any, plain: Any) -> Any:
        """Decode a value by its description, and name whatever is wrong."""
        try:
            self.root = description.get("class") if isinstance(description, dict) else None
            return self.of(description)(plain)
        except UsersError as carrier:
            users = carrier.error
        except RecursionError:
            raise damaged(self.path[:5], "it nests too deep") from None
        except ElliptioError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise damaged(self.path, f"it is not what elliptio writes: {type(error).__name__}: {error}") from error
        raise users

    def damaged(self, says: str) -> NoReturn:
        """Refuse what stands here.

        Raises
        ------
        DamagedModelError
            Always.

        """
        raise damaged(self.path, says)

    def enter(self) -> None:
        """Go into a container."""
        if len(self.path) >= LEVELS:
            raise damaged(self.path, f"it nests deeper than {LEVELS} levels")
        self.path.append(None)

    def of(self, description: Any) -> Decode:
        """Compile the decoder of a description."""
        if isinstance(description, str):
            return self._scalar(description)
        if not isinstance(description, dict) or not description:
            self.damaged(f"{brief(description)} describes no type")
        if "file" in description:
            return self._file
        what, of = next(iter(description.items()))
        if what in _SEQUENCES:
            return containers.sequence(self, _SEQUENCES[what], self.of(of))
        if what in _CONTAINERS:
            return _CONTAINERS[what](self, of)
        known: dict[str, Callable[[Any], Decode]] = {
            "class": self._class, "numpy": self._numpy, "path": lambda of: self._guarded("path"),
        }  # fmt: skip
        if what not in known:
            self.damaged(f"{brief(what)} is no kind of type")
        return known[what](of)

    def again(self, path: list[Step]) -> Decoding:
        """Decode a part of it later, at this path."""
        return Decoding(self.classes, self.builders, self.open_file, path)

    def _scalar(self, name: str) -> Decode:
        if name in scalars.NATURAL:
            return self._natural(name, scalars.NATURAL[name])
        if name == "any":
            return self.any
        if name == "float":
            return self._float
        if name not in scalars.DECODERS or name == "numpy":
            self.damaged(f"there is no type {name!r}")
        return self._bytes if name == "bytes" else self._guarded(name)

    def _natural(self, name: str, kind: type) -> Decode:
        odd = self._odd

        def dec(plain: Any) -> Any:
            return plain if type(plain) is kind else odd(plain, name)

        return dec

    def _float(self, plain: Any) -> Any:
        return plain if type(plain) is float or type(plain) is int else self._odd(plain, "float")

    def _bytes(self, plain: Any) -> Any:
        return self._guarded("bytes")(plain) if type(plain) is str else self._odd(plain, "bytes")

    def _guarded(self, name: str) -> Decode:
        read = scalars.DECODERS[name]

        def dec(plain: Any) -> Any:
            try:
                return read(plain)
            except Exception as error:  # values that others wrote fail in as many ways as there are
                if type(plain) is dict and name in scalars.KEPT:
                    return self._odd(plain, name)
                raise damaged(self.path, f"{brief(plain)} is no {name} ({type(error).__name__}: {error})") from None

        return dec

    def _odd(self, plain: Any, name: str) -> Any:
        """Decode what is not exactly of the declared class, but may stand there."""
        if type(plain) is dict:
            value = self.any(plain)
            if scalars.fits(value, name) or self._is_member(plain):
                return value
        self.damaged(f"it should be of type {name}, and is {brief(plain)}")

    def _is_member(self, plain: dict[str, Any]) -> bool:
        # Where its class is not here, a member of an Enum is what it was stored as.
        entry = self.classes.get(plain.get("$class", ""), {})
        return entry.get("kind") == "enum"

    def _numpy(self, name: Any) -> Decode:
        def dec(plain: Any) -> Any:
            pair = plain["$numpy"] if type(plain) is dict and "$numpy" in plain else [name, plain]
            return self._guarded("numpy")(pair)

        return dec

    def _file(self, plain: Any) -> Any:
        if type(plain) is not dict or set(plain) != {"$file"} or type(plain["$file"]) is not str:
            self.damaged(f"it should name a file, and is {brief(plain)}")
        return self.open_file(plain["$file"])

    def any(self, plain: Any) -> Any:
        """Decode a value whose type was not declared."""
        kind = type(plain)
        if kind is list:
            return containers.sequence(self, list, self.any)(plain)
        if kind is not dict:
            if kind in (str, int, float, bool) or plain is None:
                return plain
            self.damaged(f"JSON has no {brief(plain)}")
        tag = next(iter(plain), "")
        return self._tagged(tag, plain) if tag.startswith("$") else containers.natural(self, plain, self.any)

    def _tagged(self, tag: str, plain: dict[str, Any]) -> Any:
        if tag == "$class":
            return self.instance(plain)
        if len(plain) == 1:
            inner = plain[tag]
            if tag == "$dict":
                return containers.pairs(self, inner, self.any, self.any)
            if tag in ("$tuple", "$set", "$frozenset"):
                kind = {"$tuple": tuple, "$set": set, "$frozenset": frozenset}[tag]
                return containers.sequence(self, kind, self.any)(inner)
            if tag == "$file":
                return self._file(plain)
            if tag in ("$int", "$float", "$str"):
                return self._guarded(tag[1:])(plain)
            if tag in _TAGS:
                return self._guarded(_TAGS[tag])(inner)
        self.damaged(f"{brief(tag)} marks nothing that is known")

    def instance(self, plain: dict[str, Any]) -> Any:
        """Decode an object that says its class."""
        key = plain["$class"]
        if set(plain) != {"$class", "fields"} or not isinstance(key, str):
            self.damaged("it should have a class and fields")
        return self._class(key)(plain["fields"])

    def _class(self, key: Any) -> Decode:
        entry = self.classes.get(key) if isinstance(key, str) else None
        if not isinstance(entry, Mapping):
            self.damaged(f"the table has no class {brief(key)}")
        kind = entry.get("kind")
        if kind == "base":
            return self.any
        if key not in self._decoders:
            box: list[Decode] = []
            self._decoders[key] = lambda plain: box[0](plain)  # for fields that hold their own class
            if kind == "alias":
                made = self.of(entry["is"])
            else:
                made = (member_decoder if kind == "enum" else fields_decoder)(self, key, entry)
            box.append(made)
            self._decoders[key] = made
        return self._decoders[key]

    def builder(self, key: str, entry: Mapping[str, Any]) -> Builder:
        """Give what makes instances of a KEY; what that raises is damage, for data is all that it is given."""
        if key not in self._builders:
            self._builders[key] = self.builders(key, entry)
        return self._builders[key]

    def build(self, key: str, entry: Mapping[str, Any], fields: dict[str, Any]) -> Any:
        """Make an instance."""
        build = self._builders.get(key) or self.builder(key, entry)
        try:
            return build(fields)
        except ElliptioError:
            raise
        except Exception as error:  # constructors of users
            says = f"{entry.get('name')} cannot be made of it: {type(error).__name__}: {error}"
            raise damaged(self.path, says) from error


_CONTAINERS: dict[str, Callable[[Decoding, Any], Decode]] = {
    "union": containers.union, "dict": containers.mapping, "tuple": containers.fixed, "literal": containers.literal,
}  # fmt: skip

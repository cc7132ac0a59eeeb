"""Types of fields: annotations → descriptions → codecs, and when two values are the same.

An annotation becomes a description, plain JSON that stands alone (`schema_of`). What is stored is read by the
description that was stored with it, so a class that has changed cannot misread what an older one wrote. Data says what
it is only where the description leaves a choice: ``{"$member": 1, "value": …}`` in a union, ``{"$class": KEY, "fields":
…}`` for a subclass, ``{"$datetime": …}`` in a field of type `Any`, ``{"$file": "frame"}`` for a big value.

`decode` makes instances by `builders`: it asks ``builders(key, entry)`` once for each KEY of the table, and calls what
that gives with the fields of each instance. `maker(cls, entry)` is such a function for a class that is there; with None
for the class, it gives the plain form of what has one (TypedDict, NamedTuple, members of an Enum), and is a LookupError
for all others.

A member of an Enum is stored by its name, an alias by the name of the member that it stands for, a combination of flags
by their names. So a member whose value was changed comes back with its new value, and one that was renamed comes back
if its old name is kept as an alias. One that is gone is a `DamagedModelError` that names it; without the class, it is
the value that it had, where that is plain, else its name.

Annotations are evaluated when the schema is first needed, with the names of the module, the class and the enclosing
function; imports under `TYPE_CHECKING` are looked up among the modules that are loaded. An object that stands in two
places comes back as two.
"""

from __future__ import annotations

from elliptio.models.types.asking import LONG, asked, asked_value
from elliptio.models.types.big import Big, Lazy, Taken
from elliptio.models.types.decoding import decode
from elliptio.models.types.encoding import encode, problems_of
from elliptio.models.types.kinds import maker
from elliptio.models.types.problems import Problem, UsersError
from elliptio.models.types.sameness import same
from elliptio.models.types.schema import Schema, schema_of

__all__ = [
    "LONG", "Big", "Lazy", "Problem", "Schema", "Taken", "UsersError", "asked", "asked_value", "decode", "encode",
    "maker", "problems_of", "same", "schema_of",
]  # fmt: skip

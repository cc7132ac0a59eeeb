"""What the tests of this room share: a way through plain JSON and back."""

from __future__ import annotations

import json
from typing import Any

from elliptio.models.types import Lazy, decode, encode, maker, schema_of


def builders_of(*schemas: Any) -> Any:
    bound = {key: cls for schema in schemas for key, cls in schema.bound.items()}

    def builders(key: str, entry: Any) -> Any:
        make = maker(bound.get(key), entry)
        if entry["kind"] != "model":
            return make
        return lambda fields: make({name: _got(value) for name, value in fields.items()})

    return builders


def _got(value: Any) -> Any:
    return value.get() if isinstance(value, Lazy) else value


def there_and_back(value: Any, *others: type, localns: Any = None) -> Any:
    """Encode a value, through JSON, and decode it by what was stored; `others` its types do not name."""
    schema = schema_of(type(value), localns=localns)
    fields, taken = encode(schema, value)
    stored = json.loads(json.dumps({"classes": {**schema.classes, **taken.classes}, "fields": fields}))
    builders = builders_of(*[schema_of(each) for each in others], schema)
    return decode(
        stored["classes"], schema.root, stored["fields"],
        builders=builders, open_file=lambda relpath: taken.files[relpath].value,
    )  # fmt: skip

"""Write the table of fields in ``docs/concepts.md`` from their declarations: ``python docs/make_fields.py``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("concepts.md")
HEADING = "## The document of an artifact"


def main() -> None:
    """Write the page."""
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def stored_fields() -> dict[str, str]:
    """Say of each field of a document what it is."""
    from elliptio.metadata import FIELDS, Where

    return {name: one.says for name, one in FIELDS.items() if one.where is not Where.ENVIRONMENT}


def with_table(text: str) -> str:
    """Put the table into the text of the page, in the place of the first one below its heading."""
    rows = {"_id": "the same as `artifact_id`", **stored_fields()}
    lines = ["| field | meaning |", "|---|---|", *(f"| `{name}` | {says} |" for name, says in rows.items())]
    above, heading, below = text.partition(HEADING)
    table = "\n".join(lines) + "\n"
    return above + heading + re.sub(r"(?:^\|.*\|\n)+", lambda _: table, below, count=1, flags=re.MULTILINE)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()

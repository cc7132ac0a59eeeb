"""Show an artifact: as a table in a notebook, as a few lines in a terminal. Values in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, NamedTuple

from elliptio.labels import Labels
from elliptio.metadata import FileRecord, Metadata
from elliptio.naming import CELLS_LOG, shorten

MOST_FILES = 10
"""So many files are listed; a notebook has more of them folded away, up to `MOST_FOLDED`."""

MOST_FOLDED = 200
MOST_NEIGHBOURS = 10
MOST_VALUES = 20
"""So many parameters and metrics of a run are named."""

_KERNEL = "ipykernel_launcher"
_MOST_TEXT = 400
_MOST_VALUE = 60

# JupyterLab takes ``<style>``, and what is important, out of a notebook that it does not trust: the layout stands with
# each element, in those properties and in that spelling that it leaves.
_MONO = "font-family:ui-monospace,monospace"
_CARD = (
    "font-family:system-ui,sans-serif;font-size:13px;border:1px solid #888888;border-radius:6px;padding:10px 14px;"
    "max-width:860px;line-height:1.5"
)
_TITLE = f"margin:0 0 6px;font-size:14px;{_MONO};font-weight:600;overflow-wrap:break-word"
_CELL = "padding:2px 14px 2px 0;text-align:left;vertical-align:top;border:none;overflow-wrap:break-word"
_TABLE = '<table style="border-collapse:collapse;margin:0;table-layout:auto;font-size:13px">'
_TH = f'<th style="{_CELL};font-weight:500;opacity:0.7;white-space:nowrap">'
_TD = f'<td style="{_CELL}">'
_NUMBER = '<td style="padding:2px 14px 2px 0;text-align:right;border:none;white-space:nowrap">'
_CODE_TAG = f'<code style="{_MONO};font-size:12px;background:none;padding:0">'
_SUMMARY = '<summary style="cursor:pointer;opacity:0.7">'
_TR = '<tr style="background:none">'  # notebooks give stripes to tables, and cards have tables in tables
_PRE = f'<pre style="{_MONO};font-size:12px;line-height:1.3;margin:0;overflow:auto;white-space:pre">'
_LOST = '<span style="color:#8a2a1f;background-color:#f8dfdc">'
"""With a background of its own it can be read on light and dark pages alike."""


def human_size(size: int) -> str:
    """Bytes for people, in powers of 1000: ``1.5 kB``."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if value < 999.5:
            return f"{size} B" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} EB"


def duration(run: Mapping[str, Any]) -> str:
    """Say how long a run took: ``2.5 s`` or ``1:02:30``; empty if it has not ended."""
    begin, end = run.get("creation_time"), run.get("end_time")
    if not isinstance(begin, datetime) or not isinstance(end, datetime):
        return ""
    seconds = (end - begin).total_seconds()
    return f"{seconds:.1f} s" if seconds < 100 else str(end - begin).partition(".")[0]


def error_of(run: Mapping[str, Any]) -> list[str]:
    """Name the kind of exception that ended a run, if one did."""
    error = run.get("error")
    return [printable(str(error.get("type")))] if isinstance(error, Mapping) and error.get("type") else []


def model_name(document: Mapping[str, Any]) -> str:
    """Name the data model of an artifact by its label and its class: ``first (Training)``; empty if it holds none."""
    model = document.get("model")
    if not isinstance(model, Mapping):
        return ""
    label, name = str(model.get("label")), str(model.get("name"))
    return name if label == name else f"{label} ({name})"


def entry_name(document: Mapping[str, Any]) -> str:
    """Name the entry of a catalog that an artifact is a version of: ``sales year=2026 (shop)``; empty if of none."""
    entry = document.get("entry")
    if not isinstance(entry, Mapping):
        return ""
    keys = [f"{key}={_label(value)}" for key, value in (entry.get("keys") or {}).items()]
    return " ".join([str(entry.get("name")), *keys, f"({entry.get('project')})"])


Deletions = Mapping[str, tuple[str, str]]
"""Deletions by the identifier of the artifact: by whom, and when."""


def artifact_text(
    metadata: Metadata,
    children: Sequence[str] | None,
    total: int | None = None,
    deleted: Deletions | None = None,
    run: Mapping[str, Any] | None = None,
) -> str:
    """Shape an artifact for a terminal; of `total` children the first are named, None are unknown."""
    parents = f"  {'based on':<9} {_neighbours(metadata.based_on, deleted=deleted)}"
    lines = [f"Artifact {metadata.artifact_id}"]
    lines += [f"  {name:<9} {text}" for name, text in _facts(metadata, run)]
    if not _is_published(metadata):
        return "\n".join(map(printable, [*lines, parents]))
    lines += [f"  {'files':<9} {_file_summary(metadata)}"]
    width = max((len(record.relpath) for record in metadata.files[:MOST_FILES]), default=0)
    lines += [f"    {record.relpath:<{width}}  {human_size(record.size):>9}" for record in metadata.files[:MOST_FILES]]
    if len(metadata.files) > MOST_FILES:
        lines.append(f"    … and {len(metadata.files) - MOST_FILES:,} more")
    lines += [parents, f"  {'used by':<9} {_neighbours(children, total)}"]
    return "\n".join(map(printable, lines))


def artifact_html(
    metadata: Metadata,
    children: Sequence[str] | None,
    total: int | None = None,
    deleted: Deletions | None = None,
    run: Mapping[str, Any] | None = None,
) -> str:
    """Shape an artifact for a notebook: who, when, labels, files with sizes, lineage one step each way."""
    facts = [(name, _code(text) if name in _CODE else _escaped(text)) for name, text in _facts(metadata, run)]
    if _is_published(metadata):
        facts += [("files", _escaped(_file_summary(metadata)) + _file_table(_named(metadata.files)))]
    facts += [("based on", _neighbours_html(metadata.based_on, deleted=deleted))]
    if _is_published(metadata):
        facts += [("used by", _neighbours_html(children, total))]
    return _card(
        metadata.artifact_id, "".join(f"{_TR}{_TH}{name}</th>{_TD}{content}</td></tr>" for name, content in facts)
    )


def files_text(files: Sequence[tuple[str, int | None]]) -> str:
    """Shape names and sizes of files for a terminal."""
    if not files:
        return "no files"
    shown = files[:MOST_FILES]
    width = max(len(name) for name, _ in shown)
    lines = [f"{name:<{width}}  {_size(size):>9}".rstrip() for name, size in shown]
    lines += [f"… and {len(files) - MOST_FILES:,} more"] if len(files) > MOST_FILES else []
    return "\n".join(map(printable, lines))


def files_html(files: Sequence[tuple[str, int | None]]) -> str:
    """Shape names and sizes of files for a notebook."""
    return f'<div class="elliptio">{_file_table(files) if files else "no files"}</div>'


def text_html(text: str) -> str:
    """Shape lines for a notebook as a terminal shows them."""
    lines = "\n".join(map(_escaped, text.split("\n")))
    return f"{_PRE}{lines}</pre>"


def parts_html(lines: Iterable[tuple[str, str, str]]) -> str:
    """Shape lines for a notebook as a terminal shows them, the middle part of each in red."""
    shown = [
        f"{_escaped(before)}{f'{_LOST}{_escaped(lost)}</span>' if lost else ''}{_escaped(after)}"
        for before, lost, after in lines
    ]
    return _PRE + "\n".join(shown) + "</pre>"


def facts_html(title: str, facts: Iterable[tuple[str, str]]) -> str:
    """Shape a card for a notebook: names, and what is said of each, which is HTML already."""
    return _card(title, "".join(f"{_TR}{_TH}{_escaped(name)}</th>{_TD}{content}</td></tr>" for name, content in facts))


def table_html(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Shape the head of a table for a notebook: texts, of which each is shortened."""
    head = "".join(f"{_TH}{_escaped(shorten(text, _MOST_VALUE))}</th>" for text in heads)
    return f'<div style="overflow:auto">{_TABLE}{_TR}{head}</tr>{_cells(rows)}</table></div>'


def code_html(text: str) -> str:
    """Shape a text for a notebook as code."""
    return _code(text)


def said_html(text: str) -> str:
    """Shape a text for a notebook as what is said."""
    return _escaped(text)


class Section(NamedTuple):
    """One part of a comparison, what differs in it (name, value of a, value of b), and what tells more of that."""

    name: str
    rows: Sequence[tuple[str, str, str]]
    more: str = ""


def comparison_text(a: str, b: str, sections: Sequence[Section], *, same: bool) -> str:
    """Shape a comparison for a terminal."""
    lines = ["Comparison: same" if same else "Comparison", f"  {'a':<9} {a}", f"  {'b':<9} {b}"]
    for section in sections:
        lines.append(f"  {section.name:<9} {_summary(section)}")
        rows = [[shorten(text, _MOST_VALUE) for text in row] for row in section.rows[:MOST_FILES]]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
        lines += [
            f"    {'  '.join(text.ljust(width) for text, width in zip(row, widths, strict=True))}".rstrip()
            for row in rows
        ]
        if len(section.rows) > MOST_FILES:
            lines.append(f"    … and {len(section.rows) - MOST_FILES:,} more")
    return "\n".join(map(printable, lines))


def comparison_html(a: str, b: str, sections: Sequence[Section], *, same: bool) -> str:
    """Shape a comparison for a notebook."""
    rows = [f"{_TR}{_TH}{name}</th>{_TD}{_code(text)}</td></tr>" for name, text in (("a", a), ("b", b))]
    for section in sections:
        table = _change_rows(section.rows[:MOST_FILES]) if section.rows else ""
        if len(section.rows) > MOST_FILES:
            table += f"<details>{_SUMMARY}{len(section.rows) - MOST_FILES:,} more</summary>"
            table += _change_rows(section.rows[MOST_FILES:MOST_FOLDED])
            table += f"… and {len(section.rows) - MOST_FOLDED:,} more" if len(section.rows) > MOST_FOLDED else ""
            table += "</details>"
        rows.append(f"{_TR}{_TH}{_escaped(section.name)}</th>{_TD}{_summary(section)}{table}</td></tr>")
    return _card("Comparison: same" if same else "Comparison", "".join(rows))


def _card(title: str, rows: str) -> str:
    head = f'<div class="elliptio" style="{_CARD}"><div style="{_TITLE}">{_escaped(title)}</div>'
    return f"{head}{_TABLE}{rows}</table></div>"


def _summary(section: Section) -> str:
    count = len(section.rows)
    more = f"; {section.more}" if section.more else ""
    return f"{count:,} {'differs' if count == 1 else 'differ'}{more}" if count else "same"


def _change_rows(rows: Sequence[tuple[str, str, str]]) -> str:
    return f"{_TABLE}{_cells(rows)}</table>"


def _cells(rows: Iterable[Sequence[str]]) -> str:
    cells = ("".join(f"{_TD}{_code(shorten(text, _MOST_VALUE))}</td>" for text in row) for row in rows)
    return "".join(f"{_TR}{row}</tr>" for row in cells)


_CODE = {"git", "where", "link to", "command"}


def _is_published(metadata: Metadata) -> bool:
    """Tell whether this is in a lake, rather than being made, or given up."""
    return bool(metadata.fingerprint)


def _facts(metadata: Metadata, run: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    facts = [("who", f"{metadata.username} on {metadata.hostname}")]
    facts.append(("when", f"{metadata.creation_time:%Y-%m-%d %H:%M:%S} UTC"))
    if metadata.model is not None:
        facts.append(("model", model_name({"model": metadata.model})))
    if metadata.entry is not None:
        facts.append(("entry", entry_name({"entry": metadata.entry})))
    labels = metadata.labels
    chosen = vars(labels) if isinstance(labels, Labels) else labels
    shown = ", ".join(f"{name}={_label(value)}" for name, value in chosen.items() if value not in ("", {}, None))
    if shown:
        facts.append(("labels", shown))
    if metadata.tags:
        facts.append(("tags", ", ".join(metadata.tags)))
    facts += [("note", f"{note['username']} {note['time']:%Y-%m-%d}: {note['text']}") for note in metadata.notes]
    if metadata.reproduces:
        facts.append(("again", f"reproduces {metadata.reproduces}"))
    if run is not None:
        facts.append(("run", _run(run)))
    if metadata.git:
        facts.append(("git", _git(metadata.git)))
    if metadata.notebook:
        facts.append(("notebook", metadata.notebook))
    # A program given with -c may hold line breaks.
    command = " ".join(metadata.argv.split())
    if _KERNEL in command and CELLS_LOG in metadata.log_relpaths:
        command = f"cells of a notebook: logs[{CELLS_LOG!r}]"
    facts.append(("command", shorten(command, 200)))
    if metadata.log_relpaths:
        facts.append(("logs", ", ".join(metadata.log_relpaths)))
    if _is_published(metadata):
        facts.append(("where", metadata.remote_root))
        if metadata.link is not None:
            facts.append(("link to", metadata.link))
    else:
        facts.append(("state", "not published"))
    return facts


def _run(run: Mapping[str, Any]) -> str:
    """Shape a run in a line: what it is, how it went, what it was given and what it measured."""
    values = [
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={shorten(_label(value), _MOST_VALUE)}"
        for field in ("params", "metrics")
        for name, value in (run.get(field) or {}).items()
    ]
    shown = values if len(values) <= MOST_VALUES else [*values[:MOST_VALUES], f"… {len(values) - MOST_VALUES:,} more"]
    return " ".join([f"{run.get('name')} ({run.get('status')})", *shown])


def _label(value: Any) -> str:
    if isinstance(value, Mapping):
        text = "{" + ", ".join(f"{name}: {_label(item)}" for name, item in value.items()) + "}"
    else:
        text = str(value)
    return shorten(text, _MOST_TEXT)


def _git(git: Mapping[str, Any]) -> str:
    commit = str(git.get("commit") or "no commit")[:12]
    branch = f" on {git['branch']}" if git.get("branch") else ""
    return f"{commit}{branch}{', with uncommitted changes' if git.get('dirty') else ''}"


def _file_summary(metadata: Metadata) -> str:
    noun = "file" if metadata.file_count == 1 else "files"
    not_hashed = ", not hashed" if any(not record.sha256 for record in metadata.files) else ""
    return f"{metadata.file_count:,} {noun}, {human_size(metadata.total_size)}{not_hashed}"


def _named(files: Sequence[FileRecord]) -> list[tuple[str, int | None]]:
    return [(record.relpath, record.size) for record in files]


def _file_table(files: Sequence[tuple[str, int | None]]) -> str:
    table = _file_rows(files[:MOST_FILES])
    if len(files) > MOST_FILES:
        table += f"<details>{_SUMMARY}{len(files) - MOST_FILES:,} more</summary>"
        table += _file_rows(files[MOST_FILES:MOST_FOLDED])
        table += f"… and {len(files) - MOST_FOLDED:,} more" if len(files) > MOST_FOLDED else ""
        table += "</details>"
    return table


def _file_rows(files: Sequence[tuple[str, int | None]]) -> str:
    rows = "".join(f"{_TR}{_TD}{_code(name)}</td>{_NUMBER}{_size(size)}</td></tr>" for name, size in files)
    return f"{_TABLE}{rows}</table>"


def _size(size: int | None) -> str:
    return "" if size is None else human_size(size)


def _neighbours(identifiers: Sequence[str] | None, total: int | None = None, deleted: Deletions | None = None) -> str:
    if identifiers is None:
        return "unknown: the index cannot be reached"
    shown = [f"{identifier}{_deletion(identifier, deleted)}" for identifier in identifiers[:MOST_NEIGHBOURS]]
    return (", ".join(shown) or "nothing") + _more(identifiers, total, " ")


def _neighbours_html(
    identifiers: Sequence[str] | None, total: int | None = None, deleted: Deletions | None = None
) -> str:
    if not identifiers:
        return _escaped(_neighbours(identifiers))
    shown = [
        f"{_code(identifier)}{_escaped(_deletion(identifier, deleted))}" for identifier in identifiers[:MOST_NEIGHBOURS]
    ]
    return "<br>".join(shown) + _more(identifiers, total, "<br>")


def _deletion(identifier: str, deleted: Deletions | None) -> str:
    if not deleted or identifier not in deleted:
        return ""
    who, when = deleted[identifier]
    return f" (deleted by {who} at {when})"


def _more(identifiers: Sequence[str], total: int | None, separator: str) -> str:
    hidden = (len(identifiers) if total is None else total) - MOST_NEIGHBOURS
    return f"{separator}and {hidden:,} more" if hidden > 0 else ""


def _code(text: str) -> str:
    return f"{_CODE_TAG}{_escaped(text)}</code>"


def _escaped(text: str) -> str:
    return escape(printable(text))


def printable(text: str) -> str:
    """`text` on one line, without what would steer a terminal or turn the direction of writing: others wrote it."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " if letter.isspace() else "�" for letter in text)

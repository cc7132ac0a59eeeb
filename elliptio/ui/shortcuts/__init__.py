"""Read the query bar as a MongoDB query, and say a query as the text of a bar, as Python, as a command, as a link."""

from elliptio.ui.shortcuts.bar import Bar, read_bar, without
from elliptio.ui.shortcuts.forms import as_command, as_python, as_url
from elliptio.ui.shortcuts.runs import read_run_bar
from elliptio.ui.shortcuts.saying import bar_of
from elliptio.ui.shortcuts.tokens import Chip, ShortcutError

__all__ = [
    "Bar", "Chip", "ShortcutError", "as_command", "as_python", "as_url", "bar_of", "read_bar", "read_run_bar",
    "without",
]  # fmt: skip

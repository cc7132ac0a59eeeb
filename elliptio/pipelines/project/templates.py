"""Render Jinja2 templates of YAML files: in the sandbox, strictly, with the settings' names in any case.

What is rendered is text, which YAML reads afterwards: a setting ``"007"`` becomes the number 7 unless the template
has it in quotes, ``"{{ agent }}"``. Where a value stands alone, lists, mappings, numbers and None are written as YAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elliptio.errors import MissingExtraError
from elliptio.pipelines.errors import TemplateError
from elliptio.pipelines.project.settings import Settings, hide

if TYPE_CHECKING:
    from elliptio.pipelines.project.sandbox import Templates


def is_template(text: str) -> bool:
    """Tell whether a text has anything that Jinja2 would change."""
    return "{{" in text or "{%" in text or "{#" in text


def render(text: str, settings: Mapping[str, Any], where: str) -> str:
    """Fill a template; a text that is none is returned as it is, without Jinja2.

    Raises
    ------
    TemplateError
        If a name is not defined or the syntax is wrong; the message has file and line.

    """
    return _render(text, settings, where, marked=False) if is_template(text) else text


def lines_in_template(text: str, settings: Mapping[str, Any], rendered: str, lines: Sequence[int]) -> list[int]:
    """Tell which lines of a template made lines of its result; those lines themselves where nobody knows.

    It is rendered once more, with the number of its line before each of the template's own line breaks.
    """
    if not is_template(text) or not lines:
        return list(lines)
    try:
        marked = _render(text, settings, "", marked=True)
    except TemplateError:
        return list(lines)
    from elliptio.pipelines.project.sandbox import LINE_MARK

    if LINE_MARK.sub("", marked) != rendered:  # a filter saw the numbers, and made something else
        return list(lines)
    rows = marked.split("\n")
    found = {line: LINE_MARK.findall(rows[line - 1]) for line in lines if 0 < line <= len(rows)}
    return [int(found[line][-1]) if found.get(line) else line for line in lines]


def _render(text: str, settings: Mapping[str, Any], where: str, *, marked: bool) -> str:
    settings = settings if isinstance(settings, Settings) else Settings(settings)
    environment = _environment(settings, marked=marked)
    name = where or "template"
    try:
        code = environment.compile(text, name=name, filename=name)
        template = environment.template_class.from_code(environment, code, environment.make_globals(None))
        return str(template.render({str(key): settings[key] for key in settings}))
    except Exception as error:
        problem, line = _problem(error, environment), _line_of(error, name)
    # Raised out here, without the cause: what that says may show a password.
    rows = text.splitlines()
    row = rows[line - 1] if line and line <= len(rows) else ""
    hint = " (comments of YAML are rendered, too: {# … #} is one of the template)" if row.lstrip()[:1] == "#" else ""
    place = f"{where}:{line}" if line else where
    raise TemplateError(hide(f"{place}: {problem}{hint}", settings))


def _environment(settings: Settings, *, marked: bool) -> Templates:
    try:
        from elliptio.pipelines.project.sandbox import Templates
    except ImportError as error:
        raise MissingExtraError(
            "Templates need Jinja2: install it with `pip install 'elliptio[pipelines]'`."
        ) from error
    return Templates(settings, marked=marked)


def _problem(error: Exception, environment: Templates) -> str:
    import jinja2

    if isinstance(error, jinja2.UndefinedError):
        name = str(error.message).removesuffix(" is undefined")
        return environment.undefined_name(name.strip("'")) if name != error.message else str(error.message)
    if isinstance(error, jinja2.TemplateSyntaxError):
        return str(error.message)
    if isinstance(error, jinja2.TemplateError):
        return f"the template is not allowed to do this: {error}"
    if "no loader" in str(error):
        return "a template cannot include, import or extend others"
    return f"the template cannot be rendered: {type(error).__name__}: {error}"


def _line_of(error: BaseException, name: str) -> int | None:
    line, trace = getattr(error, "lineno", None), error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == name:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line

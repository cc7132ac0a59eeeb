"""Read the text of a YAML file into plain values, strictly: a key twice, a strange tag, a bomb are errors with a line.

PyYAML does the grammar (with libyaml where it is there) and knows what a scalar is. What is done here instead is what
takes most of its time, or what it lets pass: it resolves each scalar anew, and the last of two equal keys wins.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.errors import ProjectError
from elliptio.system.collector import uncollected

if TYPE_CHECKING:
    import yaml

DEEPEST = 100
"""So many levels may lie inside each other; what contains itself has more."""
_MOST_BY_ALIASES = 100_000
_MOST_BY_CHARACTER = 10
_TAG = "tag:yaml.org,2002:"
_STR, _MAP, _SEQ, _MERGE = _TAG + "str", _TAG + "map", _TAG + "seq", _TAG + "merge"
_TEXTS = frozenset((_STR, _TAG + "value", _MERGE))
_MADE_BY_PYYAML = frozenset(_TAG + name for name in ("set", "omap", "pairs"))
_loader: Any = None


class YamlError(ProjectError):
    """A text is no YAML that is taken here; ``line`` is where, counted from 1, and ``first`` where it was before."""

    def __init__(self, problem: str, line: int | None, first: int | None = None) -> None:
        super().__init__(problem)
        self.problem, self.line, self.first = problem, line, first


def parse(text: str) -> tuple[Any, list[int]]:
    """Read a text into dicts, lists and scalars, and tell the line of each item or key at the top.

    Nothing in it is shared, however often it was an alias.

    Raises
    ------
    YamlError
        If it is no YAML that is taken here.

    """
    with uncollected():
        loader, node = _composed(text)
        if node is None:
            return None, []
        value = _Builder(loader, len(text), "&" in text).build(node, 0)
        if isinstance(value, list):
            return value, [_line_at(item) for item in node.value]
        if isinstance(value, dict) and node.tag == _MAP:
            # A key of a merge has no line here: nobody names pipelines so.
            own = {id(key): _line_at(key) for key, _ in node.value if key.tag != _MERGE}
            return value, list(own.values()) if len(own) == len(value) else [_line_at(node)] * len(value)
        return value, []


def lines(text: str, ways: Sequence[Sequence[Hashable]]) -> list[int | None]:
    """Tell the lines, from 1, of what ways of keys and positions lead to, or as far as they lead."""
    try:
        with uncollected():
            loader, root = _composed(text)
    except YamlError:
        return [None] * len(ways)
    return [_line(loader, root, way) for way in ways]


def _composed(text: str) -> tuple[Any, yaml.Node | None]:
    import yaml

    try:
        loader = _loader_class()(text)
        return loader, loader.get_single_node()
    except yaml.YAMLError as error:
        line = _line_of(error, text)
        raise YamlError(_problem(error, _row(text, line)), line) from None
    except RecursionError:
        raise YamlError(f"it is nested deeper than {DEEPEST} levels", None) from None


def _row(text: str, line: int | None) -> str:
    rows = text.split("\n")
    return rows[line - 1] if line and line <= len(rows) else ""


def _problem(error: yaml.YAMLError, row: str = "") -> str:
    """Say what is wrong without PyYAML's excerpt, which may show a password."""
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
    context = getattr(error, "context", None)
    said = f"{problem} ({context})" if context else str(problem)
    if "tag" in said:
        said += "; a value that begins with ! has to stand in quotes"
    elif "cannot start any token" in said and row.lstrip(" ")[:1] == "\t":
        said += "; YAML is indented with spaces, not with tabs"
    elif "cannot start any token" in said:
        said += "; a text that begins with %, @ or ` has to stand in quotes"
    elif "single document" in said:
        said = "there is more than one document in it: a line of --- begins another"
    elif "mapping values are not allowed" in said:
        said += "; a text with ': ' in it has to stand in quotes"
    elif "special characters" in said or "control characters" in said:
        said += "; there is a character in it that cannot be seen"
    return said


def _line_of(error: yaml.YAMLError, text: str) -> int | None:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    position = getattr(error, "position", None)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else None


def _loader_class() -> Any:
    """Make the loader, once: PyYAML is imported when there is something to read."""
    global _loader
    if _loader is None:
        import yaml
        from yaml.constructor import SafeConstructor
        from yaml.resolver import Resolver

        implicit = Resolver.yaml_implicit_resolvers
        scalar, mapping = yaml.ScalarNode, yaml.MappingNode

        class Quick:
            """Resolves by the tables of PyYAML, but without its paths, which nobody here has."""

            def descend_resolver(self, *_: Any) -> None: ...

            def ascend_resolver(self) -> None: ...

            def resolve(self, kind: Any, value: Any, plain: Any) -> str:
                if kind is not scalar:
                    return _MAP if kind is mapping else _SEQ
                if plain[0]:
                    for tag, pattern in implicit.get(value[:1], ()):
                        if pattern.match(value):
                            return str(tag)
                return _STR

        base = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
        _loader = type("StrictLoader", (Quick, base), {"made": SafeConstructor.yaml_constructors})
    return _loader


class _Builder:
    """Makes values of nodes."""

    def __init__(self, loader: Any, size: int, has_aliases: bool) -> None:
        import yaml

        self.scalar, self.sequence, self.mapping = yaml.ScalarNode, yaml.SequenceNode, yaml.MappingNode
        self.loader = loader
        self.left = size * _MOST_BY_CHARACTER + _MOST_BY_ALIASES if has_aliases else -1

    def build(self, node: yaml.Node, depth: int) -> Any:
        kind = type(node)
        if self.left >= 0:
            self.left -= 1
            if self.left <= 0:
                raise YamlError("its aliases (*name) would make far more of it than is written", _line_at(node))
        if kind is self.scalar:
            return node.value if node.tag in _TEXTS else self.special(node)
        if depth > DEEPEST:
            raise YamlError(f"it is nested deeper than {DEEPEST} levels, or contains itself", _line_at(node))
        if kind is self.sequence and node.tag == _SEQ:
            return [self.build(part, depth + 1) for part in node.value]
        if kind is self.mapping and node.tag == _MAP:
            return self.mapping_of(node, depth)
        return self.special(node)

    def mapping_of(self, node: yaml.Node, depth: int) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                for each in self.bases(value_node):
                    for name, value in self.build(each, depth + 1).items():
                        merged.setdefault(name, value)
                continue
            key = self.key(key_node)
            if key in made:
                first = next(each for each, _ in node.value if each.tag != _MERGE and self.key(each) == key)
                raise YamlError(f"the key {key!r} is there twice: keep one", _line_at(key_node), _line_at(first))
            made[key] = self.build(value_node, depth + 1)
        return {**merged, **made} if merged else made

    def key(self, node: yaml.Node) -> Hashable:
        if type(node) is not self.scalar:
            raise YamlError(
                "a key is a list or a mapping; if a value was to begin with {{, put it into quotes", _line_at(node)
            )
        key = node.value if node.tag in _TEXTS else self.special(node)
        return key if isinstance(key, Hashable) else str(key)

    def bases(self, node: yaml.Node) -> list[Any]:
        found = node.value if type(node) is self.sequence else [node]
        if any(type(each) is not self.mapping or each.tag != _MAP for each in found):
            raise YamlError("<< takes a mapping, or a list of them", _line_at(node))
        return list(found)

    def special(self, node: yaml.Node) -> Any:
        """Make what is neither a text, a list nor a mapping: numbers, dates, sets."""
        import yaml

        make = self.loader.made.get(node.tag)
        if make is None:
            raise YamlError(
                f"the tag {node.tag!r} is none of YAML's own; a value that begins with ! has to stand in quotes",
                _line_at(node),
            )
        try:
            if node.tag in _MADE_BY_PYYAML:
                return self.loader.construct_object(node, deep=True)
            return make(self.loader, node)
        except yaml.YAMLError as error:
            raise YamlError(_problem(error), _line_at(node)) from None
        except (ValueError, KeyError, OverflowError, AttributeError, TypeError, IndexError, RecursionError):
            name = node.tag.removeprefix(_TAG)
            raise YamlError(
                f"what looks like a value of type {name} is none; a text has to stand in quotes", _line_at(node)
            ) from None


def _line_at(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _line(loader: Any, root: yaml.Node | None, way: Sequence[Hashable]) -> int | None:
    """Follow a way from the root as far as it leads; what a key leads to is in the line of the key."""
    if root is None:
        return None
    node, line = root, _line_at(root)
    builder = _Builder(loader, 0, False)
    for step in way:
        found = next(_children(builder, node, step), None)
        if found is None:
            break
        place, node = found
        line = _line_at(place)
    return line


def _children(builder: _Builder, node: yaml.Node, step: Hashable) -> Iterator[tuple[Any, Any]]:
    if type(node) is builder.sequence and isinstance(step, int) and 0 <= step < len(node.value):
        yield node.value[step], node.value[step]
    elif type(node) is builder.mapping:
        for key, value in node.value:
            if key.tag != _MERGE and type(key) is builder.scalar and builder.key(key) == step:
                yield key, value
        for key, value in node.value:
            if key.tag == _MERGE:
                for base in builder.bases(value):
                    yield from _children(builder, base, step)

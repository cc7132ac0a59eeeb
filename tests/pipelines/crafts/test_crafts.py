"""Crafts: hints, calls, hooks, errors."""

from __future__ import annotations

import functools
from typing import Annotated, Optional

import pandas as pd
import pytest

from elliptio.pipelines import Artifact, Craft, Pipeline, UnusedParameterWarning, Volatile
from elliptio.pipelines.errors import (
    CraftDefinitionError,
    CraftError,
    NoSessionError,
    ValidationError,
    VersionNotFoundError,
)
from elliptio.pipelines.io import ArtifactInteractor
from tests.pipelines.projects import Project

CATALOG = """
- {name: a, type: json}
- {name: b, type: json}
- {name: c, type: json}
- {name: per_n, type: json, extra: {path: "n_!{n}.json"}}
"""


@pytest.fixture
def session(project: Project):
    project.write("catalog/all.yaml", CATALOG)
    session = project.session()
    session.catalog.save("a", 1)
    with session:
        yield session


def test_ways_to_declare_a_craft() -> None:
    @Craft
    def bare(a: Artifact) -> Artifact("b"): ...

    @Craft()
    def called(x: Artifact("a"), y: Volatile("v"), z: int = 3) -> Artifact.of("b", "c"): ...

    @Craft(name="other", tags="nightly", retries=2)
    def typed(
        x: Annotated[int, Artifact("a")], y: Annotated[pd.DataFrame, Artifact]
    ) -> tuple[Annotated[int, Artifact("b")], Annotated[int, Volatile("v")]]: ...

    assert [(one.parameter, one.name, one.volatile) for one in called.inputs] == [("x", "a", False), ("y", "v", True)]
    assert [one.name for one in typed.inputs] == ["a", "y"]
    assert [(one.name, one.volatile) for one in typed.outputs] == [("b", False), ("v", True)]
    assert (bare.name, called.name, typed.name, typed.tags) == ("bare", "called", "other", ("nightly",))
    assert list(called.parameters) == ["z"]
    assert isinstance(bare, Craft)
    assert bare.__wrapped__.__name__ == bare.__name__ == "bare"
    assert Artifact.of("a") + [Volatile("b")] == [Artifact("a"), Volatile("b")]  # noqa: RUF005


def test_a_call_fills_plain_parameters_in_order_and_any_by_keyword(session) -> None:
    @Craft()
    def show(a: Artifact, top: int = 10, more: int = 0):
        return a, top, more

    assert show() == (1, 10, 0)
    assert show(5) == (1, 5, 0)
    assert show(5, 6) == show(top=5, more=6) == (1, 5, 6)
    assert show(a=7) == (7, 10, 0), "given instead of loaded"
    with pytest.raises(CraftDefinitionError, match="show takes 2 plain parameters"):
        show(1, 2, 3)
    with pytest.raises(TypeError, match="'top' twice"):
        show(1, top=2)
    with pytest.warns(UnusedParameterWarning, match="'tpo'; did you mean 'top'"):
        show(tpo=1)


def test_what_may_take_any_keyword_is_not_warned_of(project: Project, recwarn: pytest.WarningsRecorder) -> None:
    class Sizes(ArtifactInteractor, interactor_name="sizes-of-any"):
        def load(self, **more):
            return more["size"]

        def save(self, asset, **more): ...

    project.write(
        "catalog/all.yaml",
        "- {name: s, type: sizes-of-any}\n- {name: far, type: json, extra: {path: 's3://bucket/far.json'}}",
    )

    @Craft()
    def more(a: Volatile = 1, **more) -> Volatile("v"):
        return more

    @Craft()
    def sized(s: Artifact) -> Volatile("w"):
        return s

    @Craft()
    def of_a_bucket(far: Artifact = 1, top: int = 2) -> Volatile("x"):
        return far

    with project.session():
        assert more(z=1, a=1) == {"z": 1}
        assert sized(size=3) == 3
        assert (Pipeline() + more)(z=1)["v"] == {"z": 1}
        assert (Pipeline() + sized)(size=3)["w"] == 3
        assert not recwarn.list
        for call in (of_a_bucket, Pipeline() + of_a_bucket):
            with pytest.warns(UnusedParameterWarning, match="'tpo'; did you mean 'top'"):
                call(tpo=3, far=1)


def test_a_call_saves_and_never_skips(session) -> None:
    calls = []

    @Craft()
    def add(a: Artifact, val: int = 1) -> Artifact("b"):
        calls.append(val)
        return a + val

    assert add() == add() == 2
    assert len(calls) == 2
    assert session.catalog.load("b") == 2
    assert session.catalog.versions("b")["origin"].tolist() == ["built", "built"]
    made = session.catalog.current("b")
    assert made.metadata.based_on == [session.catalog.current("a").artifact_id]
    assert made.run["name"] == "add"
    assert made.run["params"] == {"val": 1}


def test_what_was_loaded_before_is_no_input_of_a_craft(session) -> None:
    @Craft()
    def new() -> Artifact("c"):
        return 3

    session.catalog.load("a")
    new()
    assert session.catalog.current("c").metadata.based_on == []


def test_keys_are_filled_from_keywords_and_own_defaults(session) -> None:
    @Craft()
    def make(n: int = 4) -> Artifact("per_n"):
        return n

    make()
    make(n=5)
    assert session.catalog.load("per_n", n=4) == 4
    assert session.catalog.load("per_n", n=5) == 5

    @Craft()
    def total(per_n: Artifact) -> Artifact("c"):
        return {str(key): value for key, value in per_n.items()}

    assert total() == {"4": 4, "5": 5}


def test_a_default_stands_in_where_there_is_no_version(session) -> None:
    @Craft()
    def either(b: Artifact = None, v: Volatile = 7):
        return b, v

    assert either() == (None, 7)
    session.catalog.save("b", 2)
    assert either() == (2, 7)

    @Craft()
    def needs(c: Artifact): ...

    with pytest.raises(VersionNotFoundError, match="'c'"):
        needs()

    @Craft()
    def needs_value(v: Volatile): ...

    with pytest.raises(CraftDefinitionError, match="needs_value takes the volatile value 'v'"):
        needs_value()


@pytest.mark.parametrize("value", [1, (1,), (1, 2, 3), None])
def test_a_wrong_number_of_results_names_the_craft(session, value: object) -> None:
    @Craft()
    def two() -> Artifact.of("b", "c"):
        return value

    with pytest.raises(CraftDefinitionError, match="craft two gave"):
        two()
    assert len(session.catalog.versions("b")) == 0, "nothing is published"


def test_a_tuple_can_be_one_value(session) -> None:
    @Craft()
    def pair() -> Volatile("v"):
        return 1, 2

    assert pair() == (1, 2)
    assert (Pipeline() + pair)()["v"] == (1, 2)


def test_of_several_results_none_is_saved_where_one_cannot_be(session) -> None:
    @Craft()
    def two() -> Artifact.of("b", "c"):
        return 1, object()

    with pytest.raises(CraftError, match="two failed"):
        two()
    assert len(session.catalog.versions("b")) == 0
    assert session.handler.verify().ok


def test_outside_of_a_session() -> None:
    @Craft()
    def nothing(): ...

    with pytest.raises(NoSessionError, match="with sess:"):
        nothing()
    with pytest.raises(RuntimeError):
        (Pipeline() + nothing)()


def test_an_error_says_what_failed_and_how_to_look_at_it(session) -> None:
    @Craft()
    def fails(a: Artifact, top: int = 3) -> Artifact("b"):
        raise ZeroDivisionError("by nothing")

    with pytest.raises(CraftError, match=r"fails failed.*ZeroDivisionError: by nothing.*a=artifact_.*top=3") as failed:
        fails()
    assert isinstance(failed.value.__cause__, ZeroDivisionError)
    run_id = str(failed.value).rpartition("'run_")[2].partition("'")[0]
    assert session.inputs("fails", f"run_{run_id}") == {"a": 1, "top": 3}
    runs = session.handler.runs({"name": "fails"})
    assert runs["status"].tolist() == ["failed"]


def test_a_hint_takes_one_name() -> None:
    with pytest.raises(CraftDefinitionError, match=r"takes one name; several results are Artifact.of\('a', 'b'\)"):
        Artifact("a", "b")
    with pytest.raises(CraftDefinitionError, match="Volatile takes a name"):
        Volatile()
    assert Artifact(name="a") == Artifact("a")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (AssertionError(), "failed: AssertionError. It was"),
        (ValueError("too bad."), "failed: ValueError: too bad. It was"),
        (KeyError("mas"), "failed: KeyError: 'mas'. It was"),
    ],
)
def test_an_error_reads_as_a_sentence_whatever_text_it_has(session, error: Exception, says: str) -> None:
    @Craft()
    def fails(a: Artifact) -> Artifact("b"):
        raise error

    with pytest.raises(CraftError) as failed:
        fails()
    assert says in str(failed.value)


def test_retries(session) -> None:
    tries = []

    @Craft(retries=2)
    def shaky() -> Artifact("b"):
        tries.append(1)
        if len(tries) < 3:
            raise OSError("not yet")
        return 1

    assert shaky() == 1
    assert len(tries) == 3


def test_hooks_run_in_order(session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Craft.__mro__[1], "_hooks", {})
    monkeypatch.setattr(Craft, "_hooks", {})
    monkeypatch.setattr(Pipeline, "_hooks", {})
    seen = []

    @Craft.hook_pre_run()
    def second(craft, arguments):
        seen.append(("pre 2", craft.name, dict(arguments)))

    @Craft.hook_pre_run(last=False)
    def first(craft, arguments):
        seen.append(("pre 1", craft.name))

    @Craft.hook_post_run()
    def after(craft, result):
        seen.append(("post", craft.name, result))

    @Craft.hook_on_error()
    def wrong(craft, error):
        seen.append(("error", craft.name, type(error).__name__))

    @Pipeline.hook_post_run()
    def done(pipeline, result):
        seen.append(("pipeline", pipeline.name, result))

    @Craft()
    def fine(a: Artifact) -> Volatile("v"):
        return a + 1

    @Craft()
    def bad():
        raise KeyError("x")

    (Pipeline("p") + fine)()
    with pytest.raises(CraftError):
        bad()
    assert seen == [
        ("pre 1", "fine"), ("pre 2", "fine", {"a": 1}), ("post", "fine", 2), ("pipeline", "p", {"v": 2}),
        ("pre 1", "bad"), ("pre 2", "bad", {}), ("error", "bad", "KeyError"),
    ]  # fmt: skip


def test_a_hook_may_be_registered_without_parentheses(session) -> None:
    class Watched(Craft):
        pass

    seen = []

    @Watched.hook_pre_run
    def second(craft, arguments):
        seen.append("second")

    @Watched.hook_pre_run(last=False)
    def first(craft, arguments):
        seen.append("first")

    @Watched()
    def fine(a: Artifact) -> Volatile("v"):
        return a

    fine()
    assert seen == ["first", "second"]
    assert (first.__name__, second.__name__) == ("first", "second")


def test_an_input_may_be_optional(session) -> None:
    @Craft()
    def f(
        a: Artifact | None,
        b: Optional[Annotated[int, Artifact]] = None,  # noqa: UP045
        x: Annotated[int, Artifact("c")] | None = None,
        n: int | None = 2,
    ) -> Volatile("v"):
        return a, b, x, n

    assert [(one.parameter, one.name, one.is_needed) for one in f.inputs] == [
        ("a", "a", True),
        ("b", "b", False),
        ("x", "c", False),
    ]
    assert f() == (1, None, None, 2)
    session.catalog.save("c", 3)
    assert f(5) == (1, None, 3, 5)
    with pytest.raises(CraftDefinitionError, match="hint of 'a' names several"):

        @Craft()
        def several(a: Annotated[int, Artifact("b")] | Annotated[int, Volatile("c")]) -> None: ...


def test_hooks_without_a_name_of_their_own_do_not_replace_each_other(session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Craft, "_hooks", {})
    seen = []

    def noting(what):
        return Craft.hook_pre_run()(lambda craft, arguments: seen.append(what))

    @Craft()
    def fine():
        seen.append("run")

    noting("first")
    noting("second")
    for _ in range(2):  # as a cell that is run again
        Craft.hook_post_run()(lambda craft, result: [].append(result))
    fine()
    assert seen == ["first", "second", "run"]
    assert len(Craft._hooks["post_run"]) == 1


def test_types_may_be_imported_for_type_checkers_alone(project: Project) -> None:
    project.write("catalog/all.yaml", CATALOG)
    project.write(
        "lib/typed.py",
        """
        from __future__ import annotations

        import typing as t
        from typing import TYPE_CHECKING, Annotated

        from elliptio.pipelines import Artifact, Craft, Volatile

        if TYPE_CHECKING:
            import nowhere as pd

        @Craft()
        def copied(
            a: Annotated[pd.DataFrame, Artifact],
            x: t.Annotated[pd.Series | None, Artifact("b")] = None,
            n: pd.Index = 1,
        ) -> tuple[Annotated[pd.DataFrame, Artifact("c")], Annotated[list[pd.Series], Volatile("v")]]:
            return a, x
        """,
    )
    session = project.session()
    session.catalog.save("a", 1)
    from typed import copied

    assert [(one.parameter, one.name) for one in copied.inputs] == [("a", "a"), ("x", "b")]
    assert [(one.name, one.volatile) for one in copied.outputs] == [("c", False), ("v", True)]
    assert list(copied.parameters) == ["n"]
    with session:
        assert copied() == (1, None)
    with pytest.raises(CraftDefinitionError, match="Artefact"):
        exec("@Craft()\ndef f(x: 'Annotated[nowhere.A, Artefact, Artifact]'): ...", {**globals(), "__name__": "some"})


@pytest.mark.parametrize("runner", ["inline", "threads"])
def test_refused_results_are_a_value_error_that_says_why(session, runner: str) -> None:
    @Craft(validate=lambda value: (value > 0, "this is junk"))
    def checked(x: int = 0) -> Artifact("b"):
        return x

    for call in (checked, lambda: (Pipeline() + checked).run(runner=runner)):
        with pytest.raises(ValidationError, match=r"checked.*this is junk") as wrong:
            call()
        assert isinstance(wrong.value, ValueError)
        assert isinstance(wrong.value, CraftError)
        assert isinstance(wrong.value.__cause__, ValidationError)
    assert session.catalog.versions("b").empty


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def f(*args): ...", r"takes \*args"),
        ("def f() -> int: ...", "returns int"),
        ("def f() -> 3: ...", "returns 3"),
        ("def f() -> 'Nowhere': ...", "returns Nowhere"),
        ("def f() -> Artifact: ...", "name it"),
        ("def f():\n    yield 1", "async or yields"),
        ("async def f(): ...", "async or yields"),
        ("def f(x: Artifact.of('a')): ...", "takes one"),
        ("def f() -> Artifact.of('a', 'a'): ...", "'a' twice"),
        ("def f() -> 'Artifact(': ...", "cannot be read"),
    ],
)
def test_a_wrong_hint_is_an_error_where_it_is_decorated(source: str, says: str) -> None:
    space: dict[str, object] = {"Artifact": Artifact, "Volatile": Volatile, "__name__": "somewhere"}
    exec(compile(source, "somewhere", "exec", dont_inherit=True), space)
    with pytest.raises(CraftDefinitionError, match=f"somewhere.f.*{says}") as wrong:
        Craft()(space["f"])
    assert isinstance(wrong.value, TypeError)
    assert isinstance(wrong.value, ValueError)


@pytest.mark.parametrize(
    "options",
    [
        {"nmae": "x"},
        {"retries": -1},
        {"retries": "2"},
        {"per": [1]},
        {"packages": "some"},
        {"name": ""},
        {"validate": 3},
        {"cache": "no"},
    ],
)
def test_a_wrong_option_is_an_error(options: dict[str, object]) -> None:
    with pytest.raises(CraftDefinitionError):
        Craft(**options)(lambda: None)


def test_a_craft_that_reads_and_writes_one_entry(project: Project) -> None:
    project.write("catalog/all.yaml", "- {name: log, type: json, extra: {path: log.json}}\n- {name: new, type: json}")
    project.write("log.json", "[0]")
    session = project.session()

    @Craft()
    def append(log: Artifact, new: Artifact) -> Artifact("log"):
        return [*log, new]

    session.catalog.save("new", 1)
    pipeline = Pipeline() + append
    with session:
        assert pipeline.run().rows[0].status == "made"
        assert session.catalog.load("log") == [0, 1]
        assert pipeline.run().rows[0].status == "skipped", "its own result is no news"
        assert session.catalog.load("log") == [0, 1]
        session.catalog.save("new", 2)
        pipeline()
        assert session.catalog.load("log") == [0, 1, 2]


def test_wrapped_functions_can_be_crafts(session) -> None:
    def doubled(function):
        @functools.wraps(function)
        def inner(*args, **kwargs):
            return 2 * function(*args, **kwargs)

        return inner

    @Craft()
    @doubled
    def number(a: Artifact) -> Artifact("b"):
        return a

    assert number() == 2


def test_what_a_craft_does_to_its_parameters_is_seen_by_nobody(session) -> None:
    seen = []

    @Craft()
    def first(names: list = []) -> Volatile("v"):  # noqa: B006
        names.append("x")
        return len(names)

    @Craft()
    def second(v: Volatile, names: list) -> Artifact("b"):
        seen.append(list(names))
        return v

    given = ["a"]
    pipeline = Pipeline() + first + second
    pipeline.run({"names": given})
    assert seen == [given] == [["a"]]
    assert pipeline.run({"names": given}, volatiles=False).rows.count("skipped") == 2
    assert first() == first() == 1


def test_keys_and_tags_that_are_no_names_are_refused() -> None:
    for option in ("per", "tags"):
        for wrong in (3, (3,)):
            with pytest.raises(CraftDefinitionError, match=f"{option} takes names, such as"):
                Craft(**{option: wrong})(lambda: None)


def test_a_build_names_the_class_of_the_error_that_a_craft_raised(session) -> None:
    @Craft()
    def typo() -> Artifact("b"):
        return {"mass": 1}["mas"]

    @Craft()
    def silent() -> Artifact("c"):
        raise AssertionError

    for craft, why in ((typo, "KeyError: 'mas'"), (silent, "AssertionError")):
        build = (Pipeline("p") + craft).run(on_error="return")
        assert f"failed  {craft.name}  {why}" in str(build)

"""A saved model comes back as the user's own class, wherever that is now; else as a record, never as a wrong class."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.models import DataModel, Record, find_models, load_model, models_from
from elliptio.models.errors import DuplicateModelError

ONE = """
    class Training(DataModel, version=1):
        rate: float
        layers: list[int] = field(default_factory=list)
"""


def _load(h: eio.Handler, artifact: eio.Artifact) -> Any:
    return h.show(artifact.artifact_id).load()


def test_a_class_that_moved(local: eio.Handler, modules: Any) -> None:
    saved = local.save(modules("first", ONE).Training(0.1, [1]), "a")
    modules.forget()
    moved = modules("second", ONE)
    loaded = _load(local, saved)
    assert type(loaded) is moved.Training
    assert loaded == moved.Training(0.1, [1])


@pytest.mark.parametrize("alias", ["Training", "first:Training"])
def test_a_class_that_was_renamed(local: eio.Handler, modules: Any, alias: str) -> None:
    saved = local.save(modules("first", ONE).Training(0.1, [1]), "a")
    modules.forget()
    now = modules("second", ONE.replace("Training(DataModel", f"Fitting(DataModel, aliases=({alias!r},)"))
    assert type(_load(local, saved)) is now.Fitting
    assert len(find_models(now.Fitting, handler=local)) == 1
    assert len(find_models("Training", handler=local)) == 1
    one = modules("third", ONE.replace("Training(DataModel", f"Fitting(DataModel, aliases={alias!r}"))
    assert one.Fitting.__model_aliases__ == (alias,)


def test_a_class_that_is_gone(local: eio.Handler, modules: Any) -> None:
    saved = local.save(modules("first", ONE).Training(0.1, [1]), "a")
    modules.forget()
    loaded = _load(local, saved)
    assert type(loaded) is Record
    assert (loaded.model_name, loaded.model_version, loaded.rate, loaded.layers) == ("Training", 1, 0.1, [1])
    assert "first:Training" in repr(loaded)
    assert "first" not in sys.modules
    assert len(find_models("Training", {"rate": 0.1}, handler=local)) == 1
    with pytest.raises(eio.ElliptioError, match="Training"):
        load_model(local.show(saved.artifact_id), strict=True)


def test_reading_imports_nothing_but_models_from_does(local: eio.Handler, modules: Any) -> None:
    saved = local.save(modules("first", ONE).Training(0.1), "a")
    modules.forget()
    assert type(_load(local, saved)) is Record
    assert "first" not in sys.modules
    (cls,) = models_from("first")
    assert cls.__name__ == "Training"
    assert type(_load(local, saved)) is cls
    with pytest.raises(ImportError):
        models_from("no_such_module_at_all")


def test_one_name_in_two_modules(local: eio.Handler, modules: Any) -> None:
    first, second = modules("first", ONE), modules("second", ONE)
    a, b = local.save(first.Training(0.1), "a"), local.save(second.Training(0.2), "b")
    assert type(_load(local, a)) is first.Training
    assert type(_load(local, b)) is second.Training
    assert list(find_models(first.Training, handler=local).rate) == [0.1]
    assert set(find_models("Training", handler=local).rate) == {0.1, 0.2}
    modules.forget("first")
    # The other has the same fields, and is the only one of that name now.
    assert type(_load(local, a)) is second.Training


def test_another_class_of_that_name_with_other_fields_is_not_taken(local: eio.Handler, modules: Any) -> None:
    saved = local.save(modules("first", ONE).Training(0.1), "a")
    modules.forget()
    modules("second", "class Training(DataModel, version=1):\n    other: str\n")
    loaded = _load(local, saved)
    assert type(loaded) is Record
    assert loaded.rate == 0.1
    assert "other fields" in repr(loaded)


def test_fields_of_the_same_names_and_other_types_are_other_fields(local: eio.Handler, modules: Any) -> None:
    saved = local.save(modules("first", ONE).Training(0.1), "a")
    modules.forget()
    modules("second", "class Training(DataModel, version=1):\n    rate: str\n    layers: list[int]\n")
    assert type(_load(local, saved)) is Record


def test_several_that_could_be_it_are_no_guess(local: eio.Handler, modules: Any) -> None:
    saved = local.save(modules("first", ONE).Training(0.1), "a")
    modules.forget()
    modules("second", ONE)
    modules("third", ONE)
    loaded = _load(local, saved)
    assert type(loaded) is Record
    assert "second:Training" in repr(loaded)
    assert "third:Training" in repr(loaded)


def test_a_cell_that_is_run_a_hundred_times(local: eio.Handler, modules: Any) -> None:
    cell = "class Training(DataModel, version=1):\n    rate: float\n"
    names = modules.notebook()
    saved = []
    for number in range(100):
        exec(cell, names)
        if number % 25 == 0:
            saved.append(local.save(names["Training"](float(number)), "a"))
    for each in saved:
        assert type(_load(local, each)) is names["Training"]
    assert list(find_models(names["Training"], handler=local).rate) == [75.0, 50.0, 25.0, 0.0]
    assert len(find_models("Training", handler=local)) == 4
    named = cell.replace("version=1", "version=1, name='my-training'")
    for _ in range(100):
        exec(named, names)


def test_a_cell_with_other_fields_is_run_again(local: eio.Handler, modules: Any) -> None:
    names = modules.notebook()
    exec("class Training(DataModel, version=1):\n    rate: float\n", names)
    saved = local.save(names["Training"](0.1), "a")
    exec("class Training(DataModel, version=1):\n    rate: float\n    layers: int = 3\n", names)
    assert _load(local, saved) == names["Training"](0.1, 3)
    exec("class Training(DataModel, version=1):\n    other: str\n", names)
    loaded = _load(local, saved)
    assert type(loaded) is Record
    assert "rate" in repr(loaded)


def test_an_explicit_name_is_of_one_module(modules: Any) -> None:
    named = ONE.replace("version=1", "version=1, name='my-training'")
    modules("first", named)
    modules("first", named)
    with pytest.raises(DuplicateModelError, match=r"my-training.*first:Training"):
        modules("second", named)
    modules("third", ONE.replace("version=1", "version=1, name='another'"))


def test_a_script_that_is_imported_too(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\nfrom elliptio.models import DataModel\nimport elliptio as eio\n"
        "class Training(DataModel, version=1, name='my-training'):\n    rate: float\n"
        "def check(h):\n    return {type(h.show(i).load()) for i in h.search(max_docs=0).ids}\n"
        "if __name__ == '__main__':\n"
        "    h = eio.Handler(sys.argv[1])\n    h.save(Training(0.1), 'a')\n"
        "    assert check(h) == {Training}\n"
        "    import train\n    assert train.Training is not Training\n    h.save(train.Training(0.2), 'b')\n"
        "    assert check(h) == {Training, train.Training}, check(h)\n"
        "    from elliptio.models import find_models\n"
        "    assert len(find_models('my-training', handler=h)) == 2\n"
    )
    subprocess.run([sys.executable, script, tmp_path / "lake"], check=True, cwd=tmp_path)
    # Elsewhere only the module is there: what the script saved is of that.
    code = (
        "import train, elliptio as eio\nfrom elliptio.models import find_models\n"
        f"h = eio.Handler({str(tmp_path / 'lake')!r})\n"
        "assert train.check(h) == {train.Training}, train.check(h)\n"
        "assert sorted(find_models(train.Training, handler=h).rate) == [0.1, 0.2]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


test_a_script_that_is_imported_too.pytestmark = [pytest.mark.slow]  # type: ignore[attr-defined]


def test_local_classes(local: eio.Handler) -> None:
    def make() -> type:
        class Inner(DataModel, version=1):
            rate: float

        class Local(DataModel, version=1):
            inner: Inner
            others: list[Inner]

        return Local, Inner  # type: ignore[return-value]

    cls, inner = make()  # type: ignore[misc]
    model = cls(inner(0.1), [inner(0.2)])
    loaded = _load(local, local.save(model, "a"))
    assert type(loaded) is cls
    assert type(loaded.inner) is inner
    assert loaded == model


HARD = """
    if TYPE_CHECKING:
        from fractions import Fraction
        import pathlib

    T = TypeVar("T")

    class Base(DataModel, version=1):
        a: int
    class Sub(Base, version=1):
        b: int = 2
    class Twin(DataModel, version=1):
        a: int
    class Holds(DataModel, version=1):
        base: Base
        either: Twin | Base
        many: list[Base | Twin]
        later: Optional[Later] = None
        where: Optional[pathlib.Path] = None
    class Later(DataModel, version=1):
        again: Optional[Later] = None
    class Of(DataModel, Generic[T], version=1):
        value: T
    class HoldsOf(DataModel, version=1):
        ints: Of[int]
        texts: Of[list[str]]
"""


def test_hard_classes(local: eio.Handler, modules: Any) -> None:
    import pathlib

    m = modules("hard", HARD)
    model = m.Holds(m.Sub(1, 3), m.Base(4), [m.Twin(1), m.Base(1), m.Sub(1, 9)], m.Later(m.Later()), pathlib.Path("/x"))
    loaded = _load(local, local.save(model, "a"))
    assert loaded == model
    assert type(loaded.base) is m.Sub
    assert type(loaded.either) is m.Base
    assert [type(each) for each in loaded.many] == [m.Twin, m.Base, m.Sub]
    of = m.HoldsOf(m.Of(1), m.Of(["a"]))
    loaded = _load(local, local.save(of, "b"))
    assert loaded == of
    assert type(loaded.ints) is m.Of
    direct = _load(local, local.save(m.Of({"a": 1}), "c"))
    assert direct == m.Of({"a": 1})


def test_a_module_may_be_gone_for_a_part(local: eio.Handler, modules: Any) -> None:
    modules("inner", ONE)
    outer = "import inner\nclass Outer(DataModel, version=1):\n    part: inner.Training\n    any: Any = None\n"
    m = modules("outer", outer)
    inner = sys.modules["inner"]
    saved = local.save(m.Outer(inner.Training(0.1), inner.Training(0.2)), "a")
    modules.forget()
    loaded = _load(local, saved)
    assert type(loaded) is Record
    assert type(loaded.part) is Record
    assert loaded.part.rate == 0.1
    assert loaded.any.model_name == "Training"
    again = modules("inner", ONE)
    loaded = _load(local, saved)
    assert type(loaded) is Record
    assert type(loaded.part) is again.Training


def test_records(local: eio.Handler, modules: Any) -> None:
    import copy
    import dataclasses
    import pickle

    code = (
        "import numpy as np\nclass Odd(DataModel, version=1):\n    model_name: str\n    items: int\n    get: int\n"
        "    keys: int\n    _why: int\n    pixels: np.ndarray\n    frozen: list[int]\n"
    )
    import numpy as np

    m = modules("odd", code)
    saved = local.save(m.Odd("n", 1, 2, 3, 4, np.arange(3), [1]), "a")
    modules.forget()
    loaded, again = _load(local, saved), _load(local, saved)
    assert (loaded.model_name, loaded["model_name"], loaded.items, loaded.get, loaded.keys) == ("Odd", "n", 1, 2, 3)
    assert loaded["_why"] == 4
    assert "pixels=…" in repr(loaded)
    assert loaded == again
    assert loaded != local
    np.testing.assert_array_equal(loaded.pixels, np.arange(3))
    assert list(loaded) == ["model_name", "items", "get", "keys", "_why", "pixels", "frozen"]
    assert pickle.loads(pickle.dumps(loaded)) == loaded == copy.deepcopy(loaded) == copy.copy(loaded)
    for change in (
        lambda: setattr(loaded, "items", 5),
        lambda: delattr(loaded, "items"),
        lambda: setattr(loaded, "new", 5),
    ):
        with pytest.raises((dataclasses.FrozenInstanceError, AttributeError)):
            change()
    with pytest.raises(AttributeError, match="items"):
        _ = loaded.nothing
    with pytest.raises(KeyError):
        _ = loaded["nothing"]


def test_of_several_the_one_with_these_fields_is_taken(local: eio.Handler, modules: Any) -> None:
    saved = local.save(modules("first", ONE).Training(0.1), "a")
    modules.forget()
    fits = modules("second", ONE)
    modules("third", ONE.replace("float", "str"))
    modules("fourth", ONE + "        momentum: float = 0.0\n")
    assert type(_load(local, saved)) is fits.Training


def test_another_script_is_another_module(local: eio.Handler, modules: Any) -> None:
    """``__main__:Training`` of one script is not that of another."""
    main: dict[str, Any] = {"__name__": "__main__", "DataModel": DataModel}
    try:
        exec(compile("class Training(DataModel, version=1):\n    rate: float\n", "a", "exec", 0, True), main)
        saved = local.save(main["Training"](0.1), "a")
        train = modules("train", "class Training(DataModel, version=1):\n    rate: float\n")
        assert type(_load(local, saved)) is main["Training"]
        exec(compile("class Training(DataModel, version=1):\n    other: str\n", "b", "exec", 0, True), main)
        assert type(_load(local, saved)) is train.Training
    finally:
        modules.forget("__main__")


PLAIN = """
    from enum import Enum

    class Color(Enum):
        RED = 1

    @dataclass
    class Point:
        x: int

    class Inner(DataModel, version=1):
        point: Point

    class Outer(DataModel, version=1):
        number: int
        point: Point
        color: Color
        inner: Inner
        points: Sequence[Point] = ()
        anything: Any = None
"""


def test_classes_of_fields_move_along(local: eio.Handler, modules: Any) -> None:
    def made(m: Any) -> Any:
        return m.Outer(1, m.Point(2), m.Color.RED, m.Inner(m.Point(3)), [m.Point(4)], {"k": m.Color.RED})

    artifact = local.save(made(modules("before", PLAIN)), "a")
    modules.forget()
    now = modules("after", PLAIN)
    assert artifact.load() == made(now)
    for query in ({}, {"point.x": 2}, {"color": now.Color.RED}, {"inner.point.x": 3}):
        row = find_models(now.Outer, query, handler=local).iloc[0]
        assert (row.point, row.color, row.inner) == (now.Point(2), now.Color.RED, now.Inner(now.Point(3))), query


def test_a_class_of_a_field_that_changed_as_it_moved_is_not_taken(local: eio.Handler, modules: Any) -> None:
    m = modules("before", PLAIN)
    artifact = local.save(m.Outer(1, m.Point(2), m.Color.RED, m.Inner(m.Point(3)), (), [m.Point(4), m.Color.RED]), "a")
    modules.forget()
    modules("after", PLAIN.replace("x: int", "y: int").replace("RED = 1", "BLUE = 1"))
    found = artifact.load()
    assert isinstance(found.anything[0], Record)
    assert found.anything[1] == 1

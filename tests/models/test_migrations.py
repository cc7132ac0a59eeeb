"""What older and newer versions of a class wrote comes back as what the class is now, or says why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import elliptio as eio
from elliptio.models import (
    DataModel,
    MigrationError,
    Record,
    compare_models,
    load_model,
    migrate_models,
    migration,
    peek,
)
from elliptio.models.errors import ModelDefinitionError
from elliptio.models.model import origin_of
from elliptio.models.types import Lazy

V1 = "class Training(DataModel, version=1):\n    rate: float\n    layers: int\n"


def _load(h: eio.Handler, artifact: eio.Artifact) -> Any:
    return h.show(artifact.artifact_id).load()


def _saved(h: eio.Handler, modules: Any, code: str, *values: Any) -> eio.Artifact:
    return h.save(modules("mine", code).Training(*values), "a")


def test_e6_model_migrate(local: eio.Handler, modules: Any) -> None:
    old = _saved(local, modules, "class Training(DataModel, version=1):\n    some_value: int\n", 1)
    newest = _saved(local, modules, "class Training(DataModel, version=9):\n    some_value: int\n", 1)
    code = """
        class Training(DataModel, version=2):
            renamed_value: int

            @classmethod
            def HOOK(cls, version: int, data: dict[str, Any]) -> Training:
                if version == 1:
                    data["renamed_value"] = data.pop("some_value")
                    return cls(**data)
                raise ValueError(f"version {version}?")
    """
    for hook in ("model_migrate", "model_init"):
        m = modules("mine", code.replace("HOOK", hook))
        assert _load(local, old) == m.Training(1)
        with pytest.raises(ValueError, match=r"^version 9\?$") as caught:
            _load(local, newest)
        assert type(caught.value) is ValueError
    assert local.show(old.artifact_id).metadata.model["version"] == 1
    assert local.show(old.artifact_id).files["model.json"].download_string().count("some_value")


def test_a_hook_gets_decoded_values_and_unread_big_ones(local: eio.Handler, modules: Any) -> None:
    old = _saved(
        local,
        modules,
        "import numpy as np\nfrom datetime import date\n"
        "class Training(DataModel, version=1):\n    when: date\n    pixels: np.ndarray\n    more: list[np.ndarray]\n",
        __import__("datetime").date(2026, 1, 2),
        np.arange(3),
        [np.zeros(2)],
    )
    m = modules(
        "mine",
        """
        import numpy as np
        from datetime import date
        seen = []
        class Training(DataModel, version=2):
            day: date
            image: np.ndarray
            more: list[np.ndarray]

            @classmethod
            def model_migrate(cls, version, data):
                seen.append((version, dict(data)))
                return cls(data["when"], data["pixels"], data["more"])
        """,
    )
    loaded = _load(local, old)
    ((version, data),) = m.seen
    assert version == 1
    assert data["when"].year == 2026
    assert isinstance(data["pixels"], Lazy)
    assert isinstance(data["more"], Lazy)
    assert set(origin_of(loaded).fields) == {"image", "more"}
    assert "image" not in loaded.__dict__
    assert "image=…" in repr(loaded)
    assert peek(loaded, "image", rows=2).tolist() == [0, 1]
    assert loaded.image.tolist() == [0, 1, 2]
    assert loaded.more[0].tolist() == [0, 0]
    assert local.save(loaded, "again").load() == loaded


def test_a_chain(local: eio.Handler, modules: Any) -> None:
    first = _saved(local, modules, V1, 0.1, 3)
    second = _saved(
        local, modules, "class Training(DataModel, version=2):\n    speed: float\n    layers: int\n", 0.2, 3
    )
    m = modules(
        "mine",
        """
        class Training(DataModel, version=4):
            speed: float
            layers: list[int]

            @migration(1, 2)
            def _(data):
                data["speed"] = data.pop("rate")
                return data

            @migration(2, 4)
            @staticmethod
            def _(data: dict) -> dict:
                return {**data, "layers": [0] * data["layers"]}
        """,
    )
    assert _load(local, first) == m.Training(0.1, [0, 0, 0])
    assert _load(local, second) == m.Training(0.2, [0, 0, 0])


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("version=2):\n    rate: float\n    layers: int\n    other: str\n", "other"),
        ("version=2):\n    rate: float\n", "layers"),
        ("version=2):\n    rate: str\n    layers: int\n", "rate"),
        ("version=2):\n    rate: float\n    layers: list[int]\n", "layers"),
        ("version=0):\n    rate: float\n    layers: int\n", "newer"),
        (
            "version=3):\n    rate: float\n    layers: str\n\n    @migration(2, 3)\n    def a(d): return d\n",
            "version 1",
        ),
        ("version=3):\n    rate: float\n    layers: str\n\n    @migration(1, 2)\n    def a(d): return d\n", "layers"),
        ("version=2):\n    rate: float\n    layers: int\n\n    @migration(1, 2)\n    def a(d): return 5\n", "5"),
    ],
)
def test_what_cannot_be_migrated_is_a_record_that_says_why(
    local: eio.Handler, modules: Any, code: str, names: str
) -> None:
    old = _saved(local, modules, V1, 0.1, 3)
    modules("mine", f"class Training(DataModel, {code}")
    loaded = _load(local, old)
    assert type(loaded) is Record
    assert (loaded.rate, loaded.layers, loaded.model_version) == (0.1, 3, 1)
    assert names in repr(loaded).split(";", 1)[1]
    with pytest.raises(MigrationError, match=names):
        load_model(local.show(old.artifact_id), strict=True)
    with pytest.raises(MigrationError, match=names):
        local.show(old.artifact_id).load(strict=True)


def test_an_error_in_a_step_reaches_the_caller(local: eio.Handler, modules: Any) -> None:
    old = _saved(local, modules, V1, 0.1, 3)
    modules(
        "mine",
        """
        class Training(DataModel, version=2):
            rate: float
            layers: int

            @migration(1, 2)
            def step(data):
                raise RuntimeError("mine")
        """,
    )
    with pytest.raises(RuntimeError, match=r"^mine$"):
        _load(local, old)


def test_fields_with_defaults_need_no_migration(local: eio.Handler, modules: Any) -> None:
    old = _saved(local, modules, V1, 0.1, 3)
    m = modules("mine", V1.replace("version=1", "version=2") + "    more: list[int] = field(default_factory=list)\n")
    assert _load(local, old) == m.Training(0.1, 3, [])
    # Also within one version: a field was added and the number forgotten.
    m = modules("mine", V1 + "    more: str = 'x'\n")
    assert _load(local, old) == m.Training(0.1, 3, "x")


def test_a_hook_of_a_base_is_that_of_a_subclass_too(local: eio.Handler, modules: Any) -> None:
    old = _saved(local, modules, V1, 0.1, 3)
    m = modules(
        "mine",
        """
        class Base(DataModel, version=1):
            rate: float

            @classmethod
            def model_migrate(cls, version, data):
                return cls(data["rate"])

        class Training(Base, version=2):
            pass
        """,
    )
    assert _load(local, old) == m.Training(0.1)


def test_nested_models_of_other_versions(local: eio.Handler, modules: Any) -> None:
    inner = "class Inner(DataModel, version=1):\n    a: int\n"
    outer = "class Training(DataModel, version=1):\n    inner: Inner\n    many: list[Inner]\n"
    m = modules("mine", inner + outer)
    old = local.save(m.Training(m.Inner(1), [m.Inner(2)]), "a")
    m = modules(
        "mine",
        "class Inner(DataModel, version=2):\n    b: int\n\n    @migration(1, 2)\n    def _(data):\n"
        "        return {'b': data['a']}\n" + outer,
    )
    assert _load(local, old) == m.Training(m.Inner(1), [m.Inner(2)])
    modules("mine", inner.replace("a: int", "other: str").replace("version=1", "version=2") + outer)
    loaded = _load(local, old)
    assert type(loaded) is Record
    assert type(loaded.inner) is Record
    assert loaded.inner.a == 1
    with pytest.raises(MigrationError, match="Inner"):
        load_model(local.show(old.artifact_id), strict=True)


def test_wrong_definitions(modules: Any) -> None:
    for body in (
        "    @migration(1, 3)\n    def a(data): return data\n",
        "    @migration(2, 1)\n    def a(data): return data\n",
        "    @migration(1, 2)\n    def a(data): return data\n    @migration(1, 2)\n    def b(data): return data\n",
    ):
        with pytest.raises(ModelDefinitionError):
            modules("wrong", f"class Training(DataModel, version=2):\n    rate: float\n{body}")


def test_reading_never_writes(local: eio.Handler, modules: Any) -> None:
    old = _saved(local, modules, V1, 0.1, 3)
    from pathlib import Path

    from elliptio.models import find_models

    m = modules("mine", V1.replace("version=1", "version=2") + "    more: int = 0\n")
    before = {
        path: path.stat().st_mtime_ns for path in Path(local.store.root).rglob("*") if ".elliptio" not in str(path)
    }
    reader = eio.Handler(local.store.root)
    reader.get(old.artifact_id).load()
    assert len(find_models(m.Training, {"more": 0}, handler=reader)) == 1
    after = {
        path: path.stat().st_mtime_ns for path in Path(local.store.root).rglob("*") if ".elliptio" not in str(path)
    }
    assert before == after


def test_migrate_models(local: eio.Handler, modules: Any) -> None:
    m = modules("mine", V1)
    first, second = local.save(m.Training(0.1, 1), "a", {"project": "p"}), local.save(m.Training(0.2, 2), "b")
    m = modules("mine", V1.replace("version=1", "version=2") + "    more: int = 7\n")
    current = local.save(m.Training(0.3, 3, 3), "c")
    made = migrate_models(m.Training, handler=local)
    assert [each.load() for each in made] == [m.Training(0.1, 1, 7), m.Training(0.2, 2, 7)]
    assert [each.metadata.based_on for each in made] == [[first.artifact_id], [second.artifact_id]]
    assert [each.metadata.model["label"] for each in made] == ["a", "b"]
    assert made[0].labels.project == "p"
    assert migrate_models(m.Training, handler=local) == []
    assert len(local.find(max_docs=0)) == 5
    assert current.load().more == 3
    assert local.show(first.artifact_id).metadata.model["version"] == 1


def test_migrate_models_is_all_or_none(local: eio.Handler, modules: Any) -> None:
    m = modules("mine", V1)
    local.save(m.Training(0.1, 1), "a")
    local.save(m.Training(0.2, 2), "b")
    m = modules(
        "mine",
        """
        class Training(DataModel, version=2):
            rate: float
            layers: int

            @migration(1, 2)
            def _(data):
                return {} if data["rate"] == 0.1 else data
        """,
    )
    with pytest.raises(MigrationError, match="rate"):
        migrate_models(m.Training, handler=local)
    assert len(local.find(max_docs=0)) == 2


def test_migrate_models_keeps_big_fields_and_subclasses_apart(local: eio.Handler, modules: Any) -> None:
    code = (
        "import numpy as np\nclass Training(DataModel, version=1):\n    pixels: np.ndarray\n"
        "class Sub(Training, version=1):\n    b: int = 1\n"
    )
    m = modules("mine", code)
    local.save(m.Training(np.arange(4)), "a")
    local.save(m.Sub(np.arange(4)), "b")
    m = modules("mine", code.replace("version=1", "version=2").replace("ndarray\n", "ndarray\n    more: int = 5\n", 1))
    (made,) = migrate_models(m.Training, handler=local)
    assert type(made.load()) is m.Training
    assert made.load().pixels.tolist() == [0, 1, 2, 3]


def test_compare_across_versions(local: eio.Handler, modules: Any) -> None:
    old = _saved(local, modules, V1, 0.1, 3)
    m = modules("mine", V1.replace("version=1", "version=2") + "    more: int = 7\n")
    assert compare_models(local.show(old.artifact_id), m.Training(0.1, 3)).same
    diff = compare_models(old, m.Training(0.1, 4, 8))
    assert [change.path for change in diff.changes] == ["layers", "more"]


def test_a_big_field_is_not_read_to_be_checked(local: eio.Handler) -> None:
    class Picture(DataModel, version=1):
        a: int
        pixels: np.ndarray

    saved = local.save(Picture(1, np.arange(3)), "one")

    class Picture(DataModel, version=2):  # type: ignore[no-redef]
        b: int
        pixels: np.ndarray

        @migration(1, 2)
        def renamed(data: dict[str, Any]) -> dict[str, Any]:  # type: ignore[misc]
            return {"b": data["a"], "pixels": data["pixels"]}

    made = saved.load()
    assert type(made) is Picture
    assert "pixels" not in vars(made)
    assert made.pixels.tolist() == [0, 1, 2]

"""The examples of Statisfactory's documentation run with their import line changed; its slips as they were meant."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from elliptio.pipelines import Session
from elliptio.pipelines.session import BaseSession
from tests.pipelines.projects import Project

SEED = Path("/work/shared/seeds/004_40363d37df63808a.txt")

if not SEED.exists():
    pytest.skip("the documentation of Statisfactory is not here", allow_module_level=True)

CATALOG = """
- {name: masterFile, type: csv, extra: {path: masterFile.csv}}
- {name: data_matrix, type: csv, extra: {path: "data_!{client_name}.csv"}}
- {name: matrix, type: csv, extra: {path: matrix.csv}}
- {name: data, type: csv, extra: {path: data.csv}}
{% for name in ['dataframe', 'masterFile2', 'DuplicatedMasterFile', 'augmentedFile'] %}
- {name: {{ name }}, type: csv, extra: {path: {{ name }}.csv}}
{% endfor %}
"""

MEANT = {
    "statisfactory.session": "elliptio.pipelines.session",
    "statisfactory.IO": "elliptio.pipelines.io",
    "statisfactory": "elliptio.pipelines",
}

SLIPS = [
    ("catalog = Session()", "sess = catalog = Session()"),  # it goes on with `sess`
    ("import Session, Artifact\n\nsess", "import Session, Artifact, Craft\n\nsess"),
    ("return masterfile", "return masterFile"),  # a letter
    (
        '"add_col": {"top":10},\n    "show_top": {"val":3}',
        '"add_col": {"val":3},\n    "show_top": {"top":10}',
    ),  # swapped
]


def blocks() -> list[str]:
    """The Python of the document, its import lines changed."""
    found = re.findall(r"```python\n(.*?)```", SEED.read_text(), re.DOTALL)
    meant = []
    for block in found:
        for name, ours in MEANT.items():
            block = re.sub(rf"from {re.escape(name)} import", f"from {ours} import", block)
        for slip, wanted in SLIPS:
            block = block.replace(slip, wanted)
        meant.append(block)
    return meant


def block(text: str) -> str:
    """The one block that holds a text."""
    found = [one for one in blocks() if text in one]
    assert len(found) == 1, (text, len(found))
    return found[0]


@pytest.fixture
def seed(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    project.write("pyproject.toml", '[tool.statisfactory]\nproject_slug = "exemple"\ncatalog = "catalog"\n')
    project.write("catalog/all.yaml", CATALOG)
    project.write("configuration/globals.yml", "my_custom_variable: 7\nparameter_defined_in_global: 3\n")
    for name in ("masterFile", "data_fix", "matrix", "data"):
        project.write(f"{name}.csv", "a,b\n" + "".join(f"{row},{row}\n" for row in range(20)))
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("ELLIPTIO_ROOT", str(project.root.parent / "shop-lake"))
    return project


def run(text: str, **names: object) -> dict[str, object]:
    """Run a block as a module of its own."""
    import pandas as pd

    space: dict[str, object] = {"__name__": "__main__", "pd": pd, **names}
    exec(compile(textwrap.dedent(text), "document", "exec", dont_inherit=True), space)
    return space


def test_loading_and_saving(seed: Project) -> None:
    sess = Session()
    frame = sess.catalog.load("matrix")
    saved = sess.catalog.save("data_matrix", frame, client_name="jean-michel-client")
    assert sess.catalog.load("data_matrix", client_name="jean-michel-client").equals(frame)
    assert saved.metadata.entry["keys"] == {"client_name": "jean-michel-client"}
    with pytest.raises(KeyError, match="client_name"):
        sess.catalog.load("data_matrix")
    with pytest.raises(FileNotFoundError):
        sess.catalog.load("data_matrix", client_name="nobody")


def test_a_craft_that_loads(seed: Project, capsys: pytest.CaptureFixture[str]) -> None:
    run(block("def show_df(masterFile: Artifact)"))
    assert "(20, 2)" in capsys.readouterr().out


def test_a_craft_that_saves(seed: Project) -> None:
    space = run(block('-> Artifact("masterFile2")'))
    assert space["sess"].catalog.load("masterFile2")["foo"].eq(1).all()


def test_add_cols(seed: Project) -> None:
    source = "from elliptio.pipelines import Craft, Artifact, Session\nsess = Session()\n" + block(
        "return data_matrix.assign(col=1)"
    )
    space = run(source + "\nwith sess:\n    add_cols(client_name='fix')\n")
    assert space["sess"].catalog.load("dataframe")["col"].eq(1).all()


def test_plain_parameters(seed: Project) -> None:
    run(block("def show_top(masterFile: Artifact, top: int=10):"))


def test_several_results(seed: Project) -> None:
    space = run(block('Artifact.of("masterFile", "DuplicatedMasterFile")'))
    catalog = space["sess"].catalog
    assert catalog.load("masterFile").equals(catalog.load("DuplicatedMasterFile"))


def test_a_pipeline_in_the_right_order(seed: Project) -> None:
    space = run(block("p = show_top + add_col  "))
    assert str(space["p"]) == "Pipeline steps :\n\t- add_col\n\t- show_top"
    run(
        block("#  Note that dependencies have been corrected.\nprint(p)"),
        **{n: space[n] for n in ("show_top", "add_col")},
    )


def test_a_pipeline_with_a_name(seed: Project) -> None:
    space = run(block("A pipeline named Désir"))
    assert space["p"].name == "A pipeline named Désir"


def test_parameters_of_a_pipeline(seed: Project) -> None:
    space = run(block('p(top=10, val="boum")'))
    assert space["catalog"].catalog.load("augmentedFile")["foo"].eq("boum").all()


def test_parameters_of_one_craft(seed: Project) -> None:
    with pytest.warns(UserWarning, match="shared_params_1"):
        space = run(block('"shared_params_1": 1'))
    assert space["sess"].catalog.load("augmentedFile")["foo"].eq(3).all()


def test_pipelines_are_joined_in_the_order_given() -> None:
    from elliptio.pipelines import Craft, Pipeline

    def crafts():
        return [Craft(name=f"craft_{number}")(lambda: None) for number in (1, 2, 3)]

    text = block("x = p1 + p # 1 > 2 > 3")
    craft_1, craft_2, craft_3 = crafts()
    space = run(text.replace("y = p + p1", "# y"), Pipeline=Pipeline, craft_1=craft_1, craft_2=craft_2, craft_3=craft_3)
    assert [craft.name for craft in space["x"].crafts] == ["craft_1", "craft_2", "craft_3"]
    assert space["x"] is space["p1"], "the left one grows"
    craft_1, craft_2, craft_3 = crafts()
    space = run(text.replace("x = p1 + p", "# x"), Pipeline=Pipeline, craft_1=craft_1, craft_2=craft_2, craft_3=craft_3)
    assert [craft.name for craft in space["y"].crafts] == ["craft_2", "craft_3", "craft_1"]


def test_volatile_values(seed: Project, capsys: pytest.CaptureFixture[str]) -> None:
    space = run(block("def create_var()"))
    assert space["out"]["myValue"] == 10
    assert capsys.readouterr().out.strip() == "10"


def test_introspection(seed: Project) -> None:
    seed.write("pipelines/definitions.yaml", "my_awsome_pipeline: {operators: [steps.one]}")
    seed.write("lib/steps.py", "from elliptio.pipelines import Craft\n\n\n@Craft()\ndef one(): ...\n")
    space = run(block("sess.settings['parameter_defined_in_global']"))
    assert space["pipeline"].name == "my_awsome_pipeline"
    assert space["sess"].settings["PARAMETER_defined_in_global"] == 3


def test_a_pipeline_inside_a_craft(seed: Project) -> None:
    seed.write("pipelines/definitions.yaml", "default: {operators: [steps.count]}")
    seed.write(
        "lib/steps.py",
        """
        from elliptio.pipelines import Artifact, Craft

        seen = []


        @Craft()
        def count(data: Artifact):
            seen.append(len(data))
        """,
    )
    run(block("def start_training_pipeline"))
    import steps

    assert steps.seen == [20]


def test_the_long_example(seed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    seed.write(
        "catalog/all.yaml",
        """
        - name: masterFile
          type: xslx
          extra:
            path: foobar/raw/!{samples}_masterfile.xlsx
        - name: coeffs
          type: pickle
          extra:
            path: foobar/out/coeff_!{samples}.pkl
        """,
    )
    space = run(block("def train_regression"))
    assert space["c1"].shape == space["c2"].shape == (5,)
    assert (space["c1"] != space["c2"]).any()


def test_a_type_of_ones_own(seed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from typing import Any

    space = run(block('class Foobar(ArtifactInteractor, interactor_name="foobarer")'), Any=Any)
    from elliptio.pipelines.io import ArtifactInteractor

    assert "foobarer" in ArtifactInteractor.interactors()
    assert space["Foobar"].Extra(egg=1).ham == 0
    seed.write("catalog/all.yaml", "- {name: x, type: foobarer, extra: {ham: 1}}")
    with pytest.raises(ValueError, match=r"(?s)catalog/all.yaml:1: x.*egg"):
        _ = Session().catalog


def test_a_backend_of_ones_own(seed: Project) -> None:
    run(block('class Foobar(Backend, prefix="print")'), Session=Session)
    from elliptio.pipelines.io import Backend

    assert "print" in Backend.backends()


def test_hooks(seed: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseSession, "_hooks", {})
    run(block("def print_and_set_param"))
    sess = Session()
    assert (sess._["value"], sess._.value) == (7, 7)
    assert "7" in capsys.readouterr().out


def test_a_session_of_ones_own(seed: Project) -> None:
    seed.write("custom_foler/__init__.py", "")
    seed.write("custom_foler/custom_session.py", block("class MySession(BaseSession)"))
    toml = re.search(r"```toml\n(# pyproject.toml.*?)```", SEED.read_text(), re.DOTALL)
    assert toml is not None
    text = (seed.root / "pyproject.toml").read_text()
    (seed.root / "pyproject.toml").write_text(text + toml[1])
    sess = Session()
    assert sess.custom_value == 1
    assert isinstance(sess, BaseSession)

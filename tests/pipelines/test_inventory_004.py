"""The cases E1 to E20 of Statisfactory, by name. Its document's own blocks run in `test_seed_examples.py`."""

from __future__ import annotations

import pandas as pd
import pytest

from elliptio.pipelines import Artifact, Craft, Pipeline, Session, UnusedParameterWarning, Volatile
from elliptio.pipelines.io import ArtifactInteractor, Backend
from elliptio.pipelines.session import BaseSession
from tests.pipelines.projects import Project

CATALOG = """
- {name: masterFile, type: csv, extra: {path: masterFile.csv}}
- {name: augmentedFile, type: csv, extra: {path: augmentedFile.csv}}
- {name: DuplicatedMasterFile, type: csv}
- {name: data_matrix, type: csv, extra: {path: "data_!{client_name}.csv"}}
- {name: dataframe, type: csv}
"""

ROWS = pd.DataFrame({"a": range(20)})


PYPROJECT = """
[tool.statisfactory]
project_slug = "exemple"
configuration = "configuration"
catalog = "catalog"
"""

PIPELINES = """
pipelines_definitions = "pipelines/definitions.yml"
parameters = "pipelines/parameters.yaml"
"""


@pytest.fixture
def shop(project: Project) -> Project:
    """The catalog of the document's examples."""
    project.write("pyproject.toml", PYPROJECT)
    project.write("configuration/globals.yml", "{}")
    project.write("catalog/all.yaml", CATALOG)
    ROWS.to_csv(project.root / "masterFile.csv", index=False)
    return project


@Craft()
def add_col(masterFile: Artifact, val=1) -> Artifact("augmentedFile"):
    return masterFile.assign(foo=val)


def test_e1_a_catalog_with_all_kinds_of_text(project: Project) -> None:
    pytest.importorskip("openpyxl")
    project.write("pyproject.toml", PYPROJECT)
    project.write(
        "configuration/globals.yml", "PIPELINE: nobody\nbase_bucket: raw\ndatastore: {database: d, user: u}\n"
    )
    project.write("configuration/locals.yml", "PIPELINE: mine\ndatastore: {password: secret}\n")
    project.write(
        "catalog/all.yaml",
        """
        - name: qaiData
          type: odbc
          extra:
            connection_string: DATABASE={{ datastore.database }};UID={{ DATASTORE.user }};PWD={{ datastore.password }}
            query: SELECT TOP 10 * FROM SYSOBJECTS WHERE xtype != 'U';
        - name: testDataset
          type: csv
          extra: {path: '20_transformed/{{ PIPELINE }}/{{ pipeline }}/testDataset.csv'}
        - name: masterFile
          type: excel
          extra: {path: 's3://{{ base_bucket }}/10_raw/foobar.xlsx'}
        - name: coeffs
          type: pickle
          extra: {path: '30_output/model_!{samples}/coeff.pkl'}
        """,
    )
    catalog = project.session().catalog
    assert list(catalog) == ["coeffs", "masterFile", "qaiData", "testDataset"]
    assert catalog["testDataset"].extra["path"] == "20_transformed/mine/mine/testDataset.csv"
    assert catalog["masterFile"].extra["path"] == "s3://raw/10_raw/foobar.xlsx"
    assert catalog["qaiData"].extra["connection_string"] == "DATABASE=d;UID=u;PWD=secret"
    assert catalog["coeffs"].keys == ("samples",)


def test_e2_a_key_is_a_variant(shop: Project) -> None:
    catalog = shop.session().catalog
    catalog.save("data_matrix", ROWS, client_name="jean-michel-client")
    assert catalog.load("data_matrix", client_name="jean-michel-client").equals(ROWS)
    with pytest.raises(FileNotFoundError):
        catalog.load("data_matrix", client_name="another")
    with pytest.raises(KeyError, match="client_name"):
        catalog.load("data_matrix")


def test_e3_a_craft_loads_and_saves(shop: Project) -> None:
    @Craft()
    def add_cols(data_matrix: Artifact) -> Artifact("dataframe"):
        return data_matrix.assign(col=1)

    with shop.session() as sess:
        sess.catalog.save("data_matrix", ROWS, client_name="x")
        add_cols(client_name="x")
        assert sess.catalog.load("dataframe")["col"].eq(1).all()


def test_e4_plain_parameters_by_place_and_by_name(shop: Project) -> None:
    @Craft()
    def show_top(masterFile: Artifact, top: int = 10):
        return len(masterFile.head(top))

    with shop.session():
        assert (show_top(), show_top(5), show_top(top=5)) == (10, 5, 5)


def test_e5_several_results(shop: Project) -> None:
    @Craft()
    def duplicate(masterFile: Artifact) -> Artifact.of("masterFile", "DuplicatedMasterFile"):
        return masterFile, masterFile

    with shop.session() as sess:
        duplicate()
        assert sess.catalog.load("DuplicatedMasterFile").equals(ROWS)
        (Pipeline() + duplicate)()
        assert sess.catalog.load("masterFile").equals(ROWS)


def test_e6_what_is_needed_comes_first(shop: Project) -> None:
    seen = []

    @Craft(packages="none")
    def show_top(augmentedFile: Artifact):
        seen.append(list(augmentedFile))

    p = show_top + add_col
    assert str(p) == "Pipeline steps :\n\t- add_col\n\t- show_top"
    with shop.session():
        p()
    assert seen == [["a", "foo"]]


def test_e7_parameters_are_shared(shop: Project) -> None:
    @Craft()
    def show_top(top, augmentedFile: Artifact):
        return None

    with shop.session() as sess:
        p = add_col + show_top
        with pytest.raises(TypeError, match="show_top needs a value for 'top'"):
            p(val=2)
        assert sess.catalog.versions("augmentedFile").empty, "nothing ran before that was known"
        p(top=10)
        assert sess.catalog.load("augmentedFile")["foo"].eq(1).all()
        p(top=10, val="boum")
        assert sess.catalog.load("augmentedFile")["foo"].eq("boum").all()


@pytest.mark.parametrize("name", ["add_col", f"{__name__}.add_col"])
def test_e8_parameters_of_one_craft_win(shop: Project, name: str) -> None:
    seen = []

    @Craft()
    def show_top(top, augmentedFile: Artifact):
        seen.append(top)

    with shop.session() as sess, pytest.warns(UnusedParameterWarning, match="shared_params_1") as seen_warnings:
        (add_col + show_top)(**{name: {"val": 3}, "show_top": {"top": 10}, "val": 4, "shared_params_1": 1})
        assert sess.catalog.load("augmentedFile")["foo"].eq(3).all()
    assert seen == [10]
    assert seen_warnings[0].filename == __file__


def test_e9_the_order_is_the_one_given_and_the_same_each_time() -> None:
    def joined(*order: int) -> list[str]:
        crafts = {number: Craft(name=f"craft_{number}")(lambda: None) for number in (1, 2, 3)}
        alone, pair = Pipeline() + crafts[1], crafts[2] + crafts[3]
        p = alone + pair if order[0] == 1 else pair + alone
        return [craft.name for craft in p.crafts]

    for _ in range(5):
        assert joined(1) == ["craft_1", "craft_2", "craft_3"]
        assert joined(2) == ["craft_2", "craft_3", "craft_1"]


def test_e10_values_that_are_passed_on(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    @Craft()
    def create_var() -> Volatile("myValue"):
        return 10

    @Craft()
    def print_var(myValue: Volatile):
        print(myValue)

    with shop.session():
        assert (print_var + create_var)() == {"myValue": 10}
    assert capsys.readouterr().out == "10\n"


STEPS = """
from elliptio.pipelines import Craft, Session, Volatile


@Craft()
def move_then() -> Volatile("moved"):
    return 1


@Craft()
def concat_aspects(moved: Volatile) -> Volatile("matrix"):
    return moved + 1


@Craft()
def predict(matrix: Volatile, MODEL_NAME="none", rate=0) -> Volatile("prediction"):
    return [matrix, MODEL_NAME, rate]


@Craft()
def outer(inner_pipeline_name="fetch") -> Volatile("inner"):
    return Session.get_session().pipelines_definitions[inner_pipeline_name]()
"""

DEFINITIONS = """
fetch: {operators: [steps.concat_aspects, steps.move_then]}
modelling: {operators: [steps.predict]}
full_experience: {operators: [modelling, fetch]}
nested: {operators: [steps.outer]}
"""

PARAMETERS = """
base_predict:
  MODEL_NAME: base
  steps.predict: {rate: 1}
foobar:
  MODEL_NAME: foo
custom_predict:
  _from: [base_predict, foobar]
  steps.predict: {rate: 2}
{% for css, targets in generation.css.items() %}{% for target in targets %}
predict_{{ css }}_{{ target }}:
  _from: [base_predict]
  MODEL_NAME: {{ target }}
{% endfor %}{% endfor %}
"""


@pytest.fixture
def defined(shop: Project) -> Project:
    shop.write("pyproject.toml", PYPROJECT + PIPELINES)
    shop.write("configuration/globals.yml", "generation: {css: {a: [x, y], b: [z]}}\nparameter_defined_in_global: 3\n")
    shop.write("lib/steps.py", STEPS)
    shop.write("pipelines/definitions.yml", DEFINITIONS)
    shop.write("pipelines/parameters.yaml", PARAMETERS)
    return shop


def test_e11_a_pipeline_of_pipelines(defined: Project) -> None:
    p = defined.session().pipelines_definitions["full_experience"]
    assert [craft.name for craft in p.crafts] == ["move_then", "concat_aspects", "predict"]


def test_e12_configurations_inherit(defined: Project) -> None:
    session = defined.session()
    assert session.parameters["custom_predict"] == {"MODEL_NAME": "foo", "steps.predict": {"rate": 2}}
    assert sorted(session.parameters) == [
        "base_predict", "custom_predict", "foobar", "predict_a_x", "predict_a_y", "predict_b_z",
    ]  # fmt: skip
    with session:
        p = session.pipelines_definitions["full_experience"]
        assert p.run(configuration="custom_predict").volatiles["prediction"] == [2, "foo", 2]
        assert p.run(configuration="predict_b_z").volatiles["prediction"] == [2, "z", 1]
        # On one level what is given wins.
        assert p.run({"MODEL_NAME": "given"}, configuration="base_predict").volatiles["prediction"] == [2, "given", 1]


def test_e13_a_pipeline_inside_a_craft(defined: Project) -> None:
    with defined.session() as sess:
        assert sess.pipelines_definitions["nested"]() == {"inner": {"moved": 1, "matrix": 2}}


def test_e14_settings(defined: Project) -> None:
    assert defined.session().settings["parameter_defined_in_global"] == 3


@pytest.mark.slow
def test_e15_the_long_example(shop: Project) -> None:
    pytest.importorskip("openpyxl")
    linear_model = pytest.importorskip("sklearn.linear_model")
    from sklearn import datasets

    shop.write(
        "catalog/all.yaml",
        """
        - {name: masterFile, type: xslx, extra: {path: "raw/!{samples}_masterfile.xlsx"}}
        - {name: coeffs, type: pickle, extra: {path: "out/coeff_!{samples}.pkl"}}
        """,
    )

    @Craft()
    def build_dataframe(samples: int = 500) -> Artifact("masterFile"):
        x, y = datasets.make_regression(n_samples=samples, n_features=5, n_informative=3, random_state=samples)
        return pd.DataFrame(x, columns=list("01234")).assign(y=y)

    @Craft()
    def train_regression(masterFile: Artifact, fit_intercept=True) -> Volatile("reg"):
        x = masterFile[masterFile.columns.difference(["y"])]
        return linear_model.LinearRegression(fit_intercept=fit_intercept).fit(x, masterFile.y)

    @Craft()
    def save_coeff(reg: Volatile) -> Artifact("coeffs"):
        return reg.coef_

    p = save_coeff + build_dataframe + train_regression
    assert str(p) == "Pipeline steps :\n\t- build_dataframe\n\t- train_regression\n\t- save_coeff"
    with shop.session() as sess:
        p(samples=500)
        p(samples=100, fit_intercept=False)
        few, many = (sess.catalog.load("coeffs", samples=samples) for samples in (100, 500))
    assert few.shape == many.shape == (5,)
    assert (few != many).any()
    assert (shop.root / "raw/500_masterfile.xlsx").exists()
    assert len(shop.handler.find({"entry.name": "coeffs", "entry.keys.samples": 100})) == 1


def test_e16_types_and_places_of_ones_own(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import dataclass

    kept: dict[str, bytes] = {}

    class Foobarer(ArtifactInteractor, interactor_name="foobarer_004"):
        @dataclass
        class Extra:
            egg: int
            ham: int = 0

        def __init__(self, artifact, *args, session, **kwargs):
            self.egg = artifact.extra.egg

        def load(self, **kwargs):
            return self.egg

        def save(self, asset, **kwargs):
            return b"egg"

    class Shelf(Backend, prefix="shelf004"):
        def __init__(self, session):
            pass

        def put(self, *, payload, fragment, **kwargs):
            kept[fragment.path] = payload

        def get(self, *, fragment, **kwargs):
            return kept[fragment.path]

    assert "foobarer_004" in ArtifactInteractor.interactors()
    shop.write(
        "catalog/all.yaml",
        """
        - {name: eggs, type: foobarer_004, extra: {egg: 3}}
        - {name: note, type: text, extra: {path: "shelf004://here/note.txt"}}
        """,
    )
    catalog = shop.session().catalog
    assert catalog.load("eggs") == 3
    catalog.save("note", "hello")
    assert list(kept.values()) == [b"hello"]
    assert catalog.load("note") == "hello"
    shop.write("catalog/all.yaml", "- {name: eggs, type: foobarer_004, extra: {ham: 1}}")
    with pytest.raises(ValueError, match=r"eggs.*egg"):
        _ = shop.session().catalog


def test_e17_a_hook_after_a_session_is_made(defined: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseSession, "_hooks", {})

    @BaseSession.hook_post_init()
    def keep(sess: BaseSession) -> BaseSession:
        sess._["value"] = sess.settings["parameter_defined_in_global"]
        return sess

    sess = defined.session()
    assert (sess._["value"], sess._.value) == (3, 3)


def test_e18_a_session_of_the_projects_own(shop: Project) -> None:
    shop.write("folder_004/__init__.py", "")
    shop.write(
        "folder_004/custom_session.py",
        "from elliptio.pipelines.session import BaseSession\n\n\nclass MySession(BaseSession):\n    custom_value = 1\n",
    )
    shop.write(
        "pyproject.toml",
        PYPROJECT
        + "\n[tool.statisfactory.entrypoints]\nmodule = 'folder_004.custom_session'\nsession_factory = 'MySession'\n",
    )
    assert Session(shop.root, handler=shop.handler).custom_value == 1


def test_e20_three_steps_and_their_parameters(shop: Project) -> None:
    def step(number: int) -> Craft:
        def function(VALUE, VALUE_2=0):
            return VALUE + VALUE_2

        function.__annotations__["return"] = Volatile(f"out_{number}")
        return Craft(name=f"step_{number}")(function)

    p = step(1) + step(2) + step(3)
    with shop.session():
        assert p(VALUE=3) == {"out_1": 3, "out_2": 3, "out_3": 3}
        own = {f"step_{number}": {"VALUE": number + 3} for number in (1, 2, 3)}
        assert p(**own, VALUE_2=1) == {"out_1": 5, "out_2": 6, "out_3": 7}


def test_e20_a_default_where_nobody_passes_a_value_on(shop: Project) -> None:
    @Craft()
    def use(passed: Volatile = 1) -> Volatile("used"):
        return passed

    with shop.session():
        assert (Pipeline() + use)()["used"] == 1

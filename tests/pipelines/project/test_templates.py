"""Templates: names in any case, errors with file and line, nothing dangerous."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import Any

import pytest

from elliptio.errors import ConfigError
from elliptio.pipelines.errors import TemplateError
from elliptio.pipelines.project import yaml_text
from elliptio.pipelines.project.settings import Settings
from elliptio.pipelines.project.templates import is_template, lines_in_template, render

SETTINGS: dict[str, Any] = {
    "PIPELINE": "p1",
    "base_bucket": "bucket",
    "datastore": {"database": "sales", "Password": "hunter22", "tables": [{"Name": "t1"}]},
    "nothing": None,
    "numbers": [1e-05, 1.5, 3, True],
    "items": {"keys": 1},
    "odd": [
        "\u2028\x85 \U0001f600 <&'\"\\ \n",
        dt.date(2024, 1, 1),
        dt.datetime(2024, 1, 1, 10),
        "2024-01-01",
        {"007": "007"},
    ],
    "Code": 1,
    "code": 2,
}


def parse(text: str) -> Any:
    return yaml_text.parse(text)[0]


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{ PIPELINE }}/{{ pipeline }}/{{ Pipeline }}", "p1/p1/p1"),
        ("s3://{{ BASE_BUCKET }}/x", "s3://bucket/x"),
        ("{{ datastore.Database }} {{ DATASTORE['DATABASE'] }}", "sales sales"),
        ("{{ datastore.tables[0].name }}", "t1"),
        ("{% for t in DataStore.TABLES %}{{ t.NAME }}{% endfor %}", "t1"),
        ("{% for k, v in datastore.items() %}{{ k }},{% endfor %}", "database,Password,tables,"),
        ("{% for k in datastore %}{{ k }},{% endfor %}", "database,Password,tables,"),
        ("{{ 'DATABASE' in datastore }} {{ 'x' in datastore }}", "True False"),
        ("{{ datastore.get('DATABASE') }} {{ datastore.get('x', 'd') }}", "sales d"),
        ("{{ ITEMS.KEYS }}", "1"),
        ("{{ Code }}{{ code }}", "12"),
        ("{% if pipeline == 'p1' %}a{% else %}b{% endif %}", "a"),
        ("{{ undefined_name | default('d') }} {{ undefined_name is defined }}", "d False"),
        ("{% set Pipeline = 'own' %}{{ Pipeline }}", "own"),
        ("{{ nothing }}", "null"),
        ("!{x}/!!{y}/!{Z}", "!{x}/!!{y}/!{Z}"),
        ("!{x}{# comment #}/{{ pipeline }}", "!{x}/p1"),
        ("a\n{{ pipeline }}\n", "a\np1\n"),
        ("{% set l = [] %}{{- l.append(1) or '' -}}{{ l }}", "[1]"),
        ("DRIVER={ODBC Driver 17};DB={{ datastore.database }}", "DRIVER={ODBC Driver 17};DB=sales"),
    ],
)
def test_what_is_filled_in(text: str, filled: str) -> None:
    assert render(text, SETTINGS, "a.yml") == filled
    assert render(text, Settings(SETTINGS), "a.yml") == filled


@pytest.mark.parametrize("name", ["nothing", "numbers", "datastore", "items", "odd"])
def test_a_whole_value_is_the_same_in_yaml(name: str) -> None:
    assert parse(render(f"a: {{{{ {name} }}}}", SETTINGS, "a.yml")) == {"a": SETTINGS[name]}
    assert parse(render(f"a: {{{{ {name} | tojson }}}}", SETTINGS, "a.yml")) == {"a": SETTINGS[name]}


@pytest.mark.parametrize("number", [1e-05, 1e22, -1.5e-300, float("inf"), float("-inf"), 0.1, 3.0])
def test_numbers_stay_numbers(number: float) -> None:
    assert parse(render("a: {{ x }}", {"x": number}, "a.yml")) == {"a": number}


def test_a_text_that_looks_like_a_number_needs_quotes() -> None:
    assert parse(render("a: {{ x }}\nb: '{{ x }}'", {"x": "012"}, "a.yml")) == {"a": 10, "b": "012"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: {{ pipelin }}", r"^conf/a\.yml:2: nothing defines 'pipelin'.*did you mean 'PIPELINE'"),
        ("\n\n{{ datastore.databas }}", r"^conf/a\.yml:3: .*'databas' in 'datastore' of .*did you mean 'database'"),
        ("{{ datastore['databas'] }}", "did you mean 'database'"),
        ("{{ datastore.database.nope }}", r"^conf/a\.yml:1: a value of type str has no 'nope'"),
        ("{{ nope.x.y }}", "nothing defines 'nope'"),
        ("{% if nope %}x{% endif %}", "nothing defines 'nope'"),
        ("\n{% for a in nope %}x{% endfor %}", r"^conf/a\.yml:2: nothing defines 'nope'"),
        ("x\n# {{ nope }}", r"^conf/a\.yml:2: .*comments of YAML are rendered, too"),
        ("x\n{% for %}", r"^conf/a\.yml:2: "),
        ("x\n\n{% if a %}", r"^conf/a\.yml:3: .*endif"),
        ("{{ a", r"^conf/a\.yml:1: "),
        ("\n{{ x | nofilter }}", r"^conf/a\.yml:2: .*nofilter"),
        ("\n{% include '/etc/passwd' %}", r"^conf/a\.yml:2: .*cannot include"),
        ("{% import 'x' as y %}", "cannot include, import or extend"),
        ("{% extends 'x' %}", "cannot include, import or extend"),
        ("{{ ''.__class__.__mro__ }}", "not allowed"),
        ("{{ datastore._values }}", "_values"),
        ("{{ datastore.to_dict() }}", "to_dict"),
        ("{{ datastore.get.__globals__ }}", "not allowed"),
        ("{{ cycler.__init__.__globals__.os.system('true') }}", "not allowed"),
        ("{{ range(10 ** 9) }}", "too big"),
        ("{{ 1 / 0 }}", r"^conf/a\.yml:1: .*ZeroDivisionError"),
        ("{{ lipsum() }}", "nothing defines 'lipsum'"),
        ("{{ [1, 2] | random }}", "random"),
        ("{{ datastore.password + 1 }}", "TypeError"),
        ("{{ CODE }}", r"'CODE' may be 'Code' or 'code'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(TemplateError, match=said) as found:
        render(text, SETTINGS, "conf/a.yml")
    assert isinstance(found.value, ConfigError)
    assert "hunter22" not in str(found.value)


def test_no_message_shows_a_credential() -> None:
    for text in (
        "{{ {}[datastore.password] }}",
        "{{ datastore.password.x }}",
        "{{ nope[datastore.password] }}",
        "{{ datastore[datastore.password] }}",
    ):
        with pytest.raises(TemplateError) as found:
            render(text, SETTINGS, "a.yml")
        assert "hunter22" not in str(found.value)
        assert found.value.__cause__ is None
        assert found.value.__context__ is None


def test_templates_cannot_change_settings() -> None:
    settings = Settings({"names": ["a"], "deep": {"names": ["b"]}})
    assert render("{{ names.append(1) or deep.names.append(2) or '' }}{{ NAMES }}", settings, "a") == '["a"]'
    assert settings == {"names": ["a"], "deep": {"names": ["b"]}}


def test_a_text_without_braces_needs_no_jinja() -> None:
    script = (
        "import sys\nfrom elliptio.pipelines.project.templates import render\n"
        "assert render('a: !{x} {b}', {}, '') == 'a: !{x} {b}'\n"
        "assert not {'jinja2', 'yaml'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    assert not is_template("a: !{x} % } #")
    assert is_template("{# #}")


def test_lines_of_a_template() -> None:
    text = "{% for i in range(2) -%}\n\n a{{ i }}\n{% endfor %}\nb\n{% macro m() %}\nc\n{% endmacro %}\n{{ m() }}\nd\n"
    rendered = render(text, {}, "a")
    rows = rendered.split("\n")
    for name, line in (("a0", 3), ("a1", 3), ("b", 5), ("c", 7), ("d", 10)):
        at = next(i for i, row in enumerate(rows, 1) if name in row)
        assert lines_in_template(text, {}, rendered, [at]) == [line], name
    trimmed = "{% set x %}\n a\n{% endset %}\n{{ x | trim | length }}\nb"
    assert render(trimmed, {}, "a").strip().split() == ["1", "b"]
    assert lines_in_template(trimmed, {}, render(trimmed, {}, "a"), [3]) == [3], (
        "nobody knows, so it is that line itself"
    )


THE_SEEDS = """# prediction specific configuration
{% set to_render = [] %}
{% for css, models in generation.css.items() %} # generation.css is a dictonary defined in globals.yaml
  {% for model_name, targets in models.items() %}
    {% for target in targets %}
      {% set fqn = css + '_' + model_name + '_' + target %}
      {% if fqn not in generation.exclusions.predict_models %}  # exlusion are defined in globals.yaml
      {{- to_render.append([css, model_name, target, fqn]) or '' -}}
      {% endif %}
    {% endfor %}
  {% endfor %}
{% endfor %}
base_predict:
  jupyter.modelisation.prediction.step_predict: # The configuration to be used for the step_predict's craft
    prediction_pipeline_name: default_prediction_pipline
{% for css, model_name, target, fqn in to_render %}
predict_{{ fqn }}:
  _from:
    - base_predict  # inherit from the base configuration
  CSS: {{ css }}
  MODEL_NAME: {{ model_name }}
  MODEL_TARGET: {{ target }}
{% endfor %}
"""


def test_the_loops_of_the_seed() -> None:
    generation = {
        "css": {"a": {"xgb": ["t1", "t2"]}, "b": {"lin": ["t1"]}},
        "exclusions": {"predict_models": ["a_xgb_t2"]},
    }
    made = parse(render(THE_SEEDS, {"generation": generation}, "parameters.yaml"))
    assert list(made) == ["base_predict", "predict_a_xgb_t1", "predict_b_lin_t1"]
    assert made["predict_b_lin_t1"] == {
        "_from": ["base_predict"],
        "CSS": "b",
        "MODEL_NAME": "lin",
        "MODEL_TARGET": "t1",
    }

"""Specs: what a TOML file may say, and what is said of one that is off."""

import textwrap
from pathlib import Path

import pytest

from fecbench.bench import matrix
from fecbench.bench.spec import SpecRow, read_spec
from fecbench.core.errors import UsageError
from tests.support import ROOT

PLAIN = """
    title = "t"
    objectives = ["ce", "aml"]
    datasets = ["demo"]
    seeds = [0, 1]
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "spec.toml"
        path.write_text(textwrap.dedent(text))
        return path

    return write


def test_what_is_said_of_fewer_runs_wins(write):
    spec = read_spec(
        write(
            """
            title = "t"
            objectives = ["aml"]
            datasets = ["demo", "ge-prepared"]
            seeds = [3]
            settings = { epochs = 1, lr = 0.1, batch_size = 1, k_pos = 1 }
            dataset.demo = { lr = 0.2, batch_size = 2, k_pos = 2 }
            objective.aml = { batch_size = 3, k_pos = 3 }
            pair.aml.demo = { k_pos = 4 }
            """
        )
    )
    row = SpecRow(name="aml", objective="aml")
    assert spec.of(row, "demo") == {"epochs": 1, "lr": 0.2, "batch_size": 3, "k_pos": 4}
    assert spec.of(row, "ge-prepared") == {"epochs": 1, "lr": 0.1, "batch_size": 3, "k_pos": 3}
    demo, ge = matrix.expand(spec).entries
    assert (demo.runs[0][0].plan.settings.lr, demo.runs[0][0].plan.options.k_pos) == (0.2, 4)
    assert demo.runs[0][0].plan.origins["lr"].origin == "spec"
    assert (ge.dataset, ge.runs[0][0].plan.settings.seed, ge.runs[0][0].plan.options.k_neg) == (
        "ge-prepared",
        3,
        20,
    )  # a preset


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'title = "t"\nobjectives = "*"\ndatasets = ["demo"]\nseed = [0]',
            "no key of a spec is called 'seed'; did you mean 'seeds'?",
        ),
        (PLAIN + '[grid]\nselekt = "validation"', "no key of grid is called 'selekt'; did you mean 'select'?"),
        ('title = "t"\nobjectives = ["ce"]\ndatasets = ["demo"]', "seeds is required"),
        (PLAIN + '[[row]]\nname = "a"\nobjective = "ce"', "not both"),
        ('title = "t"\ndatasets = ["demo"]\nseeds = [0]', "objectives (names"),
        (PLAIN.replace("[0, 1]", "[0, 0]"), "seeds must list each value once, but 0 is repeated"),
        (PLAIN.replace("[0, 1]", '["0"]'), "seeds.0: it must be a whole number"),
        (PLAIN + "[dataset.dmeo]\nlr = 1e-3", "did you mean 'demo'?"),
        (PLAIN + "[settings]\nseed = 3", "seed can't be settings of a spec"),
        (PLAIN + '[grid]\nselect = "test"\nsettings = { lr = [1.0] }', "grid.select: it must be 'validation'"),
        (PLAIN.replace('"aml"', '""'), "objectives.1: it must have at least 1 character"),
        ("title = ", "must be a readable TOML file"),
    ],
)
def test_a_file_that_is_off_is_refused(write, text, said):
    with pytest.raises(UsageError) as error:
        read_spec(write(text))
    assert "spec.toml" in str(error.value)
    assert said.lower() in str(error.value).lower()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            PLAIN + "[settings]\nepocs = 3",
            "row ce on demo: no setting (spec) is called 'epocs'; did you mean 'epochs'?",
        ),
        (PLAIN + "[settings]\nepochs = 0", "row ce on demo: run settings: --epochs 0"),
        (PLAIN + "[settings]\nk_pos = 3", "row ce on demo: no setting (spec) is called 'k_pos'"),
        (
            PLAIN + "[objective.alm]\nweight = 1.0",
            "[objective.alm]: no method or row of the spec is called 'alm'; did you mean 'aml'?",
        ),
        (
            PLAIN + '[grid]\nselect = "validation"\nsettings = { lr = [1.0, 2.0] }\nobjective.aml = { weight = [1.0] }',
            "ce has 2, aml has 1",
        ),
        (PLAIN + '[grid]\nselect = "validation"\nsettings = { lr = [] }', "one at least, but ce has 0"),
        (PLAIN.replace('"aml"', '"alm"'), "no objective is called 'alm'; did you mean 'aml'?"),
    ],
)
def test_settings_that_are_off_are_refused_before_anything_starts(write, text, said):
    with pytest.raises(UsageError) as error:
        matrix.expand(read_spec(write(text)))
    assert said in str(error.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(UsageError, match="must be a readable TOML file"):
        read_spec(tmp_path / "none.toml")


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_spec_is_right(path):
    assert matrix.expand(read_spec(path)).entries

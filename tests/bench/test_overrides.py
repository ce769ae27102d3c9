"""Data sets, seeds and the limit of a spec are overridden for one bench."""

import textwrap

import pytest

from fecbench.bench import matrix
from fecbench.bench.overrides import override
from fecbench.bench.spec import Spec, read_spec
from fecbench.core.errors import UsageError
from tests.support import ROOT
from tests.support.benches import write

PLAIN = """
    title = "t"
    objectives = ["ce", "aml"]
    datasets = ["demo", "ge-prepared"]
    seeds = [0, 1]
    settings = { epochs = 2, limit = 50 }
    dataset.demo = { lr = 0.1, limit = 40 }
    dataset.ge-prepared = { lr = 0.2 }
    objective.aml = { limit = 30 }
    pair.aml.demo = { k_pos = 3, limit = 20 }
    pair.aml.ge-prepared = { k_pos = 4 }
"""
ROWS = """
    title = "t"
    datasets = ["demo", "ge-prepared"]
    seeds = [0, 1]
    objective.second = { lr = 0.1 }
    [[row]]
    name = "first"
    objective = "ce"
    [[row]]
    name = "second"
    objective = "aml"
    datasets = ["ge-prepared"]
    seeds = [1]
    settings = { limit = 10 }
    [grid]
    select = "validation"
    objective.first = { epochs = [1, 2] }
    objective.second = { epochs = [3, 4] }
"""


@pytest.fixture
def spec(tmp_path):
    def read(text: str) -> Spec:
        return read_spec(write(tmp_path, textwrap.dedent(text)))

    return read


def planned(spec: Spec) -> list[tuple[str, str, int, int | None]]:
    return [
        (run.row, run.plan.settings.dataset, run.plan.settings.seed, run.plan.settings.limit)
        for entry in matrix.expand(spec).entries
        for runs in entry.runs
        for run in runs
    ]


def test_nothing_given_changes_nothing(spec):
    assert override(spec(PLAIN)) == spec(PLAIN)


def test_a_data_set_is_chosen_with_its_sections(spec):
    chosen = override(spec(PLAIN), datasets=["demo"])
    assert {(row, dataset) for row, dataset, _, _ in planned(chosen)} == {("ce", "demo"), ("aml", "demo")}
    assert chosen.dataset == {"demo": {"lr": 0.1, "limit": 40}}
    assert chosen.pair == {"aml": {"demo": {"k_pos": 3, "limit": 20}}}


def test_a_data_set_that_the_spec_lacks_can_be_given(spec):
    chosen = override(spec(PLAIN), datasets=["demo-multi", "demo-multi"])
    assert {dataset for _, dataset, _, _ in planned(chosen)} == {"demo-multi"}


def test_seeds_are_replaced(spec):
    assert {seed for _, _, seed, _ in planned(override(spec(PLAIN), seeds=[5, 6]))} == {5, 6}


def test_the_limit_wins_over_every_section(spec):
    assert {limit for *_, limit in planned(override(spec(PLAIN), limit=8))} == {8}
    assert {limit for *_, limit in planned(override(spec(ROWS), limit=8))} == {8}


def test_rows_of_other_data_sets_and_seeds_are_left_out(spec):
    for given in ({"datasets": ["demo"]}, {"seeds": [0]}):
        chosen = override(spec(ROWS), **given)
        assert {row for row, *_ in planned(chosen)} == {"first"}
    both = planned(override(spec(ROWS), datasets=["ge-prepared"], seeds=[1, 2]))
    assert {(row, seed) for row, _, seed, _ in both} == {("first", 1), ("first", 2), ("second", 1)}


def test_a_spec_without_a_row_left_is_refused(spec):
    only = ROWS.replace('objective = "ce"', 'objective = "ce"\n    seeds = [0]')
    with pytest.raises(UsageError, match="restricts all rows to others"):
        override(spec(only), seeds=[7])


def test_an_empty_name_is_refused(spec):
    with pytest.raises(UsageError, match="but is empty"):
        override(spec(PLAIN), datasets=[""])


def test_limits_of_a_grid_are_not_overridden(spec):
    tried = ROWS.replace("epochs = [1, 2]", "limit = [1, 2]").replace("epochs = [3, 4]", "limit = [3, 4]")
    with pytest.raises(UsageError, match="--limit sets one limit"):
        override(spec(tried), limit=8)


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_spec_can_be_tried_on_the_demo_data(path):
    spec = read_spec(path)
    data = "demo-multi" if "multi" in path.stem else "demo"
    rows = planned(override(spec, datasets=[data], seeds=spec.seeds[:1], limit=40))
    assert rows
    assert {(dataset, limit) for _, dataset, _, limit in rows} == {(data, 40)}

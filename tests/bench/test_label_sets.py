"""Specs on data sets whose texts have several labels: what ``"*"`` leaves out, what chooses, and smoke tests."""

from types import SimpleNamespace

import pytest

from fecbench import Objective, Update
from fecbench.bench.benchmark import Benchmark
from fecbench.bench.matrix import expand
from fecbench.bench.smoke import smoke
from fecbench.bench.spec import Spec
from fecbench.bench.validation_score import validation_score
from fecbench.core import registry
from fecbench.core.errors import LabellingError, UsageError
from fecbench.data.datasets.locations import DataLocations
from fecbench.objective.check import get_objective

BOTH = {"title": "t", "datasets": ["demo", "demo-multi"], "seeds": [0]}


def spec(**given) -> Spec:
    return Spec.model_validate({**BOTH, **given})


class Several(Objective):
    """An objective for several labels a text alone."""

    labellings = ("multi",)

    def updates(self, batch, model):
        yield Update(self.task.nll(model.classify(model.project(model.encode(batch))), batch))


def test_star_leaves_methods_out_where_they_do_not_take_the_labels(registered):
    registered("several", Several)
    found = expand(spec(objectives="*"))
    places = {(entry.row, entry.dataset) for entry in found.entries}
    assert {("ce", "demo"), ("ce", "demo-multi"), ("hypemo", "demo"), ("several", "demo-multi")} <= places
    assert not places & {("hypemo", "demo-multi"), ("several", "demo")}
    assert found.left_out["several on demo"] == "it is for data with several labels a text, and demo gives one"
    notes = found.select(lambda planned: None).notes
    assert (
        "left out: hypemo on demo-multi (it is for data with one label a text, and demo-multi gives several: it weighs "
        "a text by the distance to its one label)" in notes
    )


def test_star_leaves_out_no_method_that_takes_the_labels():
    found = expand(spec(objectives="*", datasets=["demo-multi"]))
    methods = [name for name in registry.objectives if name not in found.left_out]  # without variants
    takes = {name for name in methods if "multi" in get_objective(name).labellings}
    assert {entry.row for entry in found.entries} == takes
    assert {place.removesuffix(" on demo-multi") for place in found.left_out if " on " in place} == {*methods} - takes


def test_a_method_that_a_spec_names_is_refused():
    for asked in ({"objectives": ["ce", "hypemo"]}, {"row": [{"name": "hypemo", "objective": "hypemo"}]}):
        with pytest.raises(UsageError, match=r"row hypemo on demo-multi: objective hypemo .* for data with one label"):
            expand(spec(**asked))
    some = [{"name": "hypemo", "objective": "hypemo", "datasets": ["demo"]}]
    assert [entry.dataset for entry in expand(spec(row=some)).entries] == ["demo"]


@pytest.fixture
def own(monkeypatch):
    """Nothing is known of data sets before they are loaded, as of one's own."""
    for module in ("runs.defaults", "bench.spec_rows", "bench.smoke"):
        monkeypatch.setattr(f"fecbench.{module}.dataset_info", lambda name: None)


def test_own_data_leave_methods_out_once_they_are_loaded(own, tmp_path):
    found = expand(spec(objectives="*", datasets=["demo-multi"], settings={"encoder": "scratch"}))
    assert "hypemo" in {entry.row for entry in found.entries}
    ready = Benchmark.prepare(found, tmp_path / "root", DataLocations())
    rows = {entry.row for entry in ready.matrix.entries}
    assert "ce" in rows
    assert "hypemo" not in rows
    assert (
        "is for data with one label a text, and demo-multi gives several"
        in ready.matrix.left_out["hypemo on demo-multi"]
    )
    assert not (tmp_path / "root").exists()


def test_own_data_refuse_a_method_that_a_spec_names(own, tmp_path):
    found = expand(spec(objectives=["hypemo"], datasets=["demo-multi"], settings={"encoder": "scratch"}))
    with pytest.raises(LabellingError, match=r"objective hypemo .* and demo-multi gives several"):
        Benchmark.prepare(found, tmp_path / "root", DataLocations())


@pytest.mark.parametrize(("recorded", "expected"), [(None, 1.25), (0.5, 0.5)])
def test_a_grid_chooses_by_rankings_where_texts_have_several_labels(recorded, expected):
    scores = {"macro_f1": 0.1, "mean_average_precision": 0.5, "lrap": 0.75, "weighted_f1": 0.2}
    result = SimpleNamespace(validation_score=recorded, metrics=SimpleNamespace(of=lambda split: scores))
    about = SimpleNamespace(dataset=SimpleNamespace(labelling="multi"))
    record = SimpleNamespace(status="complete", result_file=result, run_file=about)
    assert validation_score(record) == expected


def test_a_smoke_test_has_demo_data_of_the_same_labelling(registered):
    registered("several", Several)
    rows = [
        {"name": "one", "objective": "ce", "datasets": ["demo"]},
        {"name": "sets", "objective": "ce", "datasets": ["demo-multi"]},
        {"name": "asked", "objective": "llm-prompt", "datasets": ["demo-multi"]},
    ]
    planned = {entry.row: entry.runs[0][0].plan for entry in smoke(expand(spec(row=rows))).entries}
    assert {row: plan.settings.dataset for row, plan in planned.items()} == {
        "one": "demo",
        "sets": "demo-multi",
        "asked": "demo-multi",
    }
    assert planned["asked"].options.multi == "all"


def test_a_smoke_test_of_own_data_has_what_the_method_takes(own, registered):
    registered("several", Several)
    rows = [{"name": name, "objective": name} for name in ("several", "ce")]
    found = smoke(expand(spec(row=rows, datasets=["demo-multi"], settings={"encoder": "scratch"})))
    assert [entry.runs[0][0].plan.settings.dataset for entry in found.entries] == ["demo-multi", "demo"]

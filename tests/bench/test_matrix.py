"""From a spec to planned runs: which methods run, what a grid chooses, which runs are the same."""

from types import SimpleNamespace

import pytest

from fecbench import Objective, Update
from fecbench.bench.matrix import expand
from fecbench.bench.planned_run import PlannedRun
from fecbench.bench.spec import Spec, read_spec
from fecbench.core import registry
from tests.support import ROOT

BENCHMARKS = ROOT / "benchmarks"
COMMON = {"title": "t", "datasets": ["demo"], "seeds": [0, 1, 2]}


def spec(**given) -> Spec:
    return Spec.model_validate({**COMMON, **given})


@pytest.fixture
def registered(monkeypatch):
    """Registers objectives for one test."""
    names = []

    def register(name, kind):
        registry.objectives.register(name, kind)
        names.append(name)

    yield register
    for name in names:
        registry.objectives._here.pop(name)
        import catalogue

        catalogue._remove(("fecbench", "objectives", name))


class Other(Objective):
    """An objective of a stranger."""

    def updates(self, batch, model):
        yield Update(model.classify(model.project(model.encode(batch))).logsumexp(1).mean())


class OfOther(Other):
    """A variant of it."""

    variant_of = "other"


class Needy(Other):
    """Needs what isn't here."""

    @classmethod
    def unmet(cls):
        return "needs a server at localhost:1; start it"


def test_star_is_every_method_that_can_run_and_the_rest_has_a_reason(registered):
    registered("other", Other)
    registered("of-other", OfOther)
    registered("needy", Needy)
    registered("broken", SimpleNamespace())
    found = expand(spec(objectives="*"))
    rows = {entry.row for entry in found.entries}
    assert rows >= {"aml", "ce", "lcl", "sacl", "supcon", "tfd", "other"}
    assert not rows & found.left_out.keys()
    assert found.left_out["of-other"] == "a variant of other"
    assert found.left_out["aml-uniform"] == "a variant of aml"
    assert found.left_out["needy"] == "needs a server at localhost:1; start it"
    assert "must be a subclass" in found.left_out["broken"]
    notes = found.select(lambda planned: None).notes
    assert any("left out: needy (needs a server" in note for note in notes)


def test_without_a_grid_all_seeds_run_at_once():
    (entry,) = expand(spec(objectives=["ce"])).entries
    assert [planned.plan.settings.seed for planned in entry.first()] == [0, 1, 2]
    assert entry.final(lambda planned: None) == entry.first()


def test_a_grid_is_tried_on_the_first_seed_and_validation_chooses():
    found = expand(spec(objectives=["ce", "aml"], grid={"select": "validation", "settings": {"lr": [0.1, 0.2, 0.3]}}))
    for entry in found.entries:
        assert [(planned.plan.settings.seed, planned.plan.settings.lr) for planned in entry.first()] == [
            (0, 0.1),
            (0, 0.2),
            (0, 0.3),
        ]
        assert entry.final(lambda planned: None) == ()
    scores = {0.1: 0.5, 0.2: 0.7, 0.3: 0.7}
    chosen = found.select(lambda planned: scores[planned.plan.settings.lr])
    assert [(planned.row, planned.plan.settings.seed, planned.plan.settings.lr) for planned in chosen.runs] == [
        (row, seed, 0.2)
        for row in ("ce", "aml")
        for seed in (0, 1, 2)  # of equals the first
    ]
    assert (
        "ce on demo: validation chose lr 0.2 among lr 0.1 | lr 0.2 | lr 0.3 (first seed; 3 of 3 trials complete)"
        in chosen.notes
    )
    some = found.select(lambda planned: {0.3: 0.1}.get(planned.plan.settings.lr))
    assert {planned.plan.settings.lr for planned in some.runs} == {0.3}
    assert "1 of 3 trials complete" in some.notes[0]


def test_a_grid_of_one_method_replaces_the_common_one():
    grid = {"select": "validation", "settings": {"lr": [0.1, 0.2]}, "objective": {"aml": {"weight": [1.0, 2.0]}}}
    ce, aml = expand(spec(objectives=["ce", "aml"], grid=grid)).entries
    assert ce.candidates == ({"lr": 0.1}, {"lr": 0.2})
    assert aml.candidates == ({"weight": 1.0}, {"weight": 2.0})


def test_declared_rows():
    rows = [
        {"name": "K = 5", "objective": "aml", "settings": {"k_pos": 5}},
        {"name": "small", "objective": "ce", "encoder": "tiny-bert", "settings": {}},
    ]
    found = expand(spec(row=rows, settings={"encoder": "scratch"}))
    assert [(e.row, e.runs[0][0].plan.name, e.runs[0][0].plan.settings.encoder) for e in found.entries] == [
        ("K = 5", "aml", "scratch"),
        ("small", "ce", "tiny-bert"),
    ]
    assert found.select(lambda planned: None).declared


def test_rows_may_run_on_some_data_sets_and_with_some_seeds():
    rows = [{"name": "all", "objective": "ce"}, {"name": "some", "objective": "ce", "datasets": ["demo"], "seeds": [2]}]
    found = expand(spec(row=rows, datasets=["ge", "demo"]))
    planned = [(e.row, e.dataset, [planned.plan.settings.seed for planned in e.runs[0]]) for e in found.entries]
    assert planned == [("all", "ge", [0, 1, 2]), ("all", "demo", [0, 1, 2]), ("some", "demo", [2])]


@pytest.mark.parametrize(
    ("own", "said"),
    [({"seeds": [7]}, "row some: seeds must be .* but 7 isn't"), ({"datasets": ["ed"]}, "but ed isn't")],
)
def test_a_row_stays_within_the_specs_data_sets_and_seeds(own, said):
    with pytest.raises(ValueError, match=said):
        spec(row=[{"name": "some", "objective": "ce", **own}])


def test_runs_are_the_same_exactly_for_equal_settings_rows_and_code():
    ce = expand(spec(objectives=["ce"])).entries[0].runs[0]
    slow = expand(spec(objectives=["ce"], settings={"epochs": 99})).entries[0].runs[0]
    assert ce[0].key("rows", "code") == expand(spec(objectives=["ce"])).entries[0].runs[0][0].key("rows", "code")
    others = {
        ce[1].key("rows", "code"),
        slow[0].key("rows", "code"),
        ce[0].key("other", "code"),
        ce[0].key("rows", "other"),
    }
    assert len(others) == 4
    assert ce[0].key("rows", "code") not in others
    assert (
        ce[0].name("0123456789abcdef")
        == PlannedRun("another row", ce[0].plan).name("0123456789abcdef")
        == "ce-demo-s0-0123456789"
    )


def test_a_record_is_of_a_cell_by_its_settings():
    planned = expand(spec(objectives=["aml"], settings={"lr": 0.5})).entries[0].runs[0][0]
    assert planned.is_of("aml", planned.settings | {"device": "cuda:3"})
    assert not planned.is_of("ce", planned.settings)
    assert not planned.is_of("aml", planned.settings | {"lr": 0.4})
    assert not planned.is_of("aml", planned.settings | {"gone": 1})
    older = {
        key: value for key, value in planned.settings.items() if key != "order"
    }  # a setting that came later, at its default
    assert planned.is_of("aml", older)
    assert not planned.is_of("aml", {key: value for key, value in planned.settings.items() if key != "lr"})


def test_a_number_in_quotes_is_a_number():
    planned = expand(spec(objectives=["ce"], settings={"limit": "32", "lr": "1e-3"})).entries[0].runs[0][0]
    assert (planned.settings["limit"], planned.settings["lr"]) == (32, 0.001)


def test_methods_with_grids_of_their_own_alone():
    grid = {"select": "validation", "objective": {"ce": {"lr": [0.1, 0.2]}, "aml": {"weight": [0.5, 1.0]}}}
    ce, aml = expand(spec(objectives=["ce", "aml"], grid=grid)).entries
    assert (len(ce.runs), len(aml.runs)) == (2, 2)


@pytest.mark.parametrize("name", ["table2", "ablation"])
def test_tables_with_aml_tell_its_three_forms_apart(name):
    given = read_spec(BENCHMARKS / f"{name}.toml")
    forms = {row.objective: row.name for row in given.row if row.objective in ("aml", "aml-mlp", "aml-released")}
    told = {"aml": "(fecbench)", "aml-mlp": "(paper to the letter)", "aml-released": "(released code)"}
    assert {objective: row[row.index("(") :] for objective, row in forms.items()} == told
    assert all(f"({objective})" in given.notes[0] for objective in told)
    rows = {row.objective: row.settings for row in given.row}
    assert all(row.settings.get("normalize") is False for row in given.row if "(paper to the letter)" in row.name)
    assert not any(
        {"family", "adversary", "strategy"} & rows[objective].keys() for objective in told
    )  # each is what its name says


def test_a_spec_s_notes_come_first_among_what_the_reader_is_told():
    chosen = expand(
        spec(
            objectives=["ce"], notes=["mind the rows"], grid={"select": "validation", "settings": {"lr": [1e-3, 1e-2]}}
        )
    )
    told = chosen.select(lambda planned: None).notes
    assert told[0] == "mind the rows"
    assert "validation has not chosen yet" in told[1]

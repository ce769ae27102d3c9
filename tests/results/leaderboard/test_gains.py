"""The gain of a method over its best baseline; its own variants are none."""

import json

import pytest

from fecbench.core.errors import UnknownName
from fecbench.data.datasets.locations import DataLocations
from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.formats import layout
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from tests.support.records import SMALL


def gain(records, **how):
    (table,) = board_of_records(records, **how).tables
    return [gain.values[0] for gain in table.gains], table


def ahead(table, one: str, other: str) -> float:
    means = {row.name: row.cells[0].scores["accuracy"].mean for row in table.rows}
    return pytest.approx(means[one] / means[other] - 1)


def of_variants(make, **recorded):
    """aml is just above its variant, and both are far above ce; ``recorded`` is written into the records."""
    scores = {"aml": 0.95, "aml-no-adv": 0.8, "ce": 0.4}
    about = {
        name: {"objective": {"name": name, **({"variant_of": recorded[name]} if name in recorded else {})}}
        for name in scores
    }
    return [make(name, accuracy=score, about=about[name]) for name, score in scores.items()]


def test_gain_is_over_the_best_other_row_of_equal_budget(three, make):
    board = board_of_records([*three, make("supcon", accuracy=0.99, epochs=2)])
    (gain,), table = board.tables[0].gains, board.tables[0]
    means = {row.name: row.cells[0].scores["accuracy"].mean for row in table.rows}
    assert gain.values[0] == pytest.approx(means["aml"] / means["ce"] - 1)
    assert layout.gain_line(table, gain)[0] == ["Δ (aml vs. best baseline)", "1 epoch"]
    (other,) = board_of_records(three, against="ce").tables[0].gains
    assert other.values == (None, None, None)
    with pytest.raises(UnknownName, match="no row of the table is called 'alm'; did you mean 'aml'"):
        board_of_records(three, against="alm")


def test_a_methods_own_variants_are_no_baselines(make):
    values, table = gain(of_variants(make))  # older records: the installed objective says it
    assert values == [ahead(table, "aml", "ce")]
    values, table = gain(of_variants(make), against="aml-no-adv")
    assert values == [ahead(table, "aml-no-adv", "ce")]
    only = [record for record in of_variants(make) if record.about["objective"]["name"] != "ce"]
    values, table = gain(only)
    assert values == []
    assert "no Δ for aml: all rows comparable with it are its variants, which don't count as baselines" in table.notes
    assert not any("no Δ" in note for note in table.short_notes)  # nobody misses a row in a paper


def test_records_say_whose_variant_a_method_is_that_is_not_installed(make):
    def renamed(records, told):
        for record in records:
            about = json.loads((record.folder / "run.json").read_text())
            about["objective"] = {
                "name": {"aml": "mine", "aml-no-adv": "mine-plain"}.get(about["objective"]["name"], "ce"),
                **told(about),
            }
            (record.folder / "run.json").write_text(json.dumps(about))
        return records

    known = renamed(
        of_variants(make), lambda about: {"variant_of": "mine" if about["objective"]["name"] == "aml-no-adv" else ""}
    )
    values, table = gain(known, against="mine")
    assert values == [ahead(table, "mine", "ce")]
    assert not any("isn't known" in note for note in table.notes)
    values, table = gain(renamed(of_variants(make), lambda about: {}), against="mine")
    assert values == [ahead(table, "mine", "mine-plain")]
    assert any(note.startswith("Δ counts mine-plain as baseline, which may be wrong") for note in table.notes)


def test_a_run_records_what_it_is_a_variant_of(toy, tmp_path):
    chosen = plan("aml-no-adv", {**SMALL, "encoder": "tiny-bert", "dataset": str(toy), "batch_size": 16, "seed": 0})
    assert run(chosen, RunContext(DataLocations(), tmp_path / "run")).about["objective"]["variant_of"] == "aml"


def test_a_data_set_without_runs_makes_nothing_ambiguous(three, make):
    records = [*three, make("aml", epochs=2), make("ce", dataset="ed")]
    alone, side_by_side = (board_of_records(records, columns).tables[0] for columns in (["demo"], ["demo", "ed"]))
    ((gain,), (wide,)) = alone.gains, side_by_side.gains
    assert gain.values[0] > 0
    assert wide.values == (*gain.values, None, None, None)
    assert not any("no Δ" in note for note in side_by_side.notes)


def test_rows_that_share_only_data_sets_without_runs_are_no_baselines(make):
    records = [make("aml"), make("ce", epochs=2), make("supcon", dataset="ed")]
    (table,) = board_of_records(records, ["demo", "ed"]).tables
    assert table.gains == ()


def test_only_rows_that_may_be_meant_are_named_with_a_possible_remedy(make):
    _, table = gain([make("aml", lr=rate) for rate in (1e-4, 1e-3)])
    note = "no Δ: several rows are of aml ('aml (lr 0.0001)', 'aml (lr 0.001)'); choose one with --against"
    assert note in table.notes
    _, table = gain([*(make("aml", epochs=4, batch_size=size) for size in (8, 16)), make("aml", batch_size=32)])
    note = (
        "no Δ: several rows are of aml ('aml' with batch 8, 'aml' with batch 16); show one with --best-trial, or give"
    )
    assert any(line.startswith(note) for line in table.notes)

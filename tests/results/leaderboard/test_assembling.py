"""Which runs share a row, which share a table, what is missing, and what is said of it."""

import json

import pytest

from fecbench.bench.matrix import PlannedRun, Selection
from fecbench.core.errors import UnknownName, UsageError
from fecbench.core.files import read_tensors, write_tensors
from fecbench.data.datasets.locations import DataLocations
from fecbench.results.leaderboard.assemble import board_of_records, board_of_selection
from fecbench.results.leaderboard.formats import layout
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.find import find_records
from fecbench.runs.identity import differing_settings
from fecbench.runs.plan import plan
from fecbench.runs.write_record import write_failure
from tests.support.records import LABELS, SMALL

OFF = {"another label predicted": 7, "half a label predicted": 0.5}


def names(board):
    return [[row.name for row in table.rows] for table in board.tables]


def cells(row: str, method: str, seeds=range(3), **flags):
    return [PlannedRun(row, plan(method, {**SMALL, "seed": seed, **flags})) for seed in seeds]


def test_seeds_share_a_row_and_are_averaged(three):
    (table,) = board_of_records(three).tables
    assert [row.name for row in table.rows] == ["ce", "aml"]
    score = table.rows[0].cells[0].scores["accuracy"]
    values = [record.result["metrics"]["test"]["accuracy"] for record in three[:3]]
    assert dict(score.seeds) == dict(enumerate(values))
    assert score.mean == pytest.approx(sum(values) / 3)
    assert score.std == pytest.approx((sum((v - score.mean) ** 2 for v in values) / 2) ** 0.5)
    assert layout.caption(table) == "Test scores in percent, mean ± sample standard deviation over 3 seeds."
    assert table.columns[0].best == (1,)
    assert table.columns[0].second == (0,)


def test_other_settings_are_another_row_that_says_what_differs(make):
    board = board_of_records(
        [make("aml", seed=0), make("aml", seed=1), make("aml", seed=0, k_pos=5), make("ce", lr=0.1)]
    )
    assert names(board) == [["ce", "aml (k_pos 10)", "aml (k_pos 5)"]]
    assert any("no Δ: several rows are of aml" in note for note in board.tables[0].notes)
    assert board.tables[0].gains == ()


def test_a_device_is_no_other_setting(make):
    assert names(board_of_records([make("ce", seed=0), make("ce", seed=1, device="cpu")])) == [["ce"]]


def test_of_equal_runs_the_newest_counts(make):
    old, new = make("ce", accuracy=0.2, seed=0), make("ce", accuracy=0.9, seed=0)
    (table,) = board_of_records([new, old]).tables
    assert table.rows[0].cells[0].runs[0].record == new
    assert "left out: 1 older run of the same settings and seed" in table.notes


def test_other_rows_are_another_table(make):
    other = {"dataset": {"name": "demo", "fingerprint": "0123456789abcdef", "labels": ["angry", "glad", "sad"]}}
    board = board_of_records([make("ce"), make("aml", about=other), make("ce", dataset="ge-prepared")])
    assert [table.title for table in board.tables] == [
        "demo (rows 0123456789ab)",
        "demo (rows rows of demo)",
        "ge-prepared",
    ]
    assert all(len(table.rows) == 1 for table in board.tables)


def test_columns_join_rows_whose_presets_differ(make):
    records = [
        make(method, dataset=name, seed=seed)
        for method in ("ce", "aml")
        for name in ("ed-prepared", "ge-prepared")
        for seed in (0, 1)
    ]
    board = board_of_records([*records, make("supcon", dataset="ge-prepared")], ["ed-prepared", "ge-prepared"])
    (table,) = board.tables
    assert [row.name for row in table.rows] == ["ce", "supcon", "aml"]
    assert {cell.settings["k_pos"] for cell in table.rows[2].cells} == {10, 20}
    assert [text.text for text in layout.line(table, 1)][:3] == ["missing"] * 3
    assert "missing: supcon on ed-prepared: not run" in table.notes
    assert len(table.columns) == 6
    with pytest.raises(UnknownName, match=r"no data set .* is called 'ge-prepard'; did you mean 'ge-prepared'"):
        board_of_records(records, ["ge-prepard"])


def test_columns_take_the_version_that_was_run_last(make):
    other = {"dataset": {"name": "demo", "fingerprint": "new rows", "labels": ["angry", "glad", "sad"]}}
    board = board_of_records([make("ce"), make("aml", about=other)], ["demo"])
    assert names(board) == [["aml"]]
    assert board.tables[0].datasets[0].fingerprint == "new rows"
    assert "left out: runs on other versions of demo than the one that was run last" in board.notes


def test_seeds_are_shown_where_their_number_differs(make):
    (table,) = board_of_records([make("ce", seed=0), make("ce", seed=1), make("aml", seed=0)]).tables
    assert layout.line(table, 0)[0].text.endswith("(n=2)")
    assert layout.line(table, 1)[0].text.endswith("(n=1)")
    assert "±" not in layout.line(table, 1)[0].text


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


def test_a_methods_own_variants_are_no_baselines(make):
    values, table = gain(of_variants(make))  # older records: the installed objective says it
    assert values == [ahead(table, "aml", "ce")]
    values, table = gain(of_variants(make), against="aml-no-adv")
    assert values == [ahead(table, "aml-no-adv", "ce")]
    only = [record for record in of_variants(make) if record.about["objective"]["name"] != "ce"]
    values, table = gain(only)
    assert values == []
    assert "no Δ for aml: all rows comparable with it are its variants, which don't count as baselines" in table.notes


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


def test_records_speak_and_differences_are_told(make):
    limited = {"notes": ["LIMITED to the first 20 of 60 training rows: not a benchmark result"]}
    records = [
        make("ce", seed=0, limit=20, about=limited),
        make("aml", seed=0),
        make("aml", seed=1, about={"code": "c2"}),
    ]
    records.append(make("supcon", about={"precision": "bf16", "encoder": {"revision": "abc"}}))
    notes = board_of_records(records).tables[0].notes
    assert "ce: LIMITED to the first 20 of 60 training rows: not a benchmark result" in notes
    assert "different code versions between the seeds of a row: aml" in notes
    assert any(note.startswith("precision differs: ") and "bf16 (supcon)" in note for note in notes)
    assert any(note.startswith("the revision of scratch differs: ") and "abc (supcon)" in note for note in notes)


SOFTWARE = {
    "versions": ({"python": "3.11.7", "torch": "2.13.0"}, {"python": "3.12.1", "torch": "2.11.0"}),
    "device": ("cpu", "NVIDIA H200"),
    "ranks": (1, 4),
}


@pytest.mark.parametrize("within_a_row", [True, False])
@pytest.mark.parametrize("what", SOFTWARE)
def test_other_software_and_machines_are_noted(make, what, within_a_row):
    common = {"device": "cpu", "ranks": 1, "versions": {"python": "3.11.7", "torch": "2.13.0"}}
    one, other = ({**common, what: value} for value in SOFTWARE[what])
    records = [make("ce", seed=0, about=one), make("ce" if within_a_row else "aml", seed=1, about=other)]
    (table,) = board_of_records(records).tables
    of = "ce" if within_a_row else "aml"
    expected = {
        "versions": [f"python differs: 3.11.7 (ce); 3.12.1 ({of})", f"torch differs: 2.13.0 (ce); 2.11.0 ({of})"],
        "device": [f"device differs: cpu (ce); NVIDIA H200 ({of})"],
        "ranks": [f"device differs: cpu (ce); cpu, 4 ranks ({of})"],
    }
    found = [note for note in table.notes if "differs" in note]
    assert sorted(found) == sorted(expected[what]) or sorted(found) == sorted(_turned(expected[what]))
    (same,) = board_of_records([make("ce", seed=seed, about=one, dataset="ge-prepared") for seed in (0, 1)]).tables
    assert same.notes == ()


def _turned(notes):
    """The same notes with their two values in the other order, which newer runs before older ones give."""
    return [
        f"{head}: {'; '.join(reversed(values.split('; ')))}" for head, values in (note.split(": ") for note in notes)
    ]


def test_rows_of_several_versions_of_the_code_are_said_so_first_of_all(make):
    def about(core, plugin="p1"):
        return {"code": f"{core} {plugin}", "sources": {"fecbench": core * 8, "fecbench_plugin": plugin}}

    same = board_of_records(
        [
            make("ce", about=about("c1")),
            make("aml", about={**about("c1"), "sources": {"fecbench": "c1" * 8, "mine": "m"}}),
        ]
    )
    assert not any("MIXED CODE" in note for note in same.tables[0].notes)
    limited = {"notes": ["LIMITED"]}
    for second in (about("c2"), about("c1", "p2")):
        records = [make("ce", about=about("c1") | limited), make("aml", about=second | limited)]
        first, *_ = board_of_records(records).tables[0].notes
        assert first.startswith("MIXED CODE: runs of this table were made with different versions of fecbench")
        assert all(f"({name})" in first for name in ("ce", "aml"))
    cells_of = (*cells("ce", "ce", [0]), *cells("aml", "aml", [0]))
    board = board_of_selection(Selection("T", ("demo",), cells_of, ("chosen by validation",)), records)
    assert board.tables[0].notes[0].startswith("MIXED CODE: ")


def test_an_older_records_precision_is_unknown(make):
    notes = board_of_records([make("ce", about={"precision": ""}), make("aml")]).tables[0].notes
    assert any("unknown (ce)" in note for note in notes if note.startswith("precision differs: "))


def test_older_records_cannot_rule_mixed_code_out(make):
    notes = board_of_records([make("ce", about={"code": "c1"}), make("aml", about={"code": "c2"})]).tables[0].notes
    assert notes[0] == "MIXED CODE is possible: the older records of ce, aml don't name their version of fecbench"
    notes = (
        board_of_records([make("ce", about={"code": "c1"}), make("ce", lr=0.1, about={"code": "c2"})]).tables[0].notes
    )
    assert notes[0].startswith(
        "MIXED CODE: runs of this table were made with different versions of fecbench or a plugin of ce"
    )


def test_a_setting_newer_than_a_record_counts_as_its_default(make):
    older = {key: value for key, value in make("ce", seed=0).about["settings"].items() if key != "label_texts"}
    old, new, other = make("ce", about={"settings": older}), make("ce", seed=1), make("ce", seed=2, label_texts="names")
    assert [len(row.cells[0].runs) for row in board_of_records([old, new]).tables[0].rows] == [2]
    assert names(board_of_records([old, new, other])) == [["ce (label_texts described)", "ce (label_texts names)"]]
    assert differing_settings([old, new]) == {"seed": [0, 1]}


def test_unfinished_and_broken_records_are_left_out_and_named(three, make, tmp_path):
    failed = make("supcon")
    (failed.folder / "result.json").unlink()
    write_failure(failed, "failed", "NumericalError: too hot\nand more")
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "run.json").write_text("{}")
    half = make("lcl", folder=tmp_path / "runs" / "half")
    (half.folder / "result.json").write_text("{}")
    board = board_of_records(find_records([tmp_path]))
    assert names(board) == [["ce", "aml"]]
    assert f"left out because not complete: {failed.id} (failed: NumericalError: too hot)" in board.notes
    assert "left out because their records are broken: broken, half" in board.notes


def test_runs_are_found_at_any_depth_and_once(three, tmp_path):
    assert len(find_records([tmp_path, tmp_path / "runs", three[0].folder])) == 6
    assert find_records([three[0].folder])[0].folder == three[0].folder
    with pytest.raises(UsageError, match="nowhere must be a run's folder or a folder of runs"):
        find_records([tmp_path / "nowhere"])


def test_a_selection_finds_its_runs_and_says_what_is_missing_and_why(three, make):
    failed = make("supcon", seed=0)
    (failed.folder / "result.json").unlink()
    write_failure(failed, "failed", "NeedsError: none")
    unfinished = make("supcon", seed=1)
    (unfinished.folder / "result.json").unlink()
    make("ce", seed=7)  # complete, and not wanted
    wanted = [*cells("cross-entropy", "ce"), *cells("AML", "aml", range(4)), *cells("SupCon", "supcon")]
    board = board_of_selection(
        Selection("T", ("demo",), tuple(wanted), ("chosen by validation",)), find_records([three[0].folder.parent])
    )
    (table,) = board.tables
    assert board.title == "T"
    assert [row.name for row in table.rows] == ["cross-entropy", "AML", "SupCon"]
    assert [len(row.cells[0].runs) for row in table.rows] == [3, 3, 0]
    assert table.notes[0] == "chosen by validation"
    missing = [note for note in table.notes if note.startswith("missing")]
    assert missing == [
        "missing: AML, seed 3: not run",
        "missing: SupCon, seed 0: failed: NeedsError: none",
        "missing: SupCon, seed 1: stopped without an error message",
        "missing: SupCon, seed 2: not run",
    ]
    assert layout.line(table, 2)[0].text == "missing"
    assert table.gains[0].row == 1


def test_a_selection_takes_one_version_of_the_data_and_exact_settings(make):
    make("ce", seed=0)
    make("ce", seed=1, about={"dataset": {"name": "demo", "fingerprint": "others", "labels": ["angry", "glad", "sad"]}})
    newest = make("ce", seed=2, device="cpu")
    make("ce", seed=1, lr=0.5)
    board = board_of_selection(
        Selection("T", ("demo",), tuple(cells("ce", "ce"))), find_records([newest.folder.parent])
    )
    (row,), notes = board.tables[0].rows, board.tables[0].notes
    assert sorted(row.cells[0].scores["accuracy"].seeds) == [0, 2]
    assert "missing: ce, seed 1: run on another version of the data set than the newest run of the column" in notes


def test_declared_rows_are_compared_across_encoders_and_budgets(make):
    wanted = [*cells("one epoch", "ce"), *cells("two epochs", "ce", epochs=2)]
    records = [make("ce", accuracy=0.4, seed=s) for s in range(3)] + [
        make("ce", accuracy=0.9, seed=s, epochs=2) for s in range(3)
    ]
    for declared, count in ((True, 1), (False, 0)):
        (table,) = board_of_selection(
            Selection("T", ("demo",), tuple(wanted), declared=declared), records, against="two epochs"
        ).tables
        assert len(table.columns[0].comparisons) == count
        assert bool(table.gains) == declared  # alone in its budget it has no baseline, and no line for Δ


def test_a_row_for_which_nothing_is_chosen_on_a_data_set(make):
    record = make("ce", dataset="ge-prepared")
    wanted = tuple(cells("ce", "ce", [0], dataset="ge-prepared"))
    trials = tuple(cells("ce", "ce", [0], dataset="demo"))
    (table,) = board_of_selection(Selection("T", ("demo", "ge-prepared"), wanted, trials=trials), [record]).tables
    assert [text.text for text in layout.line(table, 0)][:3] == ["missing"] * 3
    assert "missing: ce on demo: its settings aren't chosen yet" in table.notes


def test_a_row_that_the_spec_does_not_run_on_a_data_set_is_not_missing_there(make):
    record = make("ce", dataset="ge-prepared")
    wanted = tuple(cells("ce", "ce", [0], dataset="ge-prepared"))
    (table,) = board_of_selection(Selection("T", ("demo", "ge-prepared"), wanted), [record]).tables
    assert [text.text for text in layout.line(table, 0)][:3] == [layout.NOTHING] * 3
    assert not any(note.startswith("missing") for note in table.notes)


@pytest.mark.parametrize(
    "what",
    [
        "no weighted_f1",
        "not finite",
        "a label without support",
        "endless support",
        "another label predicted",
        "half a label predicted",
    ],
)
def test_a_foreign_record_stops_no_table(make, what):
    records = [make("ce", seed=seed) for seed in range(4)]
    result = json.loads((records[3].folder / "result.json").read_text())
    if what == "no weighted_f1":
        del result["metrics"]["test"]["weighted_f1"]
    elif what == "not finite":
        result["metrics"]["test"]["accuracy"] = float("nan")
    elif what == "a label without support":
        del result["per_class"]["glad"]
    elif what == "endless support":
        result["per_class"]["glad"]["support"] = float("inf")
    else:
        tensors, _ = read_tensors(records[3].folder / "predictions.safetensors")
        write_tensors(
            records[3].folder / "predictions.safetensors", tensors | {"predicted": tensors["predicted"] + OFF[what]}
        )
    (records[3].folder / "result.json").write_text(json.dumps(result))
    (table,) = (board := board_of_records([*records, *(make("aml", seed=seed) for seed in range(4))])).tables
    if what in OFF:
        assert "other labels" in table.columns[0].comparisons[0].reason
    else:
        assert any("records are broken" in note for note in board.notes)
        assert {len(cell.runs) for row in table.rows for cell in row.cells} == {3, 4}


def test_a_row_for_which_nothing_is_chosen_yet_stands_in_the_table(make):
    record = make("ce", seed=0)
    trial = cells("tried", "aml", [0])
    board = board_of_selection(
        Selection("T", ("demo",), tuple(cells("ce", "ce", [0])), trials=tuple(trial), rows=("tried", "ce")), [record]
    )
    assert names(board) == [["tried", "ce"]]
    assert "missing: tried: its settings aren't chosen yet" in "\n".join(
        note for table in board.tables for note in table.notes
    )


def rows_read(train: int, available: int | None = None) -> dict[str, object]:
    """What a record says of its training rows; an older one doesn't say how many there were."""
    data = {"name": "demo", "fingerprint": "rows of demo", "labels": list(LABELS)}
    told = {} if available is None else {"available": available}
    return {"dataset": data | {"rows": {"train": train, "validation": 9, "test": 150}} | told}


@pytest.mark.parametrize(
    ("about", "varying"),
    [
        (rows_read(32), ()),
        (rows_read(32, 32), ()),
        (rows_read(40, 40), ()),
        (rows_read(40, 41), ("limit",)),
        (rows_read(40), ("limit",)),
    ],
    ids=["fewer rows, older", "fewer rows", "as many rows", "more rows", "more rows, older"],
)
def test_a_limit_that_leaves_no_row_out_is_no_other_budget(make, about, varying):
    limited, other = make("ce", limit=40, about=about), make("supcon")
    (table,) = board_of_records([limited, other]).tables
    assert table.varying == varying
    one, two = (row.cells[0].conditions for row in table.rows)
    assert (one == two) == (not varying)
    assert ("limit" in differing_settings([limited, other])) == bool(varying)


def test_settings_without_effect_make_no_other_row(make):
    records = [make("ce", seed=0, about=rows_read(60, 60)), make("ce", seed=1, limit=1000, about=rows_read(60, 60))]
    records += [make("ce", seed=2, epochs=1, patience=9), make("ce", seed=3, limit=40, about=rows_read(40, 60))]
    (table,) = board_of_records(records).tables
    assert [layout.about(table, row) for row in table.rows] == [["ce", "first 40 rows"], ["ce", "all rows"]]
    assert [len(row.cells[0].runs) for row in table.rows] == [1, 3]
    assert [row.cells[0].settings["limit"] for row in table.rows] == [40, None]


@pytest.mark.parametrize(("patience", "varying"), [(20, ()), (2, ()), (1, ("patience",))])
def test_patience_beyond_the_epochs_is_no_other_budget(make, patience, varying):
    (table,) = board_of_records([make("ce", epochs=3, patience=3), make("aml", epochs=3, patience=patience)]).tables
    assert table.varying == varying
    one, other = (row.cells[0].conditions for row in table.rows)
    assert (one == other) == (not varying)

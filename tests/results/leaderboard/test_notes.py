"""Notes of a table: limits, mixed code, and differences of software, machine and precision."""

import pytest

from fecbench.bench.selection import Selection
from fecbench.results.leaderboard.assemble import board_of_records, board_of_selection
from tests.support.boards import cells


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


def test_older_records_cannot_rule_mixed_code_out(make):
    notes = board_of_records([make("ce", about={"code": "c1"}), make("aml", about={"code": "c2"})]).tables[0].notes
    assert notes[0] == "MIXED CODE is possible: the older records of ce, aml don't name their version of fecbench"
    notes = (
        board_of_records([make("ce", about={"code": "c1"}), make("ce", lr=0.1, about={"code": "c2"})]).tables[0].notes
    )
    assert notes[0].startswith(
        "MIXED CODE: runs of this table were made with different versions of fecbench or a plugin of ce"
    )


def test_an_older_records_precision_is_unknown(make):
    notes = board_of_records([make("ce", about={"precision": ""}), make("aml")]).tables[0].notes
    assert any("unknown (ce)" in note for note in notes if note.startswith("precision differs: "))


def test_labels_whose_descriptions_differ_between_runs_are_noted(make):
    def about(*texts):
        data = {"name": "demo", "fingerprint": "rows of demo", "labels": ["angry", "glad", "sad"]}
        return {"dataset": {**data, "label_texts": list(texts)} if texts else data}

    before, after = about("angry", "glad", "sad: low"), about("angry", "glad", "sad: unhappy")
    older, names = make("ce", seed=3, about=about()), about("angry", "glad", "sad")
    same = [make("ce", seed=0, about=before), make("ce", seed=1, label_texts="names", about=names), older]
    assert not any("descriptions" in note for note in board_of_records(same).tables[0].notes)
    notes = board_of_records([*same, make("ce", seed=2, about=after)]).tables[0].notes
    assert "labels have different descriptions: sad (in runs of ce (label_texts described))" in notes

"""Encoders are identified by their weights, and by name where weights are random by design."""

import json

import pytest

from fecbench.bench.planned_run import PlannedRun
from fecbench.bench.selection import Selection
from fecbench.data.datasets.locations import DataLocations
from fecbench.results.leaderboard.assemble import board_of_records, board_of_selection
from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.registered import render
from fecbench.results.leaderboard.publish import publish
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.find import find_records
from fecbench.runs.plan import plan
from tests.support.records import SMALL

A, B = "a" * 64, "b" * 64


def rows(board):
    """For each row of the only table: its name, its encoder, its seeds."""
    (table,) = board.tables
    return [(row.name, row.cells[0].settings["encoder"], [of.seed for of in row.cells[0].runs]) for row in table.rows]


def notes(board):
    return [note for note in board.tables[0].notes if "weights" in note]


def with_weights(make, method, encoder, weights, pretrained=None, **flags):
    """Return a record for each digest in ``weights``, under seeds 0, 1, ...; older records lack the digest."""
    told = [{"name": encoder, "weights": digest or None, "pretrained": pretrained} for digest in weights]
    return [make(method, encoder=encoder, seed=seed, about={"encoder": of}, **flags) for seed, of in enumerate(told)]


@pytest.mark.parametrize(
    ("encoder", "pretrained"), [("/there/enc", None), ("owner/enc", None), ("minilm", True), ("minilm", None)]
)
def test_weights_that_changed_between_seeds_are_another_row(make, encoder, pretrained, tmp_path):
    name = encoder.removeprefix("/there/")
    records = with_weights(make, "ce", encoder, [A, A, A, B], pretrained=pretrained)
    records += with_weights(make, "aml", encoder, [A, A, A], accuracy=0.9, pretrained=pretrained)
    board = board_of_records(records)
    assert sorted(rows(board)) == [
        ("aml", f"{name} (weights {A[:8]})", [0, 1, 2]),
        (f"ce (weights {A[:8]})", f"{name} (weights {A[:8]})", [0, 1, 2]),
        (f"ce (weights {B[:8]})", f"{name} (weights {B[:8]})", [3]),
    ]
    pairs = {(pair.best, pair.other) for column in board.tables[0].columns for pair in column.comparisons}
    assert len(pairs) == 1
    assert any(
        note.startswith(f"encoders named {name} have different weights and aren't compared") for note in notes(board)
    )
    publish(board, tmp_path / "public")
    again = board_of_records(find_records([tmp_path / "public"]))
    assert render(again, "markdown") == render(board, "markdown")


def test_the_same_weights_under_two_paths_are_one_encoder(make, tmp_path):
    records = with_weights(make, "ce", "/a/enc", [A, A]) + with_weights(make, "ce", "./b/other", [A, A, A])[2:]
    board = board_of_records(records)
    assert rows(board) == [("ce", "other", [0, 1, 2])]
    assert notes(board) == ["encoders of equal weights count as one, shown as other: enc (ce); other (ce)"]
    publish(board, tmp_path / "public")
    assert rows(board_of_records(find_records([tmp_path / "public"]))) == rows(board)


def test_two_encoders_of_one_name_are_two_rows_here_and_published(make, tmp_path):
    records = with_weights(make, "ce", "./a/enc", [A, A]) + with_weights(make, "ce", "./b/enc", [B, B])
    board = board_of_records(records)
    assert len({row[0] for row in rows(board)}) == 2
    publish(board, tmp_path / "public")
    assert render(board_of_records(find_records([tmp_path / "public"])), "markdown") == render(board, "markdown")


def test_digests_that_begin_alike_are_told_apart(make):
    board = board_of_records(with_weights(make, "ce", "owner/enc", [A, A[:-1] + "c"]))
    assert len(rows(board)) == len({row[1] for row in rows(board)}) == 2


@pytest.mark.parametrize(("encoder", "pretrained"), [("scratch", None), ("tiny-bert", None), ("words-of-mine", False)])
def test_encoders_that_are_random_by_design_are_known_by_their_name(make, encoder, pretrained):
    board = board_of_records(with_weights(make, "ce", encoder, [A, B, "c" * 64], pretrained=pretrained))
    assert rows(board) == [("ce", encoder, [0, 1, 2])]
    assert notes(board) == []


def test_older_records_count_as_the_only_encoder_of_their_name(make):
    board = board_of_records(with_weights(make, "ce", "owner/enc", [A, "", A]))
    assert rows(board) == [("ce", "owner/enc", [0, 1, 2])]
    assert notes(board) == [
        "older records of ce don't identify the weights of owner/enc; they are assumed to be those of the other runs"
    ]
    unclear = board_of_records(with_weights(make, "aml", "owner/enc", [A, B, ""]))
    assert sorted(row[1] for row in rows(unclear)) == [f"owner/enc (weights {of})" for of in (A[:8], B[:8], "unknown")]


def test_a_registered_encoder_whose_older_records_differ_under_every_seed_is_noted(make):
    board = board_of_records(with_weights(make, "ce", "minilm", [A, B]))
    assert rows(board) == [("ce", "minilm", [0, 1])]
    assert notes(board) == [
        "the weights of minilm differ between seeds (ce); older records don't state whether they are random by design"
    ]


def test_a_specs_cell_takes_the_weights_of_its_newest_run(make, tmp_path):
    records = with_weights(make, "ce", "./a/enc", [A, B, B]) + with_weights(
        make, "aml", "./a/enc", [A, A, A], accuracy=0.9
    )
    cells = [
        PlannedRun(name, plan(name, {**SMALL, "encoder": "./a/enc", "seed": seed}))
        for name in ("ce", "aml")
        for seed in range(3)
    ]
    for declared in (False, True):
        board = board_of_selection(Selection("T", ("demo",), tuple(cells), declared=declared), records)
        assert rows(board) == [("ce", f"enc (weights {B[:8]})", [1, 2]), ("aml", f"enc (weights {A[:8]})", [0, 1, 2])]
        assert (
            "missing: ce, seed 0: run with other encoder weights than the newest run of the same row and data set"
            in board.tables[0].notes
        )
        assert bool(board.tables[0].columns[0].comparisons) == declared
        (said,) = [note for note in notes(board) if note.startswith("encoders named enc")]
        assert ("since the spec declares its rows" in said) == declared
        publish(board, tmp_path / str(declared))
        again = board_of_selection(
            Selection("T", ("demo",), tuple(cells), declared=declared), find_records([tmp_path / str(declared)])
        )
        assert rows(again) == rows(board)
    assert layout.heads(board.tables[0])[:2] == ["Method", "Encoder"]


@pytest.mark.parametrize(("weights", "noted"), [([A, B], True), ([A, A], False), (["", A], False)])
def test_trials_with_other_weights_are_noted(make, weights, noted):
    records = [
        with_weights(make, "ce", "./a/enc", [digest], lr=lr)[0] for digest, lr in zip(weights, (0.1, 0.2), strict=True)
    ]
    cells = [PlannedRun("ce", plan("ce", {**SMALL, "encoder": "./a/enc", "lr": lr, "seed": 0})) for lr in (0.1, 0.2)]
    board = board_of_selection(Selection("T", ("demo",), tuple(cells[:1]), trials=tuple(cells)), records)
    said = "ce on demo: validation chose among trials with different weights of the encoder enc; run these trials again"
    assert (said in board.tables[0].notes) == noted


@pytest.mark.slow
@pytest.mark.parametrize("pretrained", [True, False])
def test_a_run_records_whether_its_weights_are_pretrained(toy, tmp_path, pretrained):
    encoder, flags = "tiny-bert", {**SMALL, "dataset": str(toy), "batch_size": 16, "seed": 0}
    if pretrained:
        from transformers import AutoConfig, AutoModel

        first = run(plan("ce", {**flags, "encoder": encoder}), RunContext(DataLocations(), tmp_path / "first"))
        encoder = str(first.folder / "encoder")
        AutoModel.from_config(AutoConfig.from_pretrained(encoder)).save_pretrained(encoder)
    found = run(plan("ce", {**flags, "encoder": encoder}), RunContext(DataLocations(), tmp_path / "second"))
    assert json.loads((found.folder / "run.json").read_text())["encoder"]["pretrained"] is pretrained

"""The plot of scores: a dot for each seed, the mean with its interval, the best method on top."""

import pytest

from fecbench.core.errors import RunError, UsageError
from fecbench.results.leaderboard.board import Board, Cell, Column, DatasetVersion, Row, Score, Table
from fecbench.results.plots.scores import draw_scores, interval
from tests.support import ROOT


@pytest.fixture
def board():
    def row(name, *values):
        score = Score.of(dict(enumerate(values)))
        return Row(name=name, objective=name, cells=(Cell({"accuracy": score, "macro_f1": score}, {}),))

    data = (DatasetVersion("ed", "ED", "e"),)
    columns = tuple(Column(0, metric, label, (), ()) for metric, label in (("accuracy", "Acc"), ("macro_f1", "F1")))
    return Board("b", (Table("ed (rows e)", data, columns, (row("ce", 0.5, 0.6), row("aml", 0.7))),))


def test_methods_stand_by_their_mean_with_each_seed(board, figures, tmp_path):
    draw_scores(board, tmp_path / "s.svg", "macro_f1")
    (axes,) = figures[0].axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["ce", "aml"]
    assert sorted(axes.lines[0].get_xdata()) == pytest.approx([50, 60])
    assert axes.get_title(loc="left") == "ed (rows e)"
    assert axes.get_xlim()[0] >= 0
    assert axes.get_xlabel() == "test F1 (%)"


def test_the_interval_is_students():
    assert interval(Score.of({0: 0.50, 1: 0.52, 2: 0.54})) == pytest.approx(4.302653 * 0.02 / 3**0.5, rel=1e-5)
    assert interval(Score.of({0: 0.5})) is None


def test_the_interval_over_folds_is_corrected(figures, tmp_path):
    """Nadeau and Bengio's correction: 1/n + 1/(K - 1) in place of 1/n."""
    folds = Score.of({f"0/{fold}": value for fold, value in enumerate((0.50, 0.52, 0.54))})
    row = Row("ce", "ce", (Cell({"accuracy": folds}, {"folds": 3}),))
    column = Column(0, "accuracy", "Acc", (), ())
    draw_scores(Board("b", (Table("t", (DatasetVersion("ed", "ED", "e"),), (column,), (row,)),)), tmp_path / "s.svg")
    (bar,) = figures[0].axes[0].collections[0].get_segments()
    assert bar[1, 0] - bar[0, 0] == pytest.approx(2 * 4.302653 * 2 * (1 / 3 + 1 / 2) ** 0.5, rel=1e-5)
    assert figures[0].get_supxlabel().startswith("folds as dots")


def test_an_unknown_metric_is_named(board, tmp_path):
    with pytest.raises(UsageError, match="one of accuracy, macro_f1, found 'f1'"):
        draw_scores(board, tmp_path / "s.svg", "f1")


def test_a_loss_keeps_its_unit_and_the_lowest_is_on_top(figures, tmp_path):
    rows = tuple(
        Row(name=name, objective=name, cells=(Cell({"nll": Score.of({0: value})}, {}),))
        for name, value in (("ce", 1.5), ("aml", 1.25))
    )
    column = Column(0, "nll", "NLL", (), (), lower=True, unit="nats a text")
    draw_scores(Board("b", (Table("t", (DatasetVersion("ed", "ED", "e"),), (column,), rows),)), tmp_path / "s.svg")
    (axes,) = figures[0].axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["ce", "aml"]
    assert axes.lines[0].get_xdata().tolist() == [1.5]
    assert axes.get_xlabel() == "test NLL (nats a text)"


def test_equal_seeds_are_several_seeds(figures, tmp_path):
    row = Row("ce", "ce", (Cell({"accuracy": Score.of({0: 0.5, 1: 0.5})}, {}),))
    column = Column(0, "accuracy", "Acc", (), ())
    draw_scores(Board("b", (Table("t", (DatasetVersion("ed", "ED", "e"),), (column,), (row,)),)), tmp_path / "s.svg")
    assert "seeds as dots" in figures[0].get_supxlabel()


def test_runs_without_test_scores_are_named(tmp_path):
    board = Board("b", (), notes=("left out because they have no test scores: ce",))
    with pytest.raises(RunError, match=r"needs test scores, but the runs have none \(left out because .*: ce\)"):
        draw_scores(board, tmp_path / "s.svg")


@pytest.mark.slow
def test_a_metric_that_records_lack_is_computed(fecbench, figures, tmp_path):
    run = ROOT / "benchmarks" / "results" / "minilm-cpu" / "aml-ge-prepared-s0-3ac77d5197"
    code, _, err = fecbench("plot", "scores", run, "--metric", "micro_f1", "-o", tmp_path / "s.svg")
    assert code == 0, err
    assert figures[0].axes[0].get_xlabel() == "test Micro-F1 (%)"


def test_rows_of_one_method_are_told_apart_by_their_encoder(figures, tmp_path):
    column = Column(0, "accuracy", "Acc", (), ())
    rows = tuple(
        Row("ce", "ce", (Cell({"accuracy": Score.of({0: value})}, {"encoder": encoder}),))
        for encoder, value in (("minilm", 0.75), ("scratch", 0.25))
    )
    draw_scores(Board("b", (Table("t", (DatasetVersion("ed", "ED", "e"),), (column,), rows),)), tmp_path / "s.svg")
    ticks = [tick.get_text() for tick in figures[0].axes[0].get_yticklabels()]
    assert ["scratch" in ticks[0], "minilm" in ticks[1]] == [True, True]


@pytest.mark.slow
@pytest.mark.parametrize("methods", [1, 2, 15])
@pytest.mark.parametrize("seeds", [1, 2, 5])
@pytest.mark.parametrize("datasets", [1, 2, 3])
def test_all_names_are_shown(figures, tmp_path, methods, seeds, datasets):
    rows = tuple(
        Row(
            f"method-{number} (k_pos 5)",
            "m",
            tuple(
                Cell({"accuracy": Score.of({seed: 0.5 + number / 90 + seed / 700 for seed in range(seeds)})}, {})
                for _ in range(datasets)
            ),
        )
        for number in range(methods)
    )
    versions = tuple(DatasetVersion(f"data-{number}", "", str(number)) for number in range(datasets))
    columns = tuple(Column(number, "accuracy", "Acc", (), ()) for number in range(datasets))
    draw_scores(Board("b", (Table("t", versions, columns, rows),)), tmp_path / "s.svg")
    assert len(figures[0].axes) == datasets
    assert all(len(axes.get_yticklabels()) == methods for axes in figures[0].axes)


def test_a_folder_without_runs_is_named(fecbench, tmp_path):
    code, _, err = fecbench("plot", "scores", tmp_path, "-o", tmp_path / "s.svg")
    assert (code, "a plot of scores needs complete runs" in err) == (1, True)


@pytest.mark.slow
def test_a_method_has_one_line_if_only_its_best_trial_is_shown(fecbench, figures, tmp_path):
    results = ROOT / "benchmarks" / "results" / "minilm-cpu"
    runs = [run for method in ("ce", "lcl") for run in results.glob(f"{method}-ed-prepared-*")]
    for flags in ([], ["--best-trial"]):
        assert fecbench("plot", "scores", *runs, *flags, "-o", tmp_path / "s.svg")[0] == 0
    every, best = (len(figure.axes[0].get_yticklabels()) for figure in figures)
    assert (every, best) == (4, 2)

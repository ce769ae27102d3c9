"""The plot of scores: a dot for each seed, the mean with its interval, the best method on top."""

import pytest

from fecbench.core.errors import UsageError
from fecbench.results.leaderboard.board import Board, Cell, Column, DatasetVersion, Row, Score, Table
from fecbench.results.plots.scores import draw_scores, interval


@pytest.fixture
def board():
    def row(name, *values):
        score = Score.of(dict(enumerate(values)))
        return Row(name=name, objective=name, cells=(Cell({"accuracy": score, "macro_f1": score}, {}),))

    data = (DatasetVersion("ed", "ED", "e"),)
    columns = tuple(Column(0, metric, label, (), ()) for metric, label in (("accuracy", "Acc"), ("macro_f1", "F1")))
    return Board("b", (Table("t", data, columns, (row("ce", 0.5, 0.6), row("aml", 0.7))),))


def test_methods_stand_by_their_mean_with_each_seed(board, figures, tmp_path):
    draw_scores(board, tmp_path / "s.svg", "macro_f1")
    (axes,) = figures[0].axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["ce", "aml"]
    assert sorted(axes.lines[0].get_xdata()) == pytest.approx([50, 60])
    assert axes.get_title(loc="left") == "ed: F1"
    assert axes.get_xlim()[0] >= 0
    assert axes.get_xlabel() == "%"


def test_the_interval_is_students():
    assert interval(Score.of({0: 0.50, 1: 0.52, 2: 0.54})) == pytest.approx(4.302653 * 0.02 / 3**0.5, rel=1e-5)
    assert interval(Score.of({0: 0.5})) is None


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
    assert axes.get_xlabel() == "nats a text"

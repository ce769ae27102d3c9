"""The dynamics plot: a run's logged curves, and the gaps that its objective declares."""

import json
import math

import pytest

from fecbench.core.errors import RunError
from fecbench.results.plots.dynamics import draw_dynamics, gap, series
from fecbench.results.plots.style import COLUMN, PAGE


def log(record, *entries):
    """Write a history of (epoch, step, logged values)."""
    events = [{"event": "updates", "epoch": epoch, "step": step, "logs": values} for epoch, step, values in entries]
    (record.folder / "history.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return record


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


@pytest.fixture
def played(recorded):
    """A run of aml with the losses of both players."""
    logs = [{"discriminator_loss": -n, "model_loss": 4.0 - n, "cross_entropy": 2.0, "aml": 0.5} for n in (1.0, 2.0)]
    return log(recorded("played", 0.5), (1, 20, logs[0]), (2, 20, logs[1]))


def test_curves_are_paired_by_their_batch(recorded):
    record = log(
        recorded("uneven", 0.5),
        (1, 20, {"discriminator_loss": 1.0}),
        (1, 25, {"discriminator_loss": 2.0, "discriminator_loss_after": 5.0}),
        (2, 20, {"discriminator_loss_after": 4.0}),
        (2, 25, {"discriminator_loss": 3.0, "discriminator_loss_after": 2.0}),
    )
    assert series(record) == {
        "discriminator_loss": [(20, 1.0), (25, 2.0), (50, 3.0)],
        "discriminator_loss_after": [(25, 5.0), (45, 4.0), (50, 2.0)],
    }
    assert gap(*series(record).values()) == [(25, 3.0), (50, -1.0)]


def test_a_declared_gap_is_drawn_below_its_two_losses(played, figures, tmp_path):
    draw_dynamics(played, tmp_path / "d.svg")
    (figure,) = figures
    assert titles(figure) == [
        "the discriminator's loss (max-step)",
        "the encoder's loss (min-step)",
        "gap (min-step loss - max-step loss)",
    ]
    drawn = [axes.lines[0].get_xydata().tolist() for axes in figure.axes]
    assert drawn == [[[20, -1], [40, -2]], [[20, 3], [40, 2]], [[20, 4], [40, 4]]]
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "loss", "difference"]
    assert figure.axes[-1].get_xlabel() == "training batch"
    assert figure.get_figwidth() == COLUMN
    assert not any(axes.texts for axes in figure.axes)


def test_every_panel_is_drawn_when_asked_for(played, figures, tmp_path):
    draw_dynamics(played, tmp_path / "d.svg", every=True)
    (figure,) = figures
    assert titles(figure) == [
        "L_aml on the hard pairs",
        "the discriminator's loss (max-step)",
        "the encoder's loss (min-step)",
        "gap (min-step loss - max-step loss)",
    ]
    assert [text.get_text() for text in figure.axes[2].texts] == ["model_loss", "cross_entropy"]
    assert figure.get_figwidth() == PAGE


def test_two_curves_without_a_declared_gap_have_none(recorded, figures, tmp_path):
    values = {"discriminator_loss": 1.0, "discriminator_loss_after": 2.0}
    draw_dynamics(log(recorded("one player", 0.5), (1, 20, values), (2, 20, values)), tmp_path / "d.svg")
    assert titles(figures[0]) == ["the discriminator's loss (max-step)"]
    assert [text.get_text() for text in figures[0].axes[0].texts] == list(values)


def test_a_curve_that_ends_in_no_number_keeps_its_label(recorded, figures, tmp_path):
    values = [
        {"discriminator_loss": 1.0, "discriminator_loss_after": 2.0},
        {"discriminator_loss": 1.5, "discriminator_loss_after": math.nan},
    ]
    record = log(recorded("broken off", 0.5), (1, 20, values[0]), (2, 20, values[1]))
    draw_dynamics(record, tmp_path / "d.svg")
    assert all(math.isfinite(text.xy[1]) for text in figures[0].axes[0].texts)


@pytest.mark.parametrize(
    "event", [{"logs": {"a_loss": 1.0}}, {"step": 1}, {"step": 1, "logs": {"a_loss": "high"}}, {"step": 1, "logs": []}]
)
def test_a_broken_history_is_named(recorded, tmp_path, event):
    record = recorded("broken", 0.5)
    (record.folder / "history.jsonl").write_text(json.dumps({"event": "updates", "epoch": 1, **event}) + "\n")
    with pytest.raises(RunError, match=r"history\.jsonl must give every entry of `updates` a step and logs"):
        draw_dynamics(record, tmp_path / "d.svg")


def test_a_single_logged_batch_is_seen(recorded, figures, tmp_path):
    record = log(recorded("short", 0.5), (1, 3, {"discriminator_loss": -1.0, "model_loss": 2.0}))
    draw_dynamics(record, tmp_path / "d.svg")
    for axes in figures[0].axes:
        assert [line.get_marker() for line in axes.lines if line.get_xdata()[0] == 3] == ["o"]
        assert all(float(tick).is_integer() for tick in axes.get_xticks())


def test_many_points_are_a_line(recorded, figures, tmp_path):
    entries = [(1, step, {"a_loss": 1.0 / step}) for step in range(1, 40)]
    draw_dynamics(log(recorded("long", 0.5, objective="ce"), *entries), tmp_path / "d.svg")
    assert figures[0].axes[0].lines[0].get_marker() in ("", "None")


def test_a_panel_is_as_high_as_its_names_need(recorded, figures, tmp_path):
    values = {f"part_{number}_loss": 1.0 for number in range(12)}
    draw_dynamics(log(recorded("parts", 0.5, objective="ce"), (1, 20, values), (2, 20, values)), tmp_path / "d.svg")
    assert len(figures[0].axes[0].texts) == 12

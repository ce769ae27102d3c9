"""The dynamics plot: a run's logged curves, and the gap between those before and after a step."""

import json

import pytest

from fecbench.core.errors import RunError
from fecbench.results.plots.dynamics import draw_dynamics, gap, series


def test_dynamics_pair_curves_by_their_batch(recorded, figures, tmp_path):
    record = recorded("uneven", 0.5)
    logs = [
        (1, 20, {"discriminator_loss": 1.0}),
        (1, 25, {"discriminator_loss": 2.0, "discriminator_loss_after": 5.0}),
        (2, 20, {"discriminator_loss_after": 4.0}),
        (2, 25, {"discriminator_loss": 3.0, "discriminator_loss_after": 2.0}),
    ]
    events = [{"event": "updates", "epoch": epoch, "step": step, "logs": values} for epoch, step, values in logs]
    (record.folder / "history.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    assert series(record) == {
        "discriminator_loss": [(20, 1.0), (25, 2.0), (50, 3.0)],
        "discriminator_loss_after": [(25, 5.0), (45, 4.0), (50, 2.0)],
    }
    assert gap(*series(record).values()) == [(25, 3.0), (50, -1.0)]
    draw_dynamics(record, tmp_path / "d.svg")
    curves, aside = figures[0].axes
    assert [text.get_text() for text in curves.texts] == ["discriminator_loss", "discriminator_loss_after"]
    assert aside.get_title(loc="left") == "gap: discriminator_loss_after - discriminator_loss"
    assert aside.lines[0].get_xydata().tolist() == [[25.0, 3.0], [50.0, -1.0]]


@pytest.mark.parametrize(
    "event", [{"logs": {"a_loss": 1.0}}, {"step": 1}, {"step": 1, "logs": {"a_loss": "high"}}, {"step": 1, "logs": []}]
)
def test_a_broken_history_is_named(recorded, tmp_path, event):
    record = recorded("broken", 0.5)
    (record.folder / "history.jsonl").write_text(json.dumps({"event": "updates", "epoch": 1, **event}) + "\n")
    with pytest.raises(RunError, match=r"history\.jsonl must give every entry of `updates` a step and logs"):
        draw_dynamics(record, tmp_path / "d.svg")

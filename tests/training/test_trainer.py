"""The parts of the loop: schedule, progress, logs that are fetched together."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fecbench.core.errors import NumericalError
from fecbench.training.logs import Window, means
from fecbench.training.schedule import share_of_peak
from fecbench.training.trainer import TrainingState


def test_the_schedule_is_transformers_linear_one():
    from transformers import get_linear_schedule_with_warmup

    for steps, warmup in ((10, 0.0), (10, 0.2), (7, 0.3)):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
        expected = get_linear_schedule_with_warmup(optimizer, round(warmup * steps), steps)
        for step in range(steps + 1):
            assert share_of_peak("linear", step, steps, warmup) == pytest.approx(expected.get_last_lr()[0])
            optimizer.step()
            expected.step()


def test_half_way_and_at_the_end():
    assert share_of_peak("linear", 50, 100, 0.0) == 0.5
    assert share_of_peak("linear", 100, 100, 0.0) == 0.0
    assert share_of_peak("linear", 20, 100, 0.2) == 1.0


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_progress_counts_a_tie_as_better(scores):
    progress = TrainingState()
    for epoch, score in enumerate(scores, 1):
        assert progress.update(epoch, float(score)) == (score == max(scores[:epoch]))
        assert progress.best_epoch == max(e for e, s in enumerate(scores[:epoch], 1) if s == max(scores[:epoch]))
        assert progress.stale == epoch - progress.best_epoch


def test_a_window_is_fetched_at_once_and_empty_afterwards():
    window = Window()
    window.add(0, [("loss", torch.tensor(1.0)), ("count", torch.tensor(3))])
    window.add(1, [("loss", torch.tensor(3.0, dtype=torch.bfloat16))])
    assert means(window.fetch("x", 1)) == {"loss": 2.0, "count": 3.0}
    assert window.fetch("x", 1) == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_told_with_epoch_batch_and_parts(value):
    window = Window()
    window.add(7, [("model_loss", torch.tensor(value)), ("aml", torch.tensor(0.25))])
    window.add(8, [("model_loss", torch.tensor(1.0))])
    with pytest.raises(
        NumericalError,
        match=r"objective x: .* at epoch 2, batch 8 found model_loss (nan|inf), aml 0\.25; try a lower --lr",
    ):
        window.fetch("objective x", 2)

"""The parts of the loop: schedule, progress, logs that are fetched together."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from fecbench.core.errors import NumericalError
from fecbench.training.divergence import not_finite
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


class Operations(TorchDispatchMode):
    """Counts operations."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def test_a_window_fetches_the_values_of_a_device_together():
    window = Window()
    window.add(0, [(f"log{number}", torch.tensor(float(number))) for number in range(100)])
    with Operations() as operations:
        values = window.fetch("x", 1)
    assert values == {f"log{number}": [float(number)] for number in range(100)}
    assert operations.names.count("stack") == 1
    assert "_local_scalar_dense" not in operations.names


BROKEN = [float("nan"), float("inf"), -float("inf")]
TYPES = [torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.complex64]


@pytest.mark.parametrize("value", BROKEN)
@pytest.mark.parametrize("dtype", TYPES)
def test_every_tensor_with_an_infinity_or_nan_is_named(value, dtype):
    tensors = {f"{place}": torch.ones(3, 5, dtype=dtype) for place in range(6)} | {"count": torch.tensor(2**60)}
    for place in (1, 4):
        tensors[f"{place}"][2, 3] = value
    tensors["single"] = torch.tensor(value, requires_grad=True)
    assert not_finite(tensors) == ["1", "4", "single"]


@pytest.mark.parametrize("dtype", TYPES)
def test_great_values_empty_tensors_and_whole_numbers_are_finite(dtype):
    real = torch.float32 if dtype.is_complex else dtype
    great = torch.full((4, 4), torch.finfo(real).max, dtype=real).to(dtype)
    assert not_finite({"great": great, "empty": torch.ones(0, 3, dtype=dtype), "mask": torch.ones(2).bool()}) == []
    assert not_finite({"mask": torch.ones(2).bool()}) == not_finite({}) == []


def test_many_tensors_are_checked_in_few_operations():
    tensors = {f"{place}": torch.ones(2, 3, requires_grad=True) for place in range(800)}
    with Operations() as operations:
        assert not_finite(tensors) == []
    assert len(operations.names) < 10


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

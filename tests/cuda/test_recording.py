"""The pieces of the device check, without a device."""

import warnings

import torch

from fecbench.testing.device_check.gpu import waits_noted
from fecbench.testing.device_check.lines import BACKWARD, current_line, lines_of
from fecbench.testing.device_check.made_up import Values, made_up
from fecbench.testing.device_check.operation import Operation
from fecbench.testing.device_check.recording import Recorder, Recording

aten = torch.ops.aten


def operation(func, *args, **kwargs) -> Operation:
    return Operation(func, args, kwargs)


def test_torchs_warnings_of_waits_are_recorded_with_their_line(monkeypatch):
    modes = []
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", modes.append)
    recording = Recording()
    with waits_noted(recording):
        for name in ("_unique2", "_to_copy"):
            recording.operations[name] += 1
            warnings.warn("called a synchronizing CUDA operation", stacklevel=1)
            warnings.warn("called a synchronizing CUDA operation", stacklevel=1)
        warnings.warn("of something else", stacklevel=1)
    ((wait, count),) = recording.waits.items()
    assert count == 2
    assert __file__ in wait
    assert modes == ["warn", "default"]


def test_operations_on_the_host_are_not_counted():
    recording = Recording()
    with Recorder(recording):
        torch.ones(3).add(1).sum().item()
    assert recording == Recording()


def test_values_are_those_that_were_given_until_they_are_written_over():
    values, tensor = Values(), torch.zeros(3)
    assert values.of(tensor) is tensor
    assert made_up(torch.Size([8]), torch.bool).tolist() == [False, *[True] * 6, False]
    assert made_up(torch.Size([]), torch.float32).item() == 1


def test_what_reads_values_is_known_by_the_schema():
    x, mask = torch.ones(3), torch.ones(3, dtype=torch.bool)
    for reading in (
        operation(aten._local_scalar_dense.default, x),
        operation(aten.nonzero.default, x),
        operation(aten.masked_select.default, x, mask),
        operation(aten._unique2.default, x),
        operation(aten.equal.default, x, x),
        operation(aten.index.Tensor, x, [mask]),
        operation(aten.index_put_.default, x, [mask], x),
    ):
        assert reading.reads_values, reading.name
    for plain in (
        operation(aten.add.Tensor, x, x),
        operation(aten.index.Tensor, x, [torch.tensor([0, 1])]),
        operation(aten.repeat_interleave.Tensor, torch.tensor([1, 2]), output_size=3),
    ):
        assert not plain.reads_values, plain.name


def test_copies_between_devices_are_recognised():
    x = torch.ones(3)
    copy = operation(aten._to_copy.default, x, device=torch.device("cuda"), non_blocking=True).copy
    assert copy == (x, "cuda", True)
    assert operation(aten._to_copy.default, x, device=torch.device("cuda")).wait == "blocking copy to the device"
    assert operation(aten._to_copy.default, x, dtype=torch.float64).copy is None
    assert operation(aten.copy_.default, x, x).copy is None


def test_lines_of_libraries_are_left_out():
    assert lines_of([]) == ""
    assert __file__ in current_line()
    assert BACKWARD

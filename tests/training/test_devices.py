"""The state of the process that a run asks for: current device, float32, deterministic algorithms."""

import json
import os

import pytest
import torch

from fecbench import Objective, Update
from fecbench.core.errors import RunError, UsageError
from fecbench.runs.identity import same_settings
from fecbench.runs.plan import plan
from fecbench.runs.record import Record
from fecbench.training import devices
from tests.support.train import train


@pytest.fixture
def chosen(monkeypatch):
    """The indices of devices that were made the current one; no device needs to be here."""
    found = []
    monkeypatch.setattr(devices, "check", lambda *_: None)
    monkeypatch.setattr(
        devices, "Accelerator", lambda **_: type("Here", (), {"num_processes": 1, "device": torch.device("cpu")})()
    )
    monkeypatch.setattr(torch.accelerator, "set_device_index", found.append)
    monkeypatch.setenv("ACCELERATE_TORCH_DEVICE", "restored after the test")
    return found


@pytest.mark.parametrize(
    ("device", "indices"), [("cuda:1", [1]), ("cuda:0", [0]), ("cuda", []), ("cpu", []), ("cpu:0", []), ("auto", [])]
)
def test_a_device_with_an_index_becomes_the_current_one(chosen, device, indices):
    devices.accelerator(device)
    assert chosen == indices


def test_a_launcher_chooses_the_ranks_devices(chosen, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "0")
    devices.accelerator("cuda:1")
    assert chosen == []


@pytest.mark.parametrize("name", devices.SIZES)
def test_launched_processes_that_cannot_find_one_another_are_told(monkeypatch, name):
    def refused(**_):
        raise ValueError("`MASTER_ADDR` env was not set")

    monkeypatch.setattr(devices, "Accelerator", refused)
    monkeypatch.setenv(name, "2")
    with pytest.raises(UsageError, match=rf"\({name}\) must find one another, but `MASTER_ADDR` .*; start them with"):
        devices.accelerator("cpu")
    monkeypatch.setenv(name, "")
    with pytest.raises(UsageError, match=f"{name} must be the number of launched processes, found ''; unset it"):
        devices.accelerator("cpu")


def test_variables_of_mpi_count_on_the_cpu_alone(chosen, monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "2")
    devices.accelerator("cuda")
    with pytest.raises(UsageError, match="2 processes were launched"):
        devices.accelerator("cpu")


def test_float32_is_computed_in_full_whatever_was_set_before(chosen):
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    devices.accelerator("cpu")
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32


def state():
    """Return the settings that ``deterministic`` changes."""
    algorithms = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    return *algorithms, torch.backends.cudnn.benchmark, os.environ.get("CUBLAS_WORKSPACE_CONFIG")


@pytest.mark.parametrize("before", [None, ":16:8"])
def test_deterministic_algorithms_are_set_in_the_block_alone(monkeypatch, before):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", before or "")
    if before is None:
        del os.environ["CUBLAS_WORKSPACE_CONFIG"]
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    inside = []
    with pytest.raises(RuntimeError), devices.deterministic(True):
        raise RuntimeError(inside.append(state()))
    assert inside == [(True, False, False, ":4096:8")]
    assert state() == (False, False, True, before)
    with devices.deterministic(False):
        assert state() == (False, False, True, before)


class Putting(Objective):
    """Uses an operation without a deterministic form, in the graph or beside it."""

    def updates(self, batch, model):
        loss = model.classify(model.project(model.encode(batch))).logsumexp(1).mean()
        torch.zeros(3).put_(torch.tensor([0]), torch.ones(1))
        yield Update(loss)


def test_an_operation_without_a_deterministic_form_is_named(toy, tmp_path, registered):
    name, before = registered("putting", Putting), state()
    with pytest.raises(
        UsageError, match=r"objective putting .* uses put_.*, which has none; leave --deterministic out"
    ):
        train(name, toy, tmp_path / "run", deterministic=True)
    assert state() == before
    failure = json.loads((tmp_path / "run" / "failure.json").read_text())
    assert "leave --deterministic out" in failure["message"]
    assert train(name, toy, tmp_path / "other", epochs=1).status == "complete"


@pytest.mark.slow
def test_a_deterministic_run_is_recorded_and_resumed_as_one(toy, tmp_path, fecbench):
    flags = ["--dataset", toy, "--encoder", "scratch", "--epochs", 1, "--batch-size", 16, "--run-dir"]
    code, _, err = fecbench("run", "ce", *flags, tmp_path / "run", "--deterministic")
    assert code == 0, err
    record = Record(tmp_path / "run")
    assert record.settings()["deterministic"] is True
    (tmp_path / "run" / "result.json").unlink()
    with pytest.raises(RunError, match="its deterministic was True, not False"):
        train("ce", toy, tmp_path / "run", epochs=1, resume=True)


def test_a_record_from_before_the_setting_counts_as_not_deterministic():
    origins = plan("ce", {"dataset": "demo"}).origins
    older = {key: setting.value for key, setting in origins.items() if key != "deterministic"}
    assert same_settings(origins, older)
    assert not same_settings(plan("ce", {"dataset": "demo"}, spec={"deterministic": True}).origins, older)

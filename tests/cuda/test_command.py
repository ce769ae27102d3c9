"""``fecbench check NAME --device cuda``, with and without what it needs."""

import json
import shutil

import pytest
import torch

from fecbench.testing import DeviceConformance, NotHere, device_report
from fecbench.testing.device_check import guard
from fecbench.testing.device_check.measure import device_reports

pytestmark = pytest.mark.slow


def test_the_command_lists_the_checks_and_sums_up(fecbench, shared_cache):
    code, out, err = fecbench("check", "ce", "--device", "cuda")
    if "skip" in out:
        pytest.skip(out)
    assert code == 0
    # each check on texts with one label, and again on texts with several
    assert [line.split()[0] for line in out.splitlines()] == ["ok"] * 2 * len(DeviceConformance.checks())
    assert " operations, " in err
    assert " and 0 waits in a training step on " in err


def test_the_command_as_json(fecbench, shared_cache):
    _, out, _ = fecbench("check", "ce", "--device", "cuda", "--json")
    assert {row["check"] for row in json.loads(out)} >= {"its tensors are on the device"}


def test_only_objectives_are_checked_on_a_device(fecbench):
    code, _, err = fecbench("check", "linear", "--device", "cuda")
    assert code != 0
    assert "--device cuda checks objectives" in err


def test_a_method_that_does_not_train_is_skipped(fecbench):
    code, out, err = fecbench("check", "tfidf", "--device", "cuda")
    assert code == 0
    assert "it trains nothing" in out
    assert "skipped" in err


@pytest.fixture
def no_gpu(monkeypatch, tmp_path):
    """No GPU, and an empty cache."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_without_a_compiler_the_reason_is_given(no_gpu, monkeypatch, fecbench):
    monkeypatch.setattr(guard, "compiler", lambda: None)
    code, out, err = fecbench("check", "supcon", "--device", "cuda")  # no report of it is cached
    assert code == 0
    assert out.count("needs a C++ compiler") == 2 * len(DeviceConformance.checks())
    assert "8 skipped" in err


def test_a_compiler_that_fails_is_named(no_gpu, monkeypatch):
    monkeypatch.setattr(guard, "compiler", lambda: shutil.which("false"))
    with pytest.raises(NotHere, match="can't be compiled by"):
        device_reports([])


def test_a_build_for_cuda_without_a_gpu_is_named(no_gpu, monkeypatch):
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    with pytest.raises(NotHere, match="built for CUDA, but finds no GPU"):
        device_reports([])


def test_other_systems_are_named(no_gpu, monkeypatch):
    monkeypatch.setattr(guard.sys, "platform", "darwin")
    with pytest.raises(NotHere, match="needs Linux"):
        device_reports([])


def test_the_public_function_reports_each_part(shared_cache):
    try:
        report = device_report("ce", {"encoder": "tiny-bert"})
    except NotHere as reason:
        pytest.skip(str(reason))
    assert report.operations() > 0
    assert report.parts["prediction"].batches > 0

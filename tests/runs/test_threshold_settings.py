"""The settings of thresholds: what they refuse, and what a run does with them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fecbench.core.errors import UsageError
from fecbench.core.files import read_tensors
from fecbench.core.settings import RunSettings, Setting, build
from fecbench.runs.identity import same_settings
from fecbench.runs.plan import plan
from fecbench.runs.predictions import read_predictions
from tests.support.train import train

MULTI = {"dataset": "demo-multi"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"fixed_threshold": 0.3}, "--fixed-threshold needs --thresholds fixed, but they are per-class; add"),
        ({"shrink": 5, "thresholds": "global"}, "--shrink needs --thresholds per-class, but they are global; add"),
        ({"thresholds": "fixed", "fixed_threshold": 1.5}, "--fixed-threshold 1.5: it must be at most 1"),
        ({"shrink": -1}, "--shrink -1: it must be at least 0"),
    ],
)
def test_settings_that_would_have_no_effect_are_refused(given, says):
    with pytest.raises(UsageError, match=says):
        build(RunSettings, {**MULTI, **given}, "run settings")


@pytest.mark.parametrize(
    ("flag", "value"), [("thresholds", "global"), ("fixed_threshold", 0.5), ("shrink", 1.0), ("at_least_one", True)]
)
def test_flags_are_refused_where_a_text_has_one_label(flag, value):
    words = f"--{flag.replace('_', '-')} is for data with several labels a text, and demo gives one; leave it out"
    with pytest.raises(UsageError, match=words):
        plan("ce", {"dataset": "demo", flag: value})
    assert plan("ce", {**MULTI, flag: value}).settings.model_dump()[flag] == value


def test_a_spec_may_name_them_for_all_its_data_sets():
    planned = plan("ce", {"dataset": "demo"}, {"thresholds": "fixed", "fixed_threshold": 0.3})
    assert planned.settings.fixed_threshold == 0.3


def test_a_record_without_the_settings_counts_as_one_with_their_defaults():
    wanted = plan("ce", {"dataset": "demo"}).origins
    new = ("thresholds", "fixed_threshold", "shrink", "at_least_one")
    older = {key: setting.value for key, setting in wanted.items() if key not in new}
    assert same_settings(wanted, older)
    assert not same_settings({**wanted, "shrink": Setting(5.0, "spec")}, older)


@pytest.mark.slow
def test_a_run_decides_by_its_settings(tmp_path):
    strict = {"thresholds": "fixed", "fixed_threshold": 0.9, "epochs": 1}
    plain = train("ce", "demo-multi", tmp_path / "plain", **strict)
    one = train("ce", "demo-multi", tmp_path / "one", at_least_one=True, **strict)
    assert set(plain.result["thresholds"].values()) == {0.9}
    without, given = read_predictions(plain), read_predictions(one)
    assert np.array_equal(without["logits"], given["logits"])
    lacking = ~without["given"].any(1)
    assert lacking.any()
    assert np.array_equal(given["given"][~lacking], without["given"][~lacking])
    assert np.array_equal(given["given"][lacking].argmax(1), without["logits"][lacking].argmax(1))
    assert one.result["metrics"]["test"]["without_label"] == 0


@pytest.mark.slow
def test_thresholds_are_saved_with_the_weights(tmp_path):
    record = train("ce", "demo-multi", tmp_path / "run", epochs=1)
    tensors, about = read_tensors(record.folder / "best.safetensors")
    assert about["thresholds"] == record.result["thresholds"]
    assert len({*about["thresholds"].values()}) > 1
    assert all(torch.is_tensor(tensor) for tensor in tensors.values())


@pytest.mark.slow
def test_further_metrics_are_computed_for_label_sets_too(fecbench, tmp_path):
    asked = ("--metric", "micro_f1:without=sad", "--metric", "soft_micro_f1")
    brief = ("--encoder", "scratch", "--epochs", 1, "--run-dir", tmp_path / "run", "--json")
    code, out, err = fecbench("run", "ce", "--dataset", "demo-multi", *brief, *asked)
    assert code == 0, err
    assert '"micro_f1:without=sad"' in out
    assert '"soft_micro_f1"' in out


def test_a_metric_for_other_data_is_refused_before_training(fecbench, tmp_path):
    folder = tmp_path / "run"
    code, _, err = fecbench("run", "ce", "--dataset", "demo-multi", "--metric", "mrr", "--run-dir", folder)
    assert code == 2
    assert "the metric mrr is for data with one label a text" in err
    assert not folder.exists()

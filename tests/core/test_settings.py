"""Every setting has one value and one origin."""

import pytest

from fecbench.core.errors import UnknownName, UsageError
from fecbench.core.settings import Layer, RunSettings, build, resolve
from fecbench.runs.plan import plan


def test_later_layers_win_and_are_named():
    found = resolve(Layer("default", {"a": 1, "b": 1}), Layer("encoder", {"b": 2}), Layer("flag", {}))
    assert {key: (setting.value, setting.origin) for key, setting in found.items()} == {
        "a": (1, "default"),
        "b": (2, "encoder"),
    }


def test_the_defaults_are_the_papers():
    settings = RunSettings(dataset="ge")
    found = (
        settings.encoder,
        settings.lr,
        settings.weight_decay,
        settings.batch_size,
        settings.epochs,
        settings.patience,
        settings.warmup,
    )
    assert found == ("roberta-base", 2e-5, 1e-3, 64, 8, 4, 0.0)


def test_order_of_origins():
    origins = plan(
        "aml", {"dataset": "ge-prepared", "encoder": "minilm", "k_pos": 5}, spec={"k_neg": 7, "k_pos": 6, "epochs": 2}
    ).origins
    assert (origins["lr"].value, origins["lr"].origin) == (1e-4, "encoder minilm")
    assert (origins["head"].value, origins["head"].origin) == ("label", "objective aml")
    assert (origins["k_pos"].value, origins["k_pos"].origin) == (5, "flag")
    assert (origins["k_neg"].value, origins["k_neg"].origin) == (7, "spec")
    assert (origins["epochs"].value, origins["epochs"].origin) == (2, "spec")
    assert (origins["weight_decay"].value, origins["weight_decay"].origin) == (1e-3, "default")


def test_a_preset_is_named_with_its_data_set():
    origins = plan("aml", {"dataset": "ge"}).origins
    assert (origins["k_pos"].value, origins["k_pos"].origin) == (20, "preset aml on ge")
    assert plan("aml", {"dataset": "ed"}).options.k_pos == 10


def test_demo_takes_scratch_unless_told_otherwise():
    assert plan("aml", {"dataset": "demo"}).settings.encoder == "scratch"
    assert plan("ce", {"dataset": "demo", "encoder": "minilm"}).settings.encoder == "minilm"


@pytest.mark.parametrize(
    ("flags", "error", "message"),
    [
        ({}, UsageError, "a data set is needed: --dataset"),
        ({"dataset": "ge", "epoch": 3}, UnknownName, "did you mean 'epochs'"),
        ({"dataset": "ge", "epochs": 0}, UsageError, "--epochs 0: it must be at least 1"),
        ({"dataset": "ge", "adam_eps": 0}, UsageError, "--adam-eps 0: it must be greater than 0"),
        ({"dataset": "ge", "precision": "float16"}, UsageError, "--precision float16"),
        ({"dataset": "ge", "lr": float("nan")}, UsageError, "--lr nan"),
        ({"dataset": "ge", "label_smoothing": 1.0}, UsageError, "options of ce: --label-smoothing 1.0"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_loaded(flags, error, message):
    with pytest.raises(error, match=message):
        plan("ce", flags)


def test_a_missing_setting_is_named():
    with pytest.raises(UsageError, match="--dataset is needed"):
        build(RunSettings, {}, "run settings")

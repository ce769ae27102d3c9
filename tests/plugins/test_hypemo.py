"""HypEmo trains and predicts: its presets, a tree of one's own, the projector's rate."""

from functools import partial
from itertools import pairwise

import pytest
import torch

from fecbench import Predictor, Task
from fecbench.core.files import read_tensors
from fecbench.data.datasets.builtin.descriptions import GOEMOTIONS
from fecbench.runs.plan import plan
from fecbench.training.optimizers import assign_parameters
from fecbench_hypemo import HypEmo, HypEmoConfig
from fecbench_hypemo.ball import distance
from tests.support.train import train

train_hypemo = partial(train, "hypemo", batch_size=8, device="cpu")


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dot": "mean", "ball_activation": "none", "projector_lr_step": "epoch", "hyperbolic_weight": 2.0},
        {"hyperbolic_weight": 0.0},
    ],
)
def test_it_trains_and_predicts(toy, tmp_path, options):
    record = train_hypemo(toy, tmp_path / "run", epochs=6, **options)
    logs = [event["logs"] for event in record.history() if event["event"] == "epoch"]
    weight = options.get("hyperbolic_weight", 0.25)
    assert logs[0]["model_loss"] == pytest.approx(
        logs[0]["weighted_cross_entropy"] + weight * logs[0]["hyperbolic"], rel=1e-5
    )
    assert logs[-1]["weighted_cross_entropy"] < logs[0]["weighted_cross_entropy"]
    assert logs[0]["label_distance"] > 0
    settings = {
        name: record.about["settings"][name]["value"] for name in ("head", "optimizer", "schedule", "weight_decay")
    }
    assert settings == {"head": "hypemo", "optimizer": "adam", "schedule": "constant", "weight_decay": 0.01}
    saved = read_tensors(record.folder / "best.safetensors")[0]
    assert saved["objective.label_vectors"].isfinite().all()
    assert Predictor.load(record).probabilities(["my dog died"]).shape == (1, 3)


@pytest.mark.slow
def test_a_tree_of_ones_own_is_used_and_needed_no_more_once_it_was(toy, tmp_path, fecbench):
    file = tmp_path / "tree.toml"
    file.write_text('good = ["glad"]\nbad = ["mad", "sad"]\n')
    record = train_hypemo(toy, tmp_path / "run", tree=str(file))
    vectors = read_tensors(record.folder / "best.safetensors")[0]["objective.label_vectors"].double()
    glad_mad, glad_sad, mad_sad = distance(vectors[[0, 0, 1]], vectors[[1, 2, 2]]).tolist()
    assert mad_sad < min(glad_mad, glad_sad)
    file.unlink()
    assert Predictor.load(record).probabilities(["my dog died"]).shape == (1, 3)
    code, _, err = fecbench(
        "run", "hypemo", "--dataset", toy, "--encoder", "scratch", "--tree", file, "--run-dir", tmp_path / "other"
    )
    assert code == 1
    assert "--tree must be auto, flat, ed, ge or a TOML file" in err
    assert "Traceback" not in err


def test_the_projector_has_a_rate_of_its_own_that_dies_away():
    chosen = plan("hypemo", {"dataset": "ge", "encoder": "scratch"})
    task = Task("ge", tuple(GOEMOTIONS), (), 8, 8, 0)
    objective = HypEmo(chosen.options, task)
    players = assign_parameters(objective, torch.nn.Linear(8, 8), chosen.settings, "hypemo")
    projector = players["projector"].optimizer
    assert type(projector) is torch.optim.Adam
    assert {group["weight_decay"] for group in projector.param_groups} == {0.0}
    rates = []
    for step in range(200):
        players["projector"].schedule(1.0, step, 2000)
        rates.append(projector.param_groups[0]["lr"])
    assert rates[0] == 0.01
    assert rates[-1] == pytest.approx(0.01 / 2**19)
    assert sum(b < a for a, b in pairwise(rates)) == 19


def test_presets_are_the_cards():
    for name, expected in (
        ("ge-prepared", (0.9, 0.1, 5, 1e-5)),
        ("ed-prepared", (1.0, 0.25, 10, 1e-5)),
        ("demo", (1.0, 0.25, 10, 1e-3)),
    ):
        chosen = plan("hypemo", {"dataset": name})
        options = chosen.options
        assert isinstance(options, HypEmoConfig)
        assert (
            options.classification_weight,
            options.hyperbolic_weight,
            options.negatives,
            chosen.settings.lr,
        ) == expected
        assert (chosen.settings.batch_size, chosen.settings.epochs) == (100, 20)

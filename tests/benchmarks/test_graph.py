"""A training step over static memory has a usual step's losses and gradients, for every method that never waits.

Capture and replay need a GPU; here stand-ins run their code.
"""

import json
from contextlib import contextmanager, nullcontext

import pytest
import torch

from fecbench.core.registry import objectives
from fecbench.objective.check import get_objective
from tests.support.toy_data import rows

SETTINGS = {"dataset": "demo", "encoder": "tiny-roberta", "device": "cpu", "batch_size": 16}


def trains(name: str) -> bool:
    return get_objective(name).trains and not get_objective(name).host_waits


@pytest.fixture
def compared(part):
    """The comparison of a method: ``compared("ce", pooling="mean")``."""
    graph = part("graph")

    def compare(name: str, **settings: object):
        return graph.Comparison.of(graph.Method(name, {**SETTINGS, **settings}, None, 4))

    return compare


@pytest.fixture
def paraphrased(tmp_path):
    """A folder with data whose texts have a paraphrase of another length."""
    for split, count in (("train", 30), ("validation", 5), ("test", 5)):
        lines = [{"text": text, "label": label, "aug_text": f"{text} or so"} for text, label in rows(count)]
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(tmp_path)


def test_static_steps_agree_with_usual_ones(compared):
    assert compared("ce").static_steps_agree()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in objectives if trains(name) and name != "ce"])
def test_static_steps_of_every_method_agree(name, compared):
    assert compared(name).static_steps_agree()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ce", {"pooling": "mean", "head": "linear", "encoder": "tiny-bert"}),
        ("ce", {"head": "label"}),
        ("ce", {"packing": False}),
        ("ce", {"clip": 0.1, "no_decay_norm_bias": True}),
        ("aml", {"family": "mlp", "discriminator_steps": 2, "encoder_steps": 2}),
    ],
)
def test_static_steps_of_other_models_agree(name, settings, compared):
    assert compared(name, **settings).static_steps_agree()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["supcon", "lcl"])
def test_static_steps_on_paraphrases_agree(name, compared, paraphrased):
    comparison = compared(name, dataset=paraphrased)
    assert set(comparison.shape.views) == {"aug_text"}
    assert comparison.static_steps_agree()


def test_steps_on_other_batches_do_not_agree(compared):
    comparison = compared("ce")
    comparison.filled.reverse()
    assert not comparison.static_steps_agree()


def test_a_batch_overwrites_the_one_before(compared):
    comparison = compared("ce")
    first, second = (comparison.buffer.put(batch) for batch in comparison.filled[:2])
    assert first.tokens.ids.data_ptr() == second.tokens.ids.data_ptr()
    assert second.tokens.ids.equal(comparison.filled[1].tokens.ids)
    assert second.labels.equal(comparison.batches[1].labels)
    assert second.to(torch.device("cpu")).labels.data_ptr() == first.labels.data_ptr()


def test_a_method_that_waits_is_named(part, capsys):
    graph = part("graph")
    assert graph.agrees(graph.Method("taco", SETTINGS, None, 2))
    assert "taco: can't be captured: in each step the host waits" in capsys.readouterr().out


class Stream:
    def wait_stream(self, _: object) -> None:
        pass


class StandIns:
    """Stand-ins for CUDA's capture: a replay repeats the captured step and overwrites its results."""

    def __init__(self, monkeypatch, part):
        self.capturing = False
        for module in (part("static_buffer"), part("replay")):
            monkeypatch.setattr(module, "capturing", lambda: self.capturing)
        monkeypatch.setattr(torch.cuda, "Stream", Stream)
        monkeypatch.setattr(torch.cuda, "current_stream", Stream)
        monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: self)
        monkeypatch.setattr(torch.cuda, "graph", lambda _: self.captured())

    @contextmanager
    def captured(self):
        self.capturing = True
        yield
        self.capturing = False

    def follow(self, replay, batch) -> None:
        self.replayed = replay, batch

    def replay(self) -> None:
        replay, batch = self.replayed
        with self.captured():
            logs = replay.trainee.stepper.step(batch, 1.0)
        for (_, kept), (_, new) in zip(replay.logs, logs, strict=True):
            kept.copy_(new)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ce", "aml-uniform"])
def test_replays_follow_batches_rates_and_generators(name, part, compared, monkeypatch):
    comparison, replays = compared(name), part("replay")
    cuda = StandIns(monkeypatch, part)
    made = replays.Replay.__init__

    def remembered(replay, *arguments):
        made(replay, *arguments)
        cuda.follow(replay, comparison.buffer.main.batch)

    monkeypatch.setattr(replays.Replay, "__init__", remembered)
    assert comparison.replays_agree()
    replay, _ = cuda.replayed
    replay.step(comparison.filled[0], 0.5)
    for player in replay.trainee.stepper.players.values():
        assert [float(group["lr"]) for group in player.optimizer.param_groups] == pytest.approx(
            [player.lr / 2] * len(player.optimizer.param_groups)
        )

"""CDP+MLM on texts with several labels: a pair for each label and as many others, and the original's loss."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from fecbench import Material, TokenColumn
from fecbench.data.batches import TrainingBatches
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.streams import LabelSetMaterial, with_streams
from fecbench.runs.build import build, streams_of
from fecbench.runs.plan import plan
from fecbench_cdp import classification_loss, paired, paired_label_sets

CLASSES = 5
SETS = [[0], [1, 3], [], [0, 1, 2, 3], [4], [0, 1, 2, 3, 4]]  # with three labels of five and more, few others are left
PAIRS = {"own": [1, 2, 0, 4, 1, 5], "other": [1, 2, 1, 1, 1, 0]}


def column(rows):
    return TokenColumn(np.concatenate(rows), np.cumsum([0, *map(len, rows)]))


SECOND = column([[3, 100 + label, 3] for label in range(CLASSES)])


def material(sets, tokenizer=None, seed=0):
    """Training rows whose texts are the number of their row."""
    targets = np.zeros((len(sets), CLASSES), np.float32)
    for row, labels in enumerate(sets):
        targets[row, labels] = 1
    texts = column([[2, 10 + row, 3] for row in range(len(sets))])
    parts = {"tokenizer": tokenizer, "max_length": 50, "seed": seed}
    return LabelSetMaterial(["x"] * len(sets), tokens=texts, targets=targets, **parts)


def pairs_of(split):
    """Return text, label of the definition, and the pair's own label, one row a pair."""
    ids = split.columns["text"].ids.reshape(-1, 5)
    return np.stack([ids[:, 1] - 10, ids[:, 3] - 100, split.labels], 1)


def test_each_label_makes_a_pair_and_as_many_others_make_one():
    pairs = pairs_of(paired_label_sets(material(SETS), SECOND, 0))
    assert len({tuple(pair) for pair in pairs.tolist()}) == len(pairs)  # drawn without repetition
    for row, labels in enumerate(SETS):
        own, other = (pairs[(pairs[:, 0] == row) & (pairs[:, 2] == kind), 1].tolist() for kind in (0, 1))
        assert own == labels
        assert not set(other) & set(labels)
        assert (len(own), len(other)) == (PAIRS["own"][row], PAIRS["other"][row])


def test_other_labels_are_drawn_evenly_and_anew_in_each_pass():
    rows = material([[0, 2]] * 4000)
    passes = [pairs_of(paired_label_sets(rows, SECOND, number)) for number in (0, 1, 0)]
    assert np.array_equal(passes[0], passes[2])
    assert not np.array_equal(passes[0], passes[1])
    assert {len(one) for one in passes} == {16_000}
    others = passes[0][passes[0][:, 2] == 1, 1]
    counts = np.bincount(others, minlength=CLASSES) / len(others)
    assert counts == pytest.approx([0, 1 / 3, 0, 1 / 3, 1 / 3], abs=0.03)
    seeds = [pairs_of(paired_label_sets(material([[0]] * 50, seed=seed), SECOND, 0)) for seed in (0, 1)]
    assert not np.array_equal(*seeds)


def test_one_label_a_text_makes_the_pairs_of_today():
    labels = np.arange(40) % CLASSES
    several = material([[label] for label in labels])
    one = Material(several.texts, labels, several.tokens, None, 50, 0)
    today, ours = (pairs_of(rows) for rows in (paired(one, SECOND, 0), paired_label_sets(several, SECOND, 0)))
    assert np.array_equal(today[:40], ours[:40])  # the definitions of the labels
    assert np.array_equal(today[:, [0, 2]], ours[:, [0, 2]])
    assert (ours[40:, 1] != labels).all()


def test_the_originals_loss_is_the_mean_over_texts_and_labels():
    assert float(classification_loss(torch.zeros(3, 28), torch.rand(3, 28).round(), sigmoid=True)) == pytest.approx(
        math.log(2)
    )
    torch.manual_seed(0)
    logits, labels = torch.randn(4, CLASSES), torch.tensor([0, 4, 2, 2])
    targets = torch.nn.functional.one_hot(labels, CLASSES).float()
    for sigmoid in (True, False):
        one, several = (classification_loss(logits, truth, sigmoid) for truth in (labels, targets))
        assert one.item() == pytest.approx(several.item(), abs=1e-9 if sigmoid else 1e-6)


@pytest.fixture(scope="module")
def setting():
    """The data with several labels, and a small model."""
    flags = {"dataset": "demo-multi", "encoder": "tiny-bert", "device": "cpu", "epochs": 1}
    chosen = plan("cdp-mlm", flags)
    data = load_dataset(chosen.settings, DataLocations())
    return data, build(chosen, data, torch.device("cpu"))


def test_steps_on_texts_and_on_pairs(setting):
    data, built = setting
    train = TrainingBatches(built.splits["train"], 32, 0)
    streams = streams_of(built, data, train)
    batch = with_streams(next(iter(train.epoch(1))), streams, 0)
    built.model.eval()
    texts, pairs = built.objective.updates(batch, built.model)
    logits = built.model.classify(built.model.project(built.model.encode(batch)))
    expected = binary_cross_entropy_with_logits(logits, batch.targets, reduction="none").sum(1).mean()
    torch.testing.assert_close(texts.loss, expected)
    assert set(pairs.logs) == {"cdp", "mlm", "main_steps"}
    assert float(pairs.logs["cdp"]) == pytest.approx(math.log(2), abs=0.2)
    counts = built.splits["train"].targets.sum()
    assert len(streams["pairs"].stream(0)) == 2 * counts  # no text has more than half of the labels, or none


@pytest.mark.parametrize(("loss", "parts"), [("softmax", 1), ("sigmoid", 12)])
def test_the_main_loss_is_a_sum_or_the_originals_mean(setting, loss, parts):
    built = setting[1]
    objective = SimpleNamespace(config=SimpleNamespace(main_loss=loss), task=built.objective.task)
    batch = next(iter(TrainingBatches(built.splits["train"], 32, 0).epoch(1)))
    logits = torch.randn(32, 12, generator=torch.Generator().manual_seed(0))
    found = type(built.objective).classification(objective, logits, batch)
    torch.testing.assert_close(found * parts, built.objective.task.nll(logits, batch))


def test_the_classifier_starts_at_the_base_rates(setting):
    built = setting[1]
    shares = built.splits["train"].targets.mean(0)
    torch.testing.assert_close(built.model.head.classifier[-1].bias.sigmoid(), torch.from_numpy(shares))

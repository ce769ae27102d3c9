"""CDP+MLM: pairs, masking and losses against the card's numbers and a slow loop; streams and schedule."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from fecbench import FecbenchError, Material, TokenColumn, Update
from fecbench.data.batches import TrainingBatches
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.streams import with_streams
from fecbench.runs.build import build, streams_of
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.testing import ObjectiveConformance
from fecbench_cdp import (
    CDPMLM,
    CDPMLMConfig,
    classification_loss,
    definitions,
    mask_tokens,
    mean_cross_entropy,
    pair_columns,
    paired,
)
from fecbench_cdp.pairs import definition_column


class TestConformance(ObjectiveConformance):
    name = "cdp-mlm"
    settings = {"epochs": 8, "rho": 0.7}  # noqa: RUF012


# Losses.


def test_the_card_s_numbers():
    cdp = mean_cross_entropy(torch.tensor([[1.0, -1.0], [0.0, 0.5]]), torch.tensor([0, 1]))
    rows = torch.tensor([[2.0, 0, 0, 0], [0, 0, 0, 0], [0, 3, 0, 0]])
    mlm = mean_cross_entropy(rows, torch.tensor([0, -100, 2]))
    assert float(cdp) == pytest.approx(0.300502, abs=1e-6)
    assert float(mlm) == pytest.approx(1.739980, abs=1e-6)
    assert float(cdp + mlm) == pytest.approx(2.040482, abs=1e-6)
    assert float(mean_cross_entropy(rows, torch.full((3,), -100))) == 0.0
    assert float(classification_loss(torch.zeros(3, 28), torch.tensor([0, 5, 27]), sigmoid=True)) == pytest.approx(
        math.log(2)
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_mean_over_chosen_positions_is_a_slow_loop_s(dtype):
    torch.manual_seed(0)
    logits, targets = torch.randn(12, 7, dtype=dtype) * 20, torch.randint(0, 7, (12,))
    targets[::3] = -100
    losses = []
    for row, target in zip(logits.double().tolist(), targets.tolist(), strict=True):
        if target != -100:
            top = max(row)
            losses.append(top + math.log(sum(math.exp(value - top) for value in row)) - row[target])
    found = mean_cross_entropy(logits, targets)
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert float(found) == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def test_the_sigmoid_variant_is_a_slow_loop_s():
    torch.manual_seed(0)
    logits, labels = torch.randn(4, 5, dtype=torch.float64), torch.tensor([0, 4, 2, 2])
    total = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        for index, value in enumerate(row):
            total += math.log1p(math.exp(-value if index == label else value))
    assert float(classification_loss(logits, labels, sigmoid=True)) == pytest.approx(total / 20)


# Masking.

SPECIAL, MASK = torch.tensor([0, 1, 2, 3, 4]), 4
WORDS = torch.arange(5, 1000)


def masked(ids, seed=0, **options):
    return mask_tokens(ids, SPECIAL, MASK, WORDS, generator=torch.Generator().manual_seed(seed), **options)


def test_rates_of_masking():
    ids = torch.randint(5, 1000, (100_000,))
    before = ids.clone()
    found = masked(ids)
    chosen = found.positions[found.targets != -100]
    assert torch.equal(ids, before)
    assert torch.equal(found.targets[found.targets != -100], ids[chosen])
    assert len(chosen) / len(ids) == pytest.approx(0.15, abs=0.01)
    kinds = (found.ids[chosen] == MASK, found.ids[chosen] == ids[chosen])
    assert float(kinds[0].float().mean()) == pytest.approx(0.8, abs=0.02)
    assert float(kinds[1].float().mean()) == pytest.approx(0.1, abs=0.02)
    untouched = torch.ones(len(ids), dtype=torch.bool).index_fill(0, chosen, False)
    assert torch.equal(found.ids[untouched], ids[untouched])


def test_special_tokens_are_neither_chosen_nor_put_in():
    ids = torch.tensor([2, 7, 3, 9, 3] * 2000)
    found = masked(ids, probability=0.9)
    positions = found.positions[found.targets != -100]
    assert not torch.isin(ids[positions], SPECIAL).any()
    assert not torch.isin(found.ids[positions], SPECIAL[SPECIAL != MASK]).any()


def test_any_number_of_special_tokens_is_left_out_without_sorting_them(monkeypatch):
    monkeypatch.setattr(torch, "isin", None)  # it sorts long lists, and counts the different ones
    ids, special = torch.randint(0, 1000, (5000,)), torch.arange(300)
    masked = mask_tokens(ids, special, MASK, torch.arange(300, 1000), probability=0.9)
    assert (masked.targets[masked.targets != -100] >= 300).all()
    assert masked.ids[ids < 300].equal(ids[ids < 300])


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_few_tokens(count):
    found = masked(torch.full((count,), 3))
    assert (found.targets == -100).all()
    assert len(found.positions) <= count


def test_the_number_of_positions_depends_on_the_length_alone():
    assert len({len(masked(torch.randint(5, 1000, (500,)), seed).positions) for seed in range(20)}) == 1


# Pairs.


def column(rows):
    return TokenColumn(np.concatenate(rows), np.cumsum([0, *map(len, rows)]))


FIRST = column([[2, 10, 3], [2, 11, 12, 13, 14, 3], [2, 3]])
SECOND = column([[3, 20, 3], [3, 21, 22, 3]])


def rows_of(pairs):
    lists = [part.tolist() for part in np.split(pairs.ids, pairs.offsets[1:-1])]
    return lists, [part.tolist() for part in np.split(pairs.segments, pairs.offsets[1:-1])]


def test_pairs_are_text_and_definition():
    ids, segments = rows_of(pair_columns(FIRST, SECOND, np.array([0, 2, 1]), np.array([1, 0, 0]), 100))
    assert ids == [[2, 10, 3, 21, 22, 3], [2, 3, 20, 3], [2, 11, 12, 13, 14, 3, 20, 3]]
    assert segments == [[0, 0, 0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 1, 1]]


def test_only_the_text_is_cut():
    ids, _ = rows_of(pair_columns(FIRST, SECOND, np.array([0, 1]), np.array([1, 1]), 7))
    assert ids == [[2, 10, 3, 21, 22, 3], [2, 11, 12, 3, 21, 22, 3]]


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_pairs_are_the_tokenizer_s_own(family, tokenizer):
    from tokenizers.processors import RobertaProcessing

    if family == "roberta":
        cls, sep = (tokenizer.cls_token, tokenizer.cls_token_id), (tokenizer.sep_token, tokenizer.sep_token_id)
        tokenizer = type(tokenizer)(tokenizer_object=tokenizer.backend_tokenizer, **tokenizer.special_tokens_map)
        tokenizer.backend_tokenizer.post_processor = RobertaProcessing(sep[::1], cls[::1])
    texts, label_texts = ["what a lovely day", "rain"], ["glad: a treat", "sad: an empty house"]
    first = column([tokenizer(text)["input_ids"] for text in texts])
    second = definition_column(["glad", "sad"], label_texts, tokenizer)
    ids, segments = rows_of(pair_columns(first, second, np.array([0, 1]), np.array([1, 0]), 50))
    own = tokenizer(texts, ["an empty house", "a treat"], return_token_type_ids=True)
    assert ids == own["input_ids"]
    if family == "bert":  # RoBERTa has no segments; they are dropped before it reads them
        assert segments == own["token_type_ids"]


def test_definitions_that_leave_no_room_for_a_text_are_refused(tmp_path):
    chosen = plan("cdp-mlm", {"dataset": "demo", "encoder": "tiny-bert", "max_length": 8, "limit": 64})
    with pytest.raises(
        FecbenchError,
        match=r"room for a label's whole definition and a text, \d+ tokens, but reads 8; raise --max-length",
    ):
        run(chosen, RunContext(DataLocations(), tmp_path / "run"))


@pytest.mark.parametrize("options", [{"rho": 1.0}, {"cdp": False, "mlm": False}])
def test_runs_without_pairs_need_no_room_for_definitions(setting, options):
    built = setting[2]
    material = Material(["x"], np.array([0]), FIRST, built.source.tokenizer, max_length=3, seed=0)
    assert objective_of(built, **options).streams(material) == {}


def test_a_tokenizer_without_separator_or_mask_is_refused(tmp_path):
    with pytest.raises(FecbenchError, match="its tokenizer has no separator or no mask"):
        run(
            plan("cdp-mlm", {"dataset": "demo", "encoder": "none", "limit": 64}),
            RunContext(DataLocations(), tmp_path / "run"),
        )


def test_negatives_are_other_labels_evenly_and_anew_in_each_pass(tokenizer):
    count, classes = 6000, 4
    labels = np.arange(count) % classes
    texts = column([[2, 10, 3]] * count)
    material = Material(["x"] * count, labels, texts, tokenizer, 50, 0)
    second = column([[3, 100 + label, 3] for label in range(classes)])
    passes = [paired(material, second, number) for number in (0, 1, 0)]
    named = [one.columns["text"].ids.reshape(-1, 5)[:, 3] - 100 for one in passes]
    assert np.array_equal(passes[0].labels, np.repeat([0, 1], count))
    assert np.array_equal(named[0][:count], labels)
    assert (named[0][count:] != labels).all()
    assert np.array_equal(named[0], named[2])
    assert not np.array_equal(named[0], named[1])
    shares = np.bincount((named[0][count:] - labels) % classes, minlength=classes) / count
    assert shares[1:] == pytest.approx([1 / 3] * 3, abs=0.03)


def test_definitions_leave_names_out():
    labels, texts = (
        ["joy", "relief", "mood: calm", "mood: low"],
        ["joy: great: indeed", "relief", "mood: calm", "mood: low: rain"],
    )
    assert definitions(labels, texts) == ["great: indeed", "relief", "mood: calm", "rain"]


# Steps.


@pytest.fixture(scope="module")
def setting():
    """The demo's data and a small model."""
    chosen = plan("cdp-mlm", {"dataset": "demo", "encoder": "tiny-bert", "device": "cpu", "epochs": 1})
    data = load_dataset(chosen.settings, DataLocations())
    return chosen, data, build(chosen, data, torch.device("cpu"))


def objective_of(built, **options):
    torch.manual_seed(0)
    return CDPMLM(CDPMLMConfig(**options), built.objective.task)


def batches_of(setting):
    _, data, built = setting
    train = TrainingBatches(built.splits["train"], 32, 0)
    streams = streams_of(built, data, train)
    return [with_streams(batch, streams, number) for number, batch in enumerate(train.epoch(1))]


def test_an_untrained_model_knows_nothing(setting):
    built = setting[2]
    batch = batches_of(setting)[0]
    (update,) = objective_of(built, rho=0).updates(batch, built.model)
    assert float(update.logs["cdp"]) == pytest.approx(math.log(2), abs=0.2)
    assert float(update.logs["mlm"]) == pytest.approx(math.log(len(built.source.tokenizer)), abs=0.5)


def test_rho_1_is_cross_entropy(setting):
    built = setting[2]
    for batch in batches_of(setting)[:3]:
        built.model.eval()
        (update,) = objective_of(built, rho=1).updates(batch, built.model)
        expected = cross_entropy(built.model.classify(built.model.project(built.model.encode(batch))), batch.labels)
        assert torch.equal(update.loss, expected)


@pytest.mark.slow
def test_rho_0_never_moves_the_classifier(tmp_path):
    from safetensors.torch import load_file

    from fecbench.training.checkpoints import BEST

    moved = {}
    for rho in (0.0, 1.0):
        chosen = plan(
            "cdp-mlm",
            {
                "dataset": "demo",
                "encoder": "tiny-bert",
                "epochs": 1,
                "limit": 64,
                "batch_size": 16,
                "rho": rho,
                "lr": 1e-3,
            },
        )
        record = run(chosen, RunContext(DataLocations(), tmp_path / str(rho)))
        moved[rho] = load_file(record.folder / BEST)["model.head.classifier.1.weight"]
    fresh = (
        build(chosen, load_dataset(chosen.settings, DataLocations()), torch.device("cpu"))
        .model.head.classifier[1]
        .weight
    )
    assert torch.equal(moved[0.0], fresh)
    assert not torch.equal(moved[1.0], fresh)


def read_in(setting, epochs, monkeypatch, **options):
    """Rows read for classification in each epoch, numbers of the batches of pairs in order, and the keys of those."""
    _, data, built = setting
    train, objective = TrainingBatches(built.splits["train"], 32, 0), objective_of(built, **options)
    streams, texts, pairs = streams_of(built, data, train), [[] for _ in range(epochs)], []
    original = type(streams["pairs"]).__call__
    monkeypatch.setattr(type(streams["pairs"]), "__call__", lambda self, *of: pairs.append(of) or original(self, *of))
    monkeypatch.setattr(objective, "auxiliary", lambda batch, model: Update(torch.zeros(())))
    model = SimpleNamespace(
        encode=lambda batch: texts[batch.key[1] - 1].extend(batch.rows.tolist()) or batch,
        project=lambda batch: batch,
        classify=lambda batch: torch.zeros(len(batch), len(data.labels)),
    )
    for epoch in range(1, epochs + 1):
        for number, batch in enumerate(train.epoch(epoch), (epoch - 1) * len(train)):
            list(objective.updates(with_streams(batch, streams, number), model))
    return texts, [number for number, _ in pairs], [key for _, key in pairs], epochs * len(train)


@pytest.mark.parametrize(
    "options", [{"rho": rho} for rho in (0.3, 0.5, 0.7, 0.9, 1.0)] + [{"rho": 0.0, "cdp": False, "mlm": False}]
)
def test_every_text_is_read_for_classification_once_in_an_epoch(setting, monkeypatch, options):
    texts, *_ = read_in(setting, 2, monkeypatch, **options)
    everything = list(range(len(setting[2].splits["train"])))
    assert [sorted(rows) for rows in texts] == [everything, everything]
    assert texts[0] != texts[1]


@pytest.mark.parametrize("rho", [0.3, 0.5, 0.7, 0.9])
def test_batches_of_pairs_are_read_in_turn_and_none_is_left_out(setting, monkeypatch, rho):
    _, pairs, keys, batches = read_in(setting, 4, monkeypatch, rho=rho)
    assert pairs == list(range(len(pairs)))
    assert len(set(keys)) == len(keys)  # each is masked by noise of its own
    assert batches / (batches + len(pairs)) == pytest.approx(rho, abs=1 / batches)


def test_rho_0_reads_pairs_alone_one_batch_at_a_time(setting, monkeypatch):
    texts, pairs, _, batches = read_in(setting, 1, monkeypatch, rho=0.0)
    assert texts == [[]]
    assert pairs == list(range(batches))


def test_a_rho_that_asks_for_too_many_steps_is_refused():
    with pytest.raises(
        FecbenchError,
        match=r"--rho 0.001: must be 0 or at least 0.01; a smaller share means 100 and more steps on pairs",
    ):
        plan("cdp-mlm", {"dataset": "demo", "rho": 0.001})


@pytest.mark.parametrize(
    ("options", "names"),
    [({"mlm": False}, {"cdp"}), ({"cdp": False}, {"mlm"}), ({"mlm_head": "random"}, {"cdp", "mlm"})],
)
def test_terms_can_be_left_out(setting, options, names):
    built = setting[2]
    (update,) = objective_of(built, rho=0, **options).updates(batches_of(setting)[0], built.model)
    assert set(update.logs) == {*names, "main_steps"}
    update.loss.backward()


def test_the_head_for_masked_words_shares_the_encoder_s_embeddings(setting):
    built = setting[2]
    (update,) = objective_of(built, rho=0, cdp=False).updates(batches_of(setting)[0], built.model)
    built.model.zero_grad()
    update.loss.backward()
    embeddings = built.model.encoder.network.get_input_embeddings().weight
    assert (embeddings.grad.abs().sum(1) > 0).all()  # every word is an output


def test_the_pooled_head_begins_as_bert_s_pooler(source):
    from fecbench.model.encoders.network import encoder_network
    from fecbench.model.heads import HeadTask
    from fecbench_cdp import PooledHead

    made = source("bert")
    torch.manual_seed(3)
    network = encoder_network(made)
    torch.manual_seed(3)
    _, head = PooledHead.build(made, HeadTask(("a", "b"), ("a", "b")))
    ids = torch.tensor([[5, 6, 7]])
    network.eval()
    states = network(ids)
    assert torch.allclose(head.project(states.last_hidden_state[:, 0]), states.pooler_output, atol=1e-6)

"""EmoBERTa: the segment builder by the card's checks, and a recipe that is cross-entropy's to the bit."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from transformers import AutoConfig

from fecbench import FecbenchError
from fecbench.data.datasets.locations import DataLocations
from fecbench.model.encoders.network import classifier_network
from fecbench.model.encoders.source import EncoderSource
from fecbench.model.family_heads import NativeHead
from fecbench.model.heads import HeadTask
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.runs.record import PREDICTIONS
from fecbench_emoberta import Speaking, conversation

S, E = 0, 2
A, B, C, F = [10], [11], [12], [13]


def built(past, target, future, limit=100):
    return conversation(past, target, future, first=S, last=E, between=[E, E], limit=limit)


def test_the_card_s_segments():
    assert built([A, B], C, None) == [S, *A, *B, E, E, *C, E]
    assert built([], C, None) == [S, E, E, *C, E]
    assert built([A], C, [F]) == [S, *A, E, E, *C, E, E, *F, E]
    assert built(None, C, [F]) == [S, *C, E, E, *F, E]
    assert built(None, C, None) == [S, *C, E]


turns = st.lists(st.lists(st.integers(10, 99), min_size=1, max_size=6), max_size=6)


@given(turns, st.lists(st.integers(100, 199), max_size=12), turns, st.integers(8, 60))
def test_the_limit_holds_and_the_target_is_whole_where_it_fits(past, target, future, limit):
    ids = built(past, target, future, limit)
    assert len(ids) <= limit
    kept = [i for i in ids if i >= 100]
    assert kept == (target if len(target) + 2 <= limit else target[: limit - 2])


@given(turns, turns, st.integers(7, 60))
def test_far_turns_go_first_and_both_sides_keep_step(past, future, limit):
    tagged = [[n * 100 + t for t in turn] for n, turn in enumerate([*past, *future], 1)]
    before, after = tagged[: len(past)], tagged[len(past) :]
    ids = built(before, [5], after, limit)
    kept = sorted({i // 100 for i in ids if i >= 100})
    past_kept, future_kept = [n for n in kept if n <= len(past)], [n - len(past) for n in kept if n > len(past)]
    assert past_kept == list(range(len(past) - len(past_kept) + 1, len(past) + 1))
    assert future_kept == list(range(1, len(future_kept) + 1))
    if len(past_kept) < len(past) and len(future_kept) < len(future):
        assert abs(len(past_kept) - len(future_kept)) <= 1


def test_the_target_s_tail_is_cut_last():
    assert built([A], [20, 21, 22, 23], [F], limit=9) == [S, 20, 21, 22, 23, E]
    assert built(None, [20, 21, 22, 23], None, limit=4) == [S, 20, 21, E]


def test_speakers():
    assert Speaking(speaker="joey").prefix == "JOEY: "
    assert Speaking(speaker="JOEY", case="title").prefix == "Joey: "


def test_without_context_it_is_the_tokenizer_s_own_output(tokenizer):
    texts = ["what a lovely day", "rain and an empty house", "x" * 50]
    assert Speaking().encode(texts, tokenizer, 6) == tokenizer(texts, truncation=True, max_length=6)["input_ids"]


def test_the_empty_past_segment(tokenizer):
    (ids,) = Speaking(past=True).encode(["rain"], tokenizer, 20)
    plain = tokenizer("rain")["input_ids"]
    assert ids == [plain[0], tokenizer.sep_token_id, *plain[1:]]


def test_a_text_that_spells_a_special_token_makes_none(tokenizer):
    (ids,) = Speaking().encode([f"rain {tokenizer.sep_token} house"], tokenizer, 30)
    assert ids.count(tokenizer.sep_token_id) == 1


def test_a_tokenizer_that_frames_no_text_is_refused(toy, tmp_path):
    with pytest.raises(
        FecbenchError, match="--frame and --speaker need an encoder whose tokenizer puts a first token and a separator"
    ):
        run(
            plan("emoberta", {"dataset": str(toy), "encoder": "none", "speaker": "x"}),
            RunContext(DataLocations(), tmp_path / "run"),
        )


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["toy", "demo-multi"])
def test_by_default_it_is_cross_entropy_to_the_bit(dataset, toy, tmp_path):
    recipe = {"weight_decay": 0.01, "no_decay_norm_bias": True, "warmup": 0.2, "clip": 1.0}
    same = {
        "dataset": str(toy) if dataset == "toy" else dataset,
        "encoder": "tiny-roberta",
        "epochs": 2,
        "batch_size": 16,
    }
    for name, flags in (("emoberta", same), ("ce", {**same, **recipe})):
        run(plan(name, flags), RunContext(DataLocations(), tmp_path / name))
    emoberta, ce = (load_file(tmp_path / name / PREDICTIONS)["logits"] for name in ("emoberta", "ce"))
    assert torch.equal(emoberta, ce)


def test_its_own_recipe_is_the_paper_s():
    settings = plan("emoberta", {"dataset": "ge"}).settings
    assert (settings.epochs, settings.warmup, settings.clip, settings.weight_decay, settings.lr) == (
        15,
        0.2,
        1.0,
        0.01,
        2e-5,
    )
    assert settings.no_decay_norm_bias


@pytest.mark.parametrize("labels", ["abc", "abcdefg"])
def test_published_checkpoints_lend_their_encoder_and_not_their_head(source, tmp_path, labels):
    made = source("roberta")
    trained = classifier_network(made, list("abcdefg"))
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.fill_(5.0)
    trained.save_pretrained(tmp_path)
    network = classifier_network(
        EncoderSource("here", made.tokenizer, made.config, str(tmp_path)), list(labels)
    ).requires_grad_(False)
    assert float(network.base_model.get_input_embeddings().weight.mean()) == 5.0
    for layer in (network.classifier.dense, network.classifier.out_proj):
        assert float(layer.weight.std()) == pytest.approx(0.02, rel=0.5)
        assert float(layer.bias.abs().max()) == 0


def test_its_head_by_hand(tokenizer):
    sizes = {
        "hidden_size": 2,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "intermediate_size": 2,
        "max_position_embeddings": 64,
    }
    config = AutoConfig.for_model("roberta", vocab_size=len(tokenizer), pad_token_id=0, **sizes)
    _, head = NativeHead.build(EncoderSource("tiny", tokenizer, config, None), HeadTask("abc", "abc"))
    last = head.network.classifier
    with torch.no_grad():
        last.dense.weight.copy_(0.5 * torch.eye(2))
        last.out_proj.weight.copy_(torch.tensor([[1.0, 1], [1, -1], [0, 2]]))
        last.dense.bias.zero_()
        last.out_proj.bias.zero_()
        scores = head.eval().classify(torch.tensor([[1.0, -1.0]]))
    assert torch.allclose(scores, torch.tensor([[0.0, 0.924234, -0.924234]]), atol=1e-5)
    assert float(cross_entropy(scores, torch.tensor([1]))) == pytest.approx(0.441034, abs=1e-5)

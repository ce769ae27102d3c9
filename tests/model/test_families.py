"""Encoder families that differ from BERT: they train, or one line names the encoder and says why not."""

import copy
import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from fecbench import Predictor
from fecbench.core.errors import EncoderError
from fecbench.data.tokens import Tokens
from fecbench.model.encoders.load import get_encoder
from fecbench.model.encoders.network import encoder_network, running
from fecbench.model.encoders.source import EncoderSource
from fecbench.model.family_heads import LanguageHead
from fecbench.model.heads import HeadTask
from fecbench.model.model import build_model
from fecbench.runs.record import Record
from tests.support.records import unseal

LABELS = HeadTask(["glad", "mad", "sad"], ["glad", "mad", "sad"])
SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
}
OWN = {
    "squeezebert": {"embedding_size": 16},
    "nystromformer": {"num_landmarks": 4, "segment_means_seq_len": 64},
    "llama": {"num_key_value_heads": 2},
    "qwen2": {"num_key_value_heads": 2},
    "t5": {"d_kv": 8, "d_ff": 32, "num_layers": 1, "is_encoder_decoder": False, "architectures": ["T5EncoderModel"]},
    "umt5": {"d_kv": 8, "d_ff": 32, "num_layers": 1, "is_encoder_decoder": True, "architectures": ["UMT5EncoderModel"]},
}
SMALL = ("--epochs", 1, "--batch-size", 16, "--device", "cpu")


@pytest.fixture
def of(tokenizer):
    """A factory of tiny sources of any family: ``of("gpt2")``."""
    from transformers import AutoConfig

    def make(family: str, **changed) -> EncoderSource:
        torch.manual_seed(0)
        given = {"vocab_size": len(tokenizer), "pad_token_id": 0} | SIZES | OWN.get(family, {}) | changed
        return EncoderSource(f"tiny {family}", tokenizer, AutoConfig.for_model(family, **given), None)

    return make


@pytest.fixture
def folder(of, tokenizer, tmp_path):
    """The folder of a tiny encoder of any family."""

    def save(family: str, **changed) -> Path:
        encoder_network(of(family, **changed)).save_pretrained(tmp_path / family)
        tokenizer.save_pretrained(tmp_path / family)
        return tmp_path / family

    return save


def states(model, texts=((5, 6, 7), (8, 9))):
    return model.encoder(Tokens.pack(list(texts)))


@pytest.mark.parametrize("head", ["native", "linear"])
@pytest.mark.parametrize("family", ["squeezebert", "albert", "mobilebert"])
def test_families_with_a_pooler_of_their_own_train(of, family, head):
    changed = (
        {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16} if family == "mobilebert" else {}
    )
    model = build_model(of(family, **changed), head, LABELS)
    logits = model.classify(model.project(states(model)))
    assert logits.shape == (2, 3)
    logits.sum().backward()
    assert all(weight.grad is not None for weight in model.head.parameters())


@pytest.mark.parametrize("family", ["gpt2", "llama", "qwen2"])
def test_a_causal_encoder_is_told_by_what_its_first_token_sees(of, family):
    assert not build_model(of(family), "linear", LABELS).encoder.looks_ahead()


@pytest.mark.parametrize("family", ["bert", "roberta", "squeezebert", "deberta-v2", "t5"])
def test_an_encoder_that_reads_both_ways_is_told_too(of, family):
    assert build_model(of(family), "linear", LABELS).encoder.looks_ahead()


def test_a_causal_encoder_is_pooled_by_the_mean_and_that_is_said(fecbench, folder, toy, tmp_path):
    encoder = folder("gpt2")
    run = ("run", "ce", "--dataset", toy, "--encoder", encoder, "--head", "linear", *SMALL)
    code, _, err = fecbench(*run, "--run-dir", tmp_path / "run")
    assert code == 0, err
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    [note] = [note for note in about["notes"] if "from left to right" in note]
    assert note in err
    assert about["encoder"]["pooling"] == "mean"
    one, other = Predictor.load(Record(tmp_path / "run"), "cpu").probabilities(["what a lovely day", "what he broke"])
    assert not torch.allclose(one, other)
    code, _, err = fecbench(*run, "--pooling", "first", "--run-dir", tmp_path / "asked")
    assert code == 1
    assert f"{encoder} reads from left to right; use --pooling mean" in err


def test_an_old_record_of_a_causal_encoder_predicts_as_it_was_trained(fecbench, folder, toy, tmp_path):
    run = (
        "run",
        "ce",
        "--dataset",
        toy,
        "--encoder",
        folder("gpt2"),
        "--head",
        "linear",
        *SMALL,
        "--run-dir",
        tmp_path / "run",
    )
    assert fecbench(*run)[0] == 0
    assert Predictor.load(Record(tmp_path / "run")).model.encoder.pooling == "mean"
    path = tmp_path / "run" / "run.json"
    about = json.loads(path.read_text())
    del about["encoder"]["pooling"]
    path.write_text(json.dumps(about))
    unseal(tmp_path / "run")
    assert Predictor.load(Record(tmp_path / "run")).model.encoder.pooling == "first"


@pytest.mark.parametrize("objective", ["ce", "aml"])
@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_a_network_that_fails_on_texts_is_named_and_no_objective_is(
    fecbench, folder, toy, tmp_path, objective, pooling
):
    encoder = folder("nystromformer")  # reads texts of a multiple of four tokens
    flags = ("--dataset", toy, "--encoder", encoder, "--head", "label", "--pooling", pooling, *SMALL)
    code, _, err = fecbench("run", objective, *flags, "--run-dir", tmp_path / "run")
    assert code == 1
    [line] = [line for line in err.splitlines() if line.startswith("fecbench: ")]
    assert f"the encoder {encoder} must encode texts of " in line
    assert "uninstall" not in err
    assert "Traceback" not in err


def test_a_network_that_fails_after_loading_is_named_too():
    says = r"the network of encoder odd fails on texts of up to 7 tokens: ValueError: no; choose another"
    with pytest.raises(EncoderError, match=says), running("odd", 7):
        raise ValueError("no")


def test_a_network_whose_states_have_another_width_is_named(of):
    wide = of("reformer", axial_pos_embds=False, num_hashes=1, attn_layers=["local"], local_attn_chunk_length=64)
    with pytest.raises(
        EncoderError, match=r"tiny reformer must return states as wide as its hidden_size, 16, but returns 32"
    ):
        build_model(wide, "linear", LABELS)


def test_a_tokenizer_with_more_tokens_than_embeddings_is_refused_when_loaded(folder, tokenizer):
    place, longer = folder("bert"), copy.deepcopy(tokenizer)
    longer.add_tokens(["[EMO]"])
    longer.save_pretrained(place)
    counts = f"the tokenizer has {len(tokenizer) + 1} tokens and the network {len(tokenizer)} embeddings"
    message = f"embedding for each token, but {counts}"
    for head in ("native", "linear"):
        with pytest.raises(EncoderError, match=message):
            build_model(get_encoder(str(place))([]), head, LABELS)


def test_without_a_padding_token_the_native_head_names_others(of, tokenizer):
    bare = copy.deepcopy(tokenizer)
    bare.pad_token = None
    source = dataclasses.replace(of("gpt2"), tokenizer=bare)
    with pytest.raises(
        EncoderError, match=r"that of tiny gpt2 has none; use --head linear, --head mlp or --head label"
    ):
        build_model(source, "native", LABELS)
    build_model(source, "linear", LABELS)


@pytest.mark.parametrize("family", ["t5", "umt5"])
def test_the_encoder_of_an_encoder_decoder_family_is_loaded_by_itself(folder, family):
    source = get_encoder(str(folder(family)))([])
    model = build_model(source, "linear", LABELS)
    stored = load_file(Path(source.weights) / "model.safetensors")
    name = "encoder.block.0.layer.0.SelfAttention.q.weight"
    assert torch.equal(model.encoder.network.state_dict()[name], stored[name])
    assert states(model).shape == (2, 16)
    for build in (lambda: build_model(source, "native", LABELS), lambda: LanguageHead.build(source)):
        with pytest.raises(
            EncoderError, match="needs its family's decoder, and this is the encoder alone; use --head linear"
        ):
            build()


def test_a_t5_encoder_that_lacks_weights_is_refused(folder):
    place = folder("t5")
    weights = load_file(place / "model.safetensors")
    del weights["encoder.block.0.layer.0.SelfAttention.q.weight"]
    save_file(weights, place / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match="lacks 1, "):
        build_model(get_encoder(str(place))([]), "linear", LABELS)


def test_a_network_that_reads_pictures_is_refused_by_name(tokenizer):
    from transformers import AutoConfig

    config = AutoConfig.for_model(
        "vit", **{key: SIZES[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads")}
    )
    with pytest.raises(EncoderError, match="must be a network that reads text, but is a ViTModel"):
        build_model(EncoderSource("a vit", tokenizer, config, None), "linear", LABELS)


def test_a_language_head_of_another_kind_is_the_encoders_fault(of):
    with pytest.raises(EncoderError, match="tiny gpt2"):
        LanguageHead.build(of("gpt2"))

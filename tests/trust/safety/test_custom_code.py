"""Custom code of encoders and prompted models doesn't run, and no terminal asks for leave."""

import io
import json
import shutil
import sys

import pytest

from fecbench.core.errors import EncoderError
from fecbench.model.encoders.pretrained import Pretrained, read_config
from tests.support.hostile import AUTO, CODE, CUSTOM, SMALL, composite, edit
from tests.support.records import unseal


def test_custom_code_of_an_encoder_is_not_run_and_nobody_is_asked(fecbench, folder, toy, here, marker, monkeypatch):
    (folder / "custom.py").write_text(CODE.format(marker=str(marker)) + CUSTOM)
    edit(folder / "config.json", model_type="custom", auto_map=AUTO)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\ny\ny\n"))
    code, out, err = fecbench("run", "ce", "--dataset", toy, *SMALL, "--encoder", folder, "--run-dir", here / "run")
    assert code == 1
    assert (
        "must have an architecture that transformers includes, but comes with custom code, which fecbench doesn't run"
        in err
    )
    assert "[y/N]" not in out + err
    assert not marker.exists()


def test_custom_code_beside_a_known_architecture_is_left_alone(fecbench, folder, toy, here, marker, monkeypatch):
    (folder / "custom.py").write_text(CODE.format(marker=str(marker)) + CUSTOM)
    edit(folder / "config.json", auto_map=AUTO, attn_implementation="somebody/kernel")
    edit(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": [None, "custom.Tokenizer"]})
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\ny\ny\n"))
    code, _, err = fecbench("run", "ce", "--dataset", toy, *SMALL, "--encoder", folder, "--run-dir", here / "run")
    assert code == 0, err
    edit(here / "run" / "encoder" / "config.json", auto_map=AUTO, model_type="custom")
    shutil.copy(folder / "custom.py", here / "run" / "encoder")
    code, _, err = fecbench("predict", here / "run", "hello")
    assert code == 1
    assert "must be as this run wrote it" in err
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["llava", "vipllava"])
def test_custom_code_of_a_part_of_an_encoder_is_not_run_and_nobody_is_asked(
    fecbench, folder, toy, here, marker, asked, kind
):
    (folder / "custom.py").write_text(CODE.format(marker=str(marker)) + CUSTOM)
    (folder / "config.json").write_text(json.dumps(composite(kind, folder)))
    code, _, err = fecbench(
        "run", "ce", "--dataset", toy, *SMALL, "--encoder", folder, "--head", "linear", "--run-dir", here / "run"
    )
    assert (code, asked) == (1, [])
    assert f"encoder {folder} " in err
    assert "Traceback" not in err
    assert not marker.exists()


def test_a_record_cannot_bring_code_in_a_part_of_its_encoder(fecbench, toy, here, marker, asked):
    assert fecbench("run", "ce", "--dataset", toy, *SMALL, "--head", "linear", "--run-dir", here / "run")[0] == 0
    unseal(here / "run")  # as a record that somebody made for the purpose
    encoder = here / "run" / "encoder"
    (encoder / "custom.py").write_text(CODE.format(marker=str(marker)) + CUSTOM)
    (encoder / "config.json").write_text(json.dumps(composite("llava", encoder)))
    for command in (["predict", here / "run", "hello"], ["export", here / "run", here / "out", "--format", "onnx"]):
        code, _, err = fecbench(*command)
        assert (code, asked) == (1, []), err
        assert "Traceback" not in err
    assert not marker.exists()


def test_nothing_that_names_code_is_left_at_any_depth(folder):
    part = composite("llava", folder)
    edit(
        folder / "config.json",
        **part,
        somewhere=[{"deep": {"auto_map": AUTO, "_attn_implementation": "somebody/kernel"}}],
    )
    read_config(folder).save_pretrained(folder / "copy")
    written = (folder / "copy" / "config.json").read_text()
    assert "auto_map" not in written
    assert "somebody/kernel" not in written


def test_quantised_weights_are_refused_before_a_kernel_is_looked_for(fecbench, folder, toy, here):
    edit(folder / "config.json", quantization_config={"quant_method": "mxfp4"})
    code, _, err = fecbench("run", "ce", "--dataset", toy, *SMALL, "--encoder", folder, "--run-dir", here / "run")
    assert code == 1
    assert "its weights are quantised (mxfp4)" in err


def test_custom_code_of_a_prompted_model_is_not_run_and_nobody_is_asked(fecbench, folder, toy, here, marker, asked):
    (folder / "custom.py").write_text(CODE.format(marker=str(marker)) + CUSTOM)
    edit(
        folder / "config.json",
        model_type="custom",
        auto_map={"AutoConfig": "custom.Config", "AutoModelForCausalLM": "custom.Model"},
    )
    flags = ("--backend", "hf", "--model", folder, "--limit", 4, "--run-dir", here / "run")
    code, _, err = fecbench("run", "llm-prompt", "--dataset", toy, *flags)
    assert (code, asked) == (1, [])
    assert f"--model {folder} must be a causal language model" in err
    assert not marker.exists()


def test_an_adapter_beside_an_encoder_is_refused_whether_peft_would_read_it_or_not(folder):
    (folder / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "base_model_name_or_path": "somebody/else"})
    )
    with pytest.raises(EncoderError, match=r"must be a whole network, but comes with an adapter .* merge it"):
        Pretrained(str(folder))([])


def test_a_tokenizer_reads_no_file_outside_its_folder(folder, here):
    """A path in a tokenizer's settings is no file of the folder."""
    shutil.copy(folder / "tokenizer.json", here / "secret.json")
    (folder / "tokenizer.json").unlink()
    edit(
        folder / "tokenizer_config.json", tokenizer_file=str(here / "secret.json"), vocab_file=str(here / "secret.json")
    )
    with pytest.raises(EncoderError, match="must hold an encoder that transformers can load"):
        Pretrained(str(folder))([])

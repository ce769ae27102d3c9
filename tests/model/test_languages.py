"""An encoder that isn't made for the language of the texts is said, with one that is."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from datasets import Dataset

from fecbench.core.errors import EncoderError
from fecbench.data.datasets import recipes
from fecbench.data.datasets.dataset import DatasetInfo
from fecbench.data.datasets.description.toml_file import from_toml
from fecbench.model.encoders.languages import ENGLISH_FAMILIES, code_of, differ, language_of_hub_id
from fecbench.model.encoders.load import get_encoder, load_encoder
from fecbench.runs.language_notes import notes_on_language
from tests.support.train import train

ENGLISH_TEXT, AMHARIC_TEXT = "what a lovely day", "ዛሬ በጣም ደስ ብሎኛል"


def notes(language: str, text: str, encoder: str = "English") -> list[str]:
    data = SimpleNamespace(name="mine", info=DatasetInfo("mine", "", "", "", language=language))
    source = SimpleNamespace(name="minilm", language=encoder)
    return notes_on_language(data, Dataset.from_dict({"text": [text] * 3}), source)


def test_texts_of_the_encoders_language_need_no_note():
    assert notes("", ENGLISH_TEXT) == notes("en", ENGLISH_TEXT) == notes("English", ENGLISH_TEXT) == []
    assert notes("am", AMHARIC_TEXT, "multilingual") == notes("am", AMHARIC_TEXT, "") == []
    assert notes("fi", "hyvää päivää", "Finnish") == []
    assert notes("English", "123 :)") == []


@pytest.mark.parametrize(
    ("language", "text", "says"),
    [
        ("am", AMHARIC_TEXT, "the texts of mine are in am"),
        ("German", "ein schöner Tag", "the texts of mine are in German"),
        ("", AMHARIC_TEXT, "most letters of the training texts aren't Latin"),
    ],
)
def test_texts_of_another_language_are_said_with_the_remedy(language, text, says):
    (note,) = notes(language, text)
    assert note == f"encoder minilm is made for English, but {says}; --encoder multilingual reads 100 languages"


def test_each_language_has_its_code_of_two_letters():
    assert [code_of(name) for name in ("English", "Chinese", "Russian", "en-GB")] == ["en", "zh", "ru", "en"]
    assert [code_of(name) for name in ("sw", "Klingon", "multilingual", "")] == ["sw", "", "", ""]


def test_the_language_of_every_recipe_has_a_code_and_is_one_with_it():
    languages = [from_toml(path).language for path in Path(recipes.__file__).parent.rglob("*.toml")]
    assert len(languages) > 30
    for language in filter(None, languages):
        assert code_of(language), language
        assert not differ(language, code_of(language)), language


@pytest.mark.parametrize(
    ("name", "codes"), [("German", "de deu ger"), ("Romanian", "ro ron rum"), ("Brazilian Portuguese", "pt por pt-BR")]
)
def test_a_language_has_codes_of_two_and_three_letters(name, codes):
    for code in codes.split():
        assert not differ(name, code)
        assert code_of(code) == code_of(name) == codes[:2]


def test_names_and_codes_of_a_language_are_one():
    assert not differ("Chinese", "zh-CN")
    assert not differ("english", "EN_us")
    assert differ("Finnish", "English")
    assert not differ("Klingon", "klingon")


def test_well_known_english_encoders_are_told_by_their_hub_id():
    assert {language_of_hub_id(name) for name in ("roberta-base", "google-bert/bert-base-uncased")} == {"English"}
    assert language_of_hub_id("xlm-roberta-base") == ""
    assert not any("xlm" in name or "multilingual" in name for name in ENGLISH_FAMILIES)


def test_an_encoder_from_a_folder_has_no_language(source, tokenizer, tmp_path):
    from fecbench.model.encoders.network import encoder_network

    made = source("bert")
    encoder_network(made).save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    assert load_encoder(str(tmp_path / "bert"), ["a"]).language == ""
    named = replace(get_encoder(str(tmp_path / "bert")), language="Finnish")
    assert named(["a"]).language == "Finnish"


def test_the_multilingual_encoder_needs_the_hub_once():
    with pytest.raises(EncoderError) as caught:
        load_encoder("multilingual", ["a"])
    assert "the encoder multilingual (FacebookAI/xlm-roberta-base) isn't on this machine, and " in str(caught.value)


def test_the_doctor_names_the_languages(fecbench):
    code, out, _ = fecbench("doctor")
    assert code == 0
    assert "--encoder multilingual" in out
    assert re.search(r"--encoder multilingual\s+unavailable\s+FacebookAI/xlm-roberta-base, needs the hub once", out)


@pytest.mark.slow
def test_minilm_on_amharic_leads_to_the_multilingual_encoder(tmp_path):
    folder = tmp_path / "amharic"
    folder.mkdir()
    for split, number in (("train", 12), ("validation", 3), ("test", 3)):
        lines = [f"{AMHARIC_TEXT} ok {split}{n},{label}" for n in range(number) for label in ("ደስታ", "ሀዘን")]
        (folder / f"{split}.csv").write_text("text,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    record = train("ce", folder, tmp_path / "run", encoder="minilm", epochs=1)
    notes = record.about["notes"]
    assert any(note.startswith("encoder minilm is made for English, but most letters") for note in notes)
    for split in ("train", "validation", "test"):
        (note,) = [note for note in notes if f"of the {split} tokens (text) are unknown to encoder minilm" in note]
        assert note.endswith("; --encoder multilingual reads 100 languages")

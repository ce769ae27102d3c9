"""``fecbench data``: which data sets there are, and figures on them."""

import json

import pytest

from fecbench.data.datasets.measures.text_lengths import length, unit_of


def test_data_lists_sources_licences_and_rows(fecbench):
    code, out, _ = fecbench("data", "--json")
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["demo"]["source"] == "the installed package"
    assert rows["ge"]["rows"] == [23485, 2956, 2984]
    assert rows["ed-prepared"]["source"].startswith("not found: ed-prepared isn't in")
    assert (rows["demo"]["found"], rows["ed-prepared"]["found"]) == (True, False)
    assert all(row["licence"] for row in rows.values())
    assert "DEMO" in fecbench("data")[1]


def test_a_broken_data_set_plugin_hides_no_other(fecbench, install):
    install("odd-data", "fecbench_datasets", odd="fecbench.core.errors:DataError")
    rows = {row["name"]: row for row in json.loads(fecbench("data", "--json")[1])}
    assert "must offer info, source and load, but lacks info" in rows["odd"]["source"]
    assert not rows["odd"]["found"]
    assert rows["demo"]["source"] == "the installed package"


def test_data_stats(fecbench, toy):
    code, out, err = fecbench("data", "stats", "demo", toy, "--json")
    assert code == 0, err
    demo, own = json.loads(out)
    assert (demo["rows"], demo["labels"], demo["balance"]) == ({"train": 1140, "validation": 240, "test": 240}, 12, 1.0)
    assert own["name"] == "toy"
    assert "Exact duplicates and shared texts" in fecbench("data", "stats", "demo")[1]


WRITTEN = {
    "Chinese": ("今天天气很好。我们都很高兴。", "characters", 14),
    "Chinese, with a word of English": ("这个 app 真的太好用了", "characters", 11),
    "Japanese": ("コーヒーをのみました。", "characters", 11),
    "Thai": ("วันนี้อากาศดี", "characters", 9),
    "Tibetan": ("བཀྲ་ཤིས", "characters", 5),
    "Burmese": ("နေကောင်းလား", "characters", 8),
    "Korean": ("오늘은 날씨가 좋아요", "words", 3),
    "Hindi": ("आज मौसम अच्छा है", "words", 4),
    "Amharic": ("ዛሬ በጣም ደስ ብሎኛል", "words", 4),
    "German, with a sign": ("das ist gut 好", "words", 4),
    "no letters": ("!!! 123", "words", 2),
}


@pytest.mark.parametrize("script", WRITTEN)
def test_texts_are_measured_in_characters_where_a_script_has_no_spaces(script):
    text, unit, expected = WRITTEN[script]
    assert unit_of([text]) == unit
    assert length(text, unit) == expected


def test_statistics_say_the_unit_of_lengths(fecbench, tmp_path):
    lines = [f"{text}{n},{label}" for n in range(9) for text, label in (("今天天气很好", "joy"), ("我太忙了", "anger"))]
    (tmp_path / "train.csv").write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    (found,) = json.loads(fecbench("data", "stats", tmp_path, "--json")[1])
    assert (found["unit"], found["characters"]["mean"], found["characters"]["max"]) == ("characters", 6.0, 7)
    _, out, _ = fecbench("data", "stats", tmp_path, "demo")
    assert [word in out for word in ("characters", "words", "split at white space")] == [True] * 3


@pytest.mark.parametrize(("missing", "code"), [("ed-prepared", 1), ("./nowhere", 1), ("deom", 2)])
def test_statistics_of_the_others_are_shown_where_one_is_missing(fecbench, toy, missing, code):
    found, out, err = fecbench("data", "stats", missing, toy, "--json")
    assert (found, [one["name"] for one in json.loads(out)]) == (code, ["toy"])
    assert missing.strip("./") in err
    found, out, err = fecbench("data", "stats", toy, missing, "./neither")
    assert (found, "Exact duplicates" in out, "neither doesn't exist" in err) == (code, True, True)


def test_statistics_of_ones_own_columns(fecbench, toy):
    for file in toy.glob("*.csv"):
        file.write_text(file.read_text().replace("text,label", "words,mood", 1))
    code, _, err = fecbench("data", "stats", toy)
    assert code == 1
    assert "name yours with --text-column" in err
    code, out, err = fecbench("data", "stats", toy, "--text-column", "words", "--label-column", "mood", "--json")
    assert code == 0, err
    assert json.loads(out)[0]["labels"] == 3
    code, _, err = fecbench("data", "--json", "stats", toy)
    assert code == 2
    assert "must stand after its name" in err

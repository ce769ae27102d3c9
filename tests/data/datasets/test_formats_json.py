"""JSON as published: arrays, lines, columns, nested documents and arrays as rows, under any ending."""

import json

import pandas
import pytest

from fecbench.core.errors import DataError
from fecbench.data.datasets.files.source_files import source_files
from tests.support.raw_rows import positions, put, rows_of

ROWS = [{"text": f"text {number}", "label": ("joy", "fear")[number % 2]} for number in range(6)]
FORMS = {
    "an array": json.dumps(ROWS),
    "an array on many lines": json.dumps(ROWS, indent=1),
    "lines": "\n".join(map(json.dumps, ROWS)),
    "lines and blank ones": "\n" + "\r\n\n".join(map(json.dumps, ROWS)) + "\n\n",
    "columns": pandas.DataFrame(ROWS).to_json(),
    "arrays as columns": json.dumps({key: [row[key] for row in ROWS] for key in ROWS[0]}),
}


@pytest.mark.parametrize("name", ["train.json", "train.txt", "train"])
@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_rows_are_read_in_every_form_under_any_ending(tmp_path, content, name):
    assert rows_of(put(tmp_path / name, content)) == ROWS
    assert rows_of(put(tmp_path / "data", content), kind="json") == ROWS


def test_an_array_in_a_text_file_is_that_of_the_json_module(tmp_path):
    rows = [{"id": 11, "content": '\u4f60\u597d "x"', "label": "angry"}, {"id": 12, "content": "b\nc", "label": "sad"}]
    path = put(tmp_path / "usual_train.txt", json.dumps(rows, ensure_ascii=False))
    assert rows_of(path, {"text": "content"}) == json.loads(path.read_text(encoding="utf-8"))
    assert positions(path, {"text": "content"}) == ["usual_train.txt, row 1", "usual_train.txt, row 2"]


SPLITS = {
    "train": [["what is love", "oos"], ["set an alarm", "alarm"]],
    "val": [["hello there", "greeting"]],
    "a-b": [["bye", "goodbye"]],
}


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_of_a_document_is_named_by_its_key(tmp_path, split):
    put(tmp_path / "data_full.json", json.dumps(SPLITS))
    key = f'"{split}"' if "-" in split else split
    (file,) = source_files(tmp_path, f"data_full.json#{key}")
    assert rows_of(file, {"text": 1, "label": 2}) == [{"1": text, "2": label} for text, label in SPLITS[split]]
    assert rows_of(file, columns=["text", "label"]) == [{"text": text, "label": label} for text, label in SPLITS[split]]
    assert positions(file, columns=["text", "label"])[0] == f"data_full.json#{key}, row 1"


EPISODES = {
    "season_id": "s01",
    "episodes": [
        {
            "episode_id": episode,
            "scenes": [
                {
                    "scene_id": f"{episode}_{scene}",
                    "utterances": [{"transcript": f"{episode} {scene} {turn}", "emotion": "Mad"} for turn in range(3)],
                }
                for scene in range(2)
            ],
        }
        for episode in ("e01", "e02")
    ],
}


def test_nested_rows_are_found_by_an_expression(tmp_path):
    path = put(tmp_path / "train.json", json.dumps(EPISODES))
    columns = {"text": "transcript", "label": "emotion"}
    expected = [turn for episode in EPISODES["episodes"] for scene in episode["scenes"] for turn in scene["utterances"]]
    (file,) = source_files(tmp_path, "train.json#episodes[].scenes[].utterances[]")
    assert rows_of(file, columns) == expected
    (file,) = source_files(
        tmp_path, "train.json#episodes[?episode_id=='e02'][].scenes[].utterances[].{text: transcript}"
    )
    assert rows_of(file) == [{"text": row["transcript"]} for row in expected[6:]]
    with pytest.raises(
        DataError,
        match=r"is one object of season_id, episodes; .*name the rows within the file: "
        r"train\.json#episodes\[\]\.scenes\[\]\.utterances\[\]$",
    ):
        rows_of(path, columns)
    with pytest.raises(
        DataError, match=r"row 1: every row must be a JSON object, found list; .*utterances\[\] selects"
    ):
        rows_of(source_files(tmp_path, "train.json#episodes[].scenes[].utterances")[0], columns)


def test_an_expression_is_used_on_each_of_json_lines(tmp_path):
    put(tmp_path / "train.jsonl", '{"turns": [{"text": "a"}, {"text": "b"}]}\n\n{"turns": [{"text": "c"}]}\n')
    (file,) = source_files(tmp_path, "train.jsonl#turns")
    assert rows_of(file) == [{"text": "a"}, {"text": "b"}, {"text": "c"}]
    lines = ["train.jsonl#turns, line 1"] * 2 + ["train.jsonl#turns, line 3"]
    assert positions(file) == lines
    put(tmp_path / "train.jsonl", '{"turns": []}\n{"turn": []}\n')
    with pytest.raises(DataError, match=r"line 2: the expression turns finds nothing among the keys turn; correct it"):
        rows_of(file)


WAYS = {
    "a split of pairs": (SPLITS, {"text": 1, "label": 2}, "one object of train, val, a-b;", "train"),
    "a split of objects": ({"info": "x", "dev-set": ROWS}, None, "one object of info, dev-set;", '"dev-set"'),
    "rows by their ids": ({"r1": ROWS[0], "r2": ROWS[1]}, None, "one object of r1, r2;", r"\*"),
    "columns of each split": ({"train": {"text": ["a"], "label": ["b"]}}, None, "one object of train;", "train"),
    "nothing known": ({"a": 1, "b": 2}, None, "one object of a, b;", "a"),
    "an empty object": ({}, None, "one object of ;", "rows"),
}


@pytest.mark.parametrize(("content", "columns", "found", "path"), WAYS.values(), ids=WAYS)
def test_one_object_is_answered_with_its_keys_and_the_way_to_its_rows(tmp_path, content, columns, found, path):
    file = put(tmp_path / "data.json", json.dumps(content, indent=2))
    with pytest.raises(DataError, match=rf"must be a JSON array of objects, or JSON lines, but is {found}.*#{path}$"):
        rows_of(file, columns)


@pytest.mark.parametrize(
    "name", ["a split of pairs", "a split of objects", "rows by their ids", "columns of each split"]
)
def test_the_way_that_is_shown_leads_to_rows(tmp_path, name):
    content, columns, _, _ = WAYS[name]
    file = put(tmp_path / "data.json", json.dumps(content))
    with pytest.raises(DataError) as error:
        rows_of(file, columns)
    (shown,) = source_files(tmp_path, str(error.value).rpartition(": ")[2])
    assert rows_of(shown, columns)


REFUSED = {
    "arrays of other lengths": (
        '{"text": ["a", "b"], "label": ["x"]}',
        "data.json",
        r"arrays that are columns must be equally long, found text with 2, label with 1",
    ),
    "a number": ("3", "data.json", r"must be a JSON array of objects, or JSON lines, but is one int"),
    "an odd row": ('[{"text": "a"}, "odd"]', "data.json", r"row 2: every row must be a JSON object, found str"),
    "an array by names": (
        '[["a", "x"]]',
        "data.json",
        r"row 1: every row must be a JSON object, found list; .*, or give their numbers as columns",
    ),
    "a broken array": ('[{"text": "a"},]', "data.json", r"must be a JSON array of objects: .*; correct it"),
    "a broken object": ('{\n"text": "a"', "data.json", r"line 1: every line must be a JSON object: .*; correct or"),
    "deep nesting": ("[" * 100_000, "data.json", r"must be a JSON array of objects: it is nested too deeply"),
    "no such key": (
        '{"train": []}',
        "data.json#trian",
        r"expression trian finds nothing among the keys train; correct",
    ),
    "no such key in an array": ("[]", "data.json#a", r"finds nothing in an array, where \[\]\.key chooses"),
    "no expression": ("{}", "data.json#a[", r"after # a JMESPath expression is needed, such as train .*; correct it"),
    "an unknown function": ("{}", "data.json#f(@)", r"JMESPath expression is needed, .*[Uu]nknown function"),
    "a function of other values": ('{"a": 1}', "data.json#sort(a)", r"JMESPath expression is needed"),
    "a text": ('{"a": "b"}', "data.json#a", r"data\.json#a must be a JSON array of objects, .* but is one str"),
    "an object within": ('{"a": {"b": [], "c": []}}', "data.json#a", r"one object of b, c; .*file: data\.json#a\.b$"),
}


@pytest.mark.parametrize(("content", "entry", "says"), REFUSED.values(), ids=REFUSED)
def test_what_holds_no_rows_is_refused(tmp_path, content, entry, says):
    put(tmp_path / "data.json", content)
    with pytest.raises(DataError, match=says) as error:
        rows_of(source_files(tmp_path, entry)[0])
    assert str(tmp_path / "data.json") in str(error.value)
    assert "\n" not in str(error.value)


def test_arrays_as_rows_are_as_long_as_their_names(tmp_path):
    path = put(tmp_path / "train.jsonl", '["a", "joy"]\n["b", "fear", 3]\n')
    assert rows_of(path, {"text": "1", "label": "2"})[1] == {"1": "b", "2": "fear", "3": 3}
    with pytest.raises(DataError, match=r"line 2: 2 columns are needed \(text, label\), found 3; correct the line"):
        rows_of(path, columns=["text", "label"])


def test_only_json_has_rows_within(tmp_path):
    put(tmp_path / "train.csv", "text,label\n")
    with pytest.raises(
        DataError, match=r"train\.csv#a: only JSON files have rows that are named after a #, found \.csv"
    ):
        rows_of(source_files(tmp_path, "train.csv#a")[0])

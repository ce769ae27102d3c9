"""``fecbench predict``: new texts by a run's folder, wherever it lies."""

import io
import json
import sys

import pytest

from tests.support.records import unseal


@pytest.mark.slow
def test_predict_from_arguments_by_folder_id_and_method(fecbench, trained):
    for run in (trained.folder, "first", "ce"):
        code, out, err = fecbench("predict", run, "what a lovely day", "my dog died", "--top", 2)
        assert code == 0, err
        lines = [line.split("\t") for line in out.splitlines()]
        assert [line[-1] for line in lines] == ["what a lovely day", "my dog died"]
        assert [line[0].split()[0] for line in lines] == ["glad", "sad"]
        assert all(len(line) == 3 for line in lines)


@pytest.mark.slow
def test_predict_from_standard_input_as_json(fecbench, trained, monkeypatch):
    stdin = io.StringIO("stop shouting at me\n\nrain and an empty house\n")
    monkeypatch.setattr(sys, "stdin", stdin)
    code, out, _ = fecbench("predict", "ce", "--json", "--top", 9)
    assert code == 0
    found = json.loads(out)["predictions"]
    assert [row["text"] for row in found] == ["stop shouting at me", "", "rain and an empty house"]
    assert [[label["label"] for label in row["labels"][:1]] for row in found] == [["mad"], [], ["sad"]]
    for row in found[::2]:
        assert sum(label["probability"] for label in row["labels"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_each_line_of_the_input_gives_one_line(fecbench, trained, monkeypatch, end):
    given = io.TextIOWrapper(
        io.BytesIO(f"\nwhat a lovely day{end or chr(10)} \t{end or chr(10)}my dog died{end}".encode()), "utf-8"
    )
    monkeypatch.setattr(sys, "stdin", given)
    code, out, err = fecbench("predict", "ce", "--top", 1)
    assert code == 0, err
    assert [line.split("\t")[0].split()[0] for line in out.splitlines()] == ["no", "glad", "no", "sad"]
    assert out.splitlines()[0] == "no text\t"


@pytest.mark.slow
def test_a_text_without_a_token_is_named_as_in_training(fecbench, trained):
    """It has no state of its own: it would get that of its neighbour."""
    path = trained.folder / "encoder" / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"post_processor": None}))
    unseal(trained.folder)
    for texts in (["", "what a lovely day"], ["what a lovely day", " "]):
        code, out, err = fecbench("predict", trained.folder, *texts)
        assert (code, out) == (1, "")
        assert "every text must have a token, but the encoder's tokenizer finds none in" in err


@pytest.mark.slow
def test_predictions_equal_those_of_the_test(fecbench, trained, toy):
    """A predictor made from the directory alone gives the logits that were recorded."""
    import csv

    import torch
    from safetensors.torch import load_file

    from fecbench.runs.predictor import Predictor

    with (toy / "test.csv").open(newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    recorded = load_file(trained.folder / "predictions.safetensors")["logits"].softmax(1)
    torch.testing.assert_close(Predictor.load(trained).probabilities(texts), recorded, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_run_can_be_moved(fecbench, trained, here):
    trained.folder.rename(here / "elsewhere")
    code, out, _ = fecbench("predict", here / "elsewhere", "what a lovely day")
    assert code == 0
    assert out.startswith("glad")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["best.safetensors", "encoder/tokenizer.json", "encoder/config.json"])
def test_predict_names_a_missing_or_broken_file(fecbench, trained, name):
    (trained.folder / name).write_text("broken")
    code, _, err = fecbench("predict", "ce", "a text")
    assert code == 1
    assert "must" in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_label_or_text_cannot_forge_a_line_or_a_column(fecbench, trained, monkeypatch):
    from fecbench.runs.predictor import Predictor

    monkeypatch.setattr(Predictor, "labels", ("glad\tx\nforged 1.000\u2028\u202e", "mad", "sad"))
    code, out, err = fecbench("predict", trained.folder, "what a lovely day", "my dog\ndied\tx", "--top", 3)
    assert code == 0, err
    assert [len(line.split("\t")) for line in out.splitlines()] == [4, 4]
    assert out.startswith(r"glad\tx\nforged 1.000\u2028\u202e 0.")


@pytest.mark.slow
def test_predict_without_text_says_so(fecbench, trained, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    code, _, err = fecbench("predict", "ce")
    assert code == 2
    assert "a text is needed" in err

"""Examples that one run gets right and another wrong."""

import csv
import json
import shutil

import pytest
import torch

from fecbench.core.errors import DataNotFound, RunError
from fecbench.core.files import read_json, write_json, write_tensors
from fecbench.data.datasets.locations import DataLocations
from fecbench.results.case_formats import as_dict, markdown, table
from fecbench.results.cases import find_cases
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.runs.predictor import Predictor
from fecbench.runs.record import Record
from tests.support.records import unseal

LABELS = ["glad", "mad", "sad"]
GOLD = [0, 1, 2, 0, 1, 2]
TEXTS = ["sun and cake", "a | b *c*\n[d] $5", "rain", "we sang", "they lied", "he left"]
#          worse only      better only      better only       both right       both wrong       better only
BETTER = [[0.0, 1.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.5], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 9.0]]
WORSE = [[2.0, 0.0, 0.0], [1.0, 0.5, 0.0], [0.4, 0.0, 0.3], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [9.0, 0.0, 0.0]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A data set of six test rows, and a run on it."""
    home = tmp_path_factory.mktemp("cases")
    (home / "six").mkdir()
    for split, times in (("train", 4), ("validation", 1), ("test", 1)):
        with (home / "six" / f"{split}.csv").open("w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(["text", "label"])
            tag = "" if split == "test" else split
            lines.writerows(
                [f"{text} {tag}{n}".strip("0 "), LABELS[gold]]
                for n in range(times)
                for text, gold in zip(TEXTS, GOLD, strict=True)
            )
    settings = {"dataset": str(home / "six"), "encoder": "scratch", "epochs": 1, "batch_size": 8, "device": "cpu"}
    record = run(plan("ce", settings), RunContext(DataLocations(), home / "run"))
    unseal(record.folder)  # tests edit copies of it
    return record


@pytest.fixture
def pair(trained, tmp_path):
    """Two copies of the run with predictions of known kinds."""

    def copy(name: str, logits: list[list[float]]) -> Record:
        shutil.copytree(trained.folder, tmp_path / "runs" / name)
        return predicting(Record(tmp_path / "runs" / name), torch.tensor(logits))

    return copy("better", BETTER), copy("worse", WORSE)


def predicting(record: Record, logits: torch.Tensor) -> Record:
    """The record with other logits for the test rows."""
    found = {"row": torch.arange(len(logits)), "predicted": logits.argmax(1), "logits": logits}
    write_tensors(record.folder / "predictions.safetensors", found)
    return record


def edit(record: Record, change) -> None:
    """Change what ``run.json`` holds."""
    about = read_json(record.folder / "run.json")
    change(about)
    write_json(record.folder / "run.json", about)
    record.reload()


def test_cases_are_right_in_one_run_only_by_gain_and_others_are_counted(pair):
    found = find_cases(*pair)
    assert (len(found.cases), found.worse_only, found.both_right, found.both_wrong, found.rows) == (3, 1, 1, 1, 6)
    assert [case.row for case in found.cases] == [5, 1, 2]
    first = found.cases[0]
    assert (first.text, first.gold, first.better.label, first.worse.label) == ("he left", "sad", "sad", "glad")
    for case in found.cases:
        better, worse = (
            torch.tensor(logits[case.row]).exp() / torch.tensor(logits[case.row]).exp().sum()
            for logits in (BETTER, WORSE)
        )
        gold = GOLD[case.row]
        assert (
            case.better.gold_probability == pytest.approx(case.better.probability) == pytest.approx(better[gold].item())
        )
        assert case.worse.gold_probability == pytest.approx(worse[gold].item())
        assert case.worse.probability == pytest.approx(worse.max().item())
        assert case.gain == pytest.approx((better[gold] - worse[gold]).item())


def test_the_other_way_round(pair):
    better, worse = pair
    found = find_cases(worse, better)
    assert ([case.row for case in found.cases], found.worse_only) == ([0], 3)


def test_labels_are_matched_by_name_and_ties_are_broken_as_in_the_record(pair):
    better, worse = pair
    expected = find_cases(better, worse)
    edit(worse, lambda about: about["dataset"].update(labels=["sad", "glad", "mad"]))
    assert [case.row for case in find_cases(better, worse).cases] != [5, 1, 2]
    predicting(worse, torch.tensor(WORSE)[:, [2, 0, 1]])
    assert find_cases(better, worse).cases == expected.cases
    tied = torch.tensor(WORSE)[:, [2, 0, 1]]
    tied[5] = 1.0  # the first of the record's labels is sad, of the data's glad
    predicting(worse, tied)
    assert [case.row for case in find_cases(better, worse).cases] == [1, 2]


def test_other_rows_and_unfinished_runs_are_refused(pair):
    better, worse = pair
    about = read_json(worse.folder / "run.json")
    write_json(
        worse.folder / "run.json", {**about, "dataset": {**about["dataset"], "name": "seven", "fingerprint": "f" * 64}}
    )
    with pytest.raises(
        RunError, match=r"the same rows, but .*better has rows of six \(.*\) and .*worse of seven \(fingerprint ffff"
    ):
        find_cases(better, worse)
    (worse.folder / "result.json").unlink()
    with pytest.raises(RunError, match="worse must be a complete run, but is unfinished; finish it"):
        find_cases(better, worse)


def test_predictions_of_other_rows_are_refused(pair):
    better, worse = pair
    predicting(worse, torch.tensor(WORSE[:5]))
    with pytest.raises(RunError, match=r"must hold predictions of 6 rows and 3 labels, but holds \(5, 3\); restore it"):
        find_cases(better, worse)


def test_other_label_names_are_refused_as_such(pair):
    better, worse = pair
    edit(worse, lambda about: about["dataset"].update(labels=["glad", "mad", "blue"]))
    with pytest.raises(
        RunError, match="worse must have the labels of its data, glad, mad, sad, but has glad, mad, blue; restore it"
    ):
        find_cases(better, worse)


def test_a_run_without_logits_or_with_half_a_record_is_named(pair):
    better, worse = pair
    write_tensors(worse.folder / "predictions.safetensors", {"row": torch.arange(6)})
    with pytest.raises(RunError, match=r"predictions\.safetensors must hold logits, but holds row; restore it"):
        find_cases(better, worse)
    write_tensors(worse.folder / "predictions.safetensors", {"logits": torch.zeros(6)})
    with pytest.raises(RunError, match=r"must hold predictions of 6 rows and 3 labels, but holds \(6,\)"):
        find_cases(better, worse)
    edit(worse, lambda about: about.pop("max_length"))
    with pytest.raises(RunError, match=r"run\.json must be as fecbench writes it, but max_length: field required"):
        find_cases(worse, better, "validation")
    edit(worse, lambda about: about.update(settings=["seed"]))
    with pytest.raises(
        RunError, match=r"run\.json must be as fecbench writes it, but settings: input should be a valid dict"
    ):
        find_cases(better, worse)


def test_what_else_differs_between_the_runs_is_said(fecbench, pair):
    better, worse = pair
    assert "differ" not in markdown(find_cases(better, worse), 1)

    def change(about):
        about["settings"] |= {
            name: {"value": value, "origin": "flag"} for name, value in {"seed": 3, "limit": 2, "own": 1}.items()
        }

    edit(worse, change)
    said = "The runs differ in more than the method and its options: seed (0, 3), limit (none, 2)."
    found = find_cases(better, worse)
    assert said in markdown(found, 1)
    assert as_dict(found, 1)["differing"] == {"seed": [0, 3], "limit": [None, 2]}
    assert f"note: {said}\n" in fecbench("cases", better.folder, worse.folder)[1]


def test_runs_of_one_id_are_told_apart_by_their_folders(pair, tmp_path):
    better, worse = pair
    shutil.copytree(worse.folder, tmp_path / "elsewhere" / "better")
    found = find_cases(better, Record(tmp_path / "elsewhere" / "better"))
    assert found.names == (str(better.folder), str(tmp_path / "elsewhere" / "better"))


def test_texts_come_from_the_data_alone(pair, trained, tmp_path):
    data = tmp_path / "elsewhere"
    for record in pair:
        about = read_json(record.folder / "run.json")
        about["settings"]["dataset"]["value"] = str(data)
        write_json(record.folder / "run.json", about)
    with pytest.raises(DataNotFound, match="elsewhere"):
        find_cases(*pair)
    shutil.copytree(trained.settings()["dataset"], data)
    assert len(find_cases(*pair).cases) == 3


def test_test_rows_need_no_weights_and_validation_rows_are_predicted(pair):
    better, worse = pair
    found = find_cases(better, worse, "validation")
    assert (found.rows, found.cases) == (6, ())  # the weights are the same
    texts = [f"{text} validation" for text in TEXTS]
    predicted = Predictor.load(better, "cpu").probabilities(texts).argmax(1)
    assert found.both_right == (predicted == torch.tensor(GOLD)).sum()
    (worse.folder / "best.safetensors").unlink()
    assert len(find_cases(better, worse).cases) == 3
    with pytest.raises(RunError, match=r"best\.safetensors"):
        find_cases(better, worse, "validation")


def test_markdown_keeps_a_text_in_its_cell(pair):
    found = find_cases(*pair)
    page = markdown(found, top=2)
    lines = page.splitlines()
    assert lines[0].startswith(
        "Of 6 test rows of six, better alone gets 3 right and worse alone 1; both get 1 right and 1 wrong. Shown: 2 "
    )
    assert lines[2] == "| row | utterance | worse | p | better | p | p(gold) worse | p(gold) better |"
    assert lines[4] == "| 5 | he left | glad | 1.00 | sad | 1.00 | 0.00 | 1.00 |"
    assert lines[5].startswith(r"| 1 | a \| b \*c\* \[d\] \$5 | glad | 0.51 | mad | 0.91 | 0.31 | 0.91 |")
    assert lines[7] == "Runs: ce: better, ce: worse. Licence of the texts: unknown."
    assert table(found, 0)[1] == []


def test_the_command(fecbench, pair, tmp_path):
    root = tmp_path / "runs"
    code, out, _ = fecbench("cases", "better", "worse", "--root", root, "--top", 1)
    assert code == 0
    assert "better alone gets 3 right" in out
    assert "he left" in out
    assert "rain" not in out
    code, out, _ = fecbench("cases", "better", "worse", "--root", root, "--format", "json")
    found = json.loads(out)
    assert (found["better_only"], found["worse_only"], found["rows"]) == (3, 1, 6)
    assert [case["row"] for case in found["cases"]] == [5, 1, 2]
    assert found["cases"][0]["worse"]["label"] == "glad"
    page = tmp_path / "page.md"
    assert fecbench("cases", "better", "worse", "--root", root, "-o", page)[0] == 0
    assert page.read_text() == markdown(find_cases(*pair), 10)
    assert fecbench("cases", "better", "worse", "--root", root, "-o", tmp_path / "page.json")[0] == 0
    assert json.loads((tmp_path / "page.json").read_text()) == found
    code, _, err = fecbench("cases", "better", "worse", "--root", root, "-o", page, "--format", "terminal")
    assert (code, err) == (
        2,
        "fecbench: -o writes markdown, latex or json, but --format is terminal; choose another format or leave out "
        "-o\n",
    )
    code, _, err = fecbench("cases", "better", "worse", "--root", root, "-o", tmp_path / "no" / "page.md")
    assert code == 1
    assert "page.md can't be written" in err


def test_cases_are_a_latex_table_for_a_paper(pair, fecbench, tmp_path):
    file = tmp_path / "table.tex"
    flags = ("--root", tmp_path / "runs", "--top", 2, "-o", file)
    code, _, err = fecbench("cases", "better", "worse", *flags)
    assert code == 0, err
    text = file.read_text(encoding="utf-8")
    body = text.partition(r"\midrule")[2].partition(r"\bottomrule")[0]
    assert body.count(r"\\") == 2
    assert r"\begin{tabular}{rp{0.4\textwidth}l" in text
    assert r"Of 6 test rows of six" in text.partition(r"\caption")[2]
    whole = fecbench("cases", "better", "worse", "--root", tmp_path / "runs", "--format", "latex")[1]
    assert r"a \textbar{} b {*}c{*} {[}d{]} \$5" in whole


def test_methods_have_their_display_names_in_latex(pair, fecbench, tmp_path):
    better, _ = pair
    edit(better, lambda about: about["objective"].update(name="lcl"))
    _, out, _ = fecbench("cases", "better", "worse", "--root", tmp_path / "runs", "--format", "latex")
    (heads,) = [line for line in out.splitlines() if line.startswith("row & utterance")]
    assert heads == r"row & utterance & Cross-entropy & p & LCL & p & p(gold) Cross-entropy & p(gold) LCL \\"
    assert r"\caption{Texts that LCL labels correctly and Cross-entropy doesn't.}" in out
    assert "LCL alone gets 3 right and Cross-entropy alone 1" in out


def test_a_case_table_has_the_given_caption_and_label(pair, fecbench, tmp_path):
    about = ("cases", "better", "worse", "--root", tmp_path / "runs", "--caption", "Some & more", "--label", "tab:c")
    _, out, _ = fecbench(*about, "--format", "latex")
    assert r"\caption{Some \& more}" in out
    assert r"\label{tab:c}" in out
    code, _, err = fecbench(*about)
    assert (code, "--caption and --label are for LaTeX, but the format is terminal" in err) == (2, True)

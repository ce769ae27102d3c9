"""Evaluation entries of the hub: whose scores they are, and when a run may claim a data set."""

import shutil
from pathlib import Path

import pytest

from fecbench.core.errors import UsageError
from fecbench.core.files import read_json, write_json
from fecbench.data.datasets.locations import DataLocations
from fecbench.results.export.eval_entries import HubDataset, eval_target
from fecbench.results.export.export import export
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.runs.record import Record
from tests.support.exports import NATIVE
from tests.support.records import unseal


@pytest.mark.slow
def test_scores_as_the_hubs_evaluation_entries(trained, tmp_path):
    import yaml
    from huggingface_hub import parse_eval_result_entries

    record = trained("bert", "ce", **NATIVE)
    export(record, tmp_path / "out", eval_dataset="me/emotions")
    (file,) = (tmp_path / "out" / ".eval_results").iterdir()
    entries = parse_eval_result_entries(yaml.safe_load(file.read_text()))
    assert {entry.task_id: entry.value for entry in entries} == record.result["metrics"]["test"]
    assert {(entry.dataset_id, entry.date) for entry in entries} == {("me/emotions", record.about["started"])}
    assert "objective ce, seed 0" in entries[0].notes


def altered(record: Record, folder: Path, change) -> Record:
    """A copy of a record with another ``run.json``."""
    shutil.copytree(record.folder, folder)
    unseal(folder)
    about = read_json(folder / "run.json")
    change(about)
    write_json(folder / "run.json", about)
    return Record(folder)


def on_the_hub(address: str, cut: list[str] | None):
    """The change to a run on that data set; a record of before ``cut`` was recorded has none."""

    def change(about):
        about["settings"]["dataset"]["value"] = about["dataset"]["name"] = address
        about["dataset"].pop("cut")
        about["dataset"] |= {} if cut is None else {"cut": cut}

    return change


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "cut", "expected"),
    [
        ("hf:me/emotions", [], HubDataset("me/emotions")),
        ("hf:me/emotions@main", ["validation"], HubDataset("me/emotions")),
        (f"hf:me/emotions@{'0a' * 20}", [], HubDataset("me/emotions", revision="0a" * 20)),
        (
            "hf:me/emotions:small@main",
            [],
            "hf:me/emotions:small@main is one configuration of me/emotions, and an entry can't name a configuration",
        ),
        (
            "hf:me/emotions",
            ["validation", "test"],
            "the test rows were cut from the training rows of hf:me/emotions, which has no test split",
        ),
        ("hf:me/emotions", None, "doesn't say whether the test rows were cut from train"),
        ("ge", [], "ge is not a data set of the hub"),  # a selection of the hub's rows
        ("./me/emotions", [], "./me/emotions is not a data set of the hub"),
    ],
)
def test_only_a_run_on_the_hubs_own_test_rows_claims_them_by_itself(trained, tmp_path, dataset, cut, expected):
    found = eval_target(altered(trained("bert", "ce", **NATIVE), tmp_path / "run", on_the_hub(dataset, cut)), None)
    if isinstance(expected, str):
        assert found.dataset is None
        assert f"no .eval_results: {expected}" in found.note.replace("the record of this run on hf:me/emotions ", "")
        assert found.note.endswith("if its test rows are those of a data set of the hub, add --eval-dataset OWNER/NAME")
    else:
        assert found == (expected, "")


def test_joined_rows_of_raters_are_not_the_hubs(tmp_path):
    data = {"name": "hf:me/emotions", "fingerprint": "f", "labels": ["glad", "mad"], "cut": []}
    about = {"format": 1, "started": "2026-01-01T00:00:00", "objective": {"name": "ce"}, "dataset": data, "code": "c"}
    settings = {"dataset": "hf:me/emotions", "encoder": "scratch", "seed": 0}
    found = []
    for rater in (None, "annotator"):
        values = {key: {"value": value, "origin": "flag"} for key, value in {**settings, "rater_column": rater}.items()}
        (tmp_path / str(rater)).mkdir()
        write_json(tmp_path / str(rater) / "run.json", {**about, "settings": values})
        found.append(eval_target(Record(tmp_path / str(rater)), None))
    assert found[0] == (HubDataset("me/emotions"), "")
    assert found[1].note.startswith("no .eval_results: each test row joins the rows that several raters have in hf:")


@pytest.mark.slow
def test_a_record_says_which_splits_were_cut(trained, toy, tmp_path):
    assert trained("bert", "ce", **NATIVE).about["dataset"]["cut"] == []
    (toy / "test.csv").unlink()
    asked = {"dataset": str(toy), "encoder": "scratch", "epochs": 1, "batch_size": 16}
    assert run(plan("ce", asked), RunContext(DataLocations(), tmp_path / "run")).about["dataset"]["cut"] == ["test"]


@pytest.mark.slow
def test_entries_say_what_the_record_says_of_itself_and_the_card_claims_no_more(trained, tmp_path):
    import yaml
    from huggingface_hub import ModelCard

    def limited(about):
        on_the_hub("hf:me/emotions:small", [])(about)
        about["encoder"]["name"] = "."
        about["notes"] = ["LIMITED to the first 5 rows. Really.", "encoder . can't be packed"]

    record = altered(trained("bert", "ce", **NATIVE), tmp_path / "run", limited)
    export(record, tmp_path / "out", eval_dataset="you/others")
    entries = yaml.safe_load((tmp_path / "out" / ".eval_results" / "you--others.yaml").read_text())
    assert all(
        entry["notes"].endswith("one run; LIMITED to the first 5 rows. Really.; encoder a local folder can't be packed")
        for entry in entries
    )
    card = ModelCard.load(tmp_path / "out" / "README.md")
    assert card.data.datasets == ["me/emotions"]
    assert {(score.dataset_split, score.dataset_type) for score in card.data.eval_results} == {
        ("test", "you/others"),
        ("validation", "hf:me/emotions:small"),
    }
    assert "- LIMITED to the first 5 rows. Really.\n" in card.text
    assert "the encoder `a local folder`" in card.text
    assert "It is worst at" not in card.text  # three labels have no three worst


@pytest.mark.slow
@pytest.mark.parametrize("name", ["emotions", "a/b/c", "me/..", "me/x.git", "me/a--b", "-me/x", "me/", "me/x\n"])
def test_an_evaluation_data_set_has_a_name_of_the_hub(trained, tmp_path, name):
    with pytest.raises(UsageError, match="--eval-dataset must be a data set of the hub, owner/name, but is"):
        export(trained("bert", "ce", **NATIVE), tmp_path / "other", eval_dataset=name)

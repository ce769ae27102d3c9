"""Further metrics of a run: in its record, its table and its spec; wrong names are refused before training."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from fecbench.bench.matrix import expand
from fecbench.bench.smoke import smoke
from fecbench.bench.spec import read_spec
from fecbench.core.errors import DataError
from fecbench.data.datasets.dataset import DatasetInfo
from fecbench.runs.find import find_records
from fecbench.runs.further_metrics import further_metrics
from fecbench.runs.record import Record
from tests.support.train import load, train

NAME = "micro_f1:without=mad"
BRIEF = ("--encoder", "tiny-bert", "--epochs", 1, "--batch-size", 16)


def test_a_run_computes_the_metrics_that_are_named(fecbench, toy, tmp_path):
    folder = tmp_path / "run"
    arguments = ("--metric", NAME, "--metric", "micro_f1:without=glad,sad", "--metric", NAME)
    code, out, err = fecbench("run", "ce", "--dataset", toy, *BRIEF, *arguments, "--run-dir", folder)
    assert code == 0, err
    assert NAME in out.splitlines()[1]
    record = Record(folder)
    assert list(record.result["metrics"]["test"])[3:] == [NAME, "micro_f1:without=glad,sad"]
    assert NAME in record.result["metrics"]["validation"]
    (evaluated,) = [event for event in record.history() if event["event"] == "evaluation"]
    assert NAME in evaluated["metrics"]
    predicted, labels = load(record)["predicted"].numpy(), record.run_file.dataset.labels
    true = np.array(
        [labels.index(line.rpartition(",")[2]) for line in (toy / "test.csv").read_text().split("\n")[1:-1]]
    )
    counted = [number for number, label in enumerate(labels) if label != "mad"]
    expected = f1_score(true, predicted, labels=counted, average="micro", zero_division=0)
    assert record.result["metrics"]["test"][NAME] == pytest.approx(expected)


@pytest.mark.filterwarnings("default")
def test_a_complete_run_says_that_it_computes_no_further_metric(fecbench, toy, tmp_path):
    command = ("run", "ce", "--dataset", toy, *BRIEF, "--run-dir", tmp_path / "run")
    assert fecbench(*command)[0] == 0
    code, _, err = fecbench(*command, "--resume", "--metric", NAME)
    assert code == 0
    assert "was complete: further metrics and trackers change nothing" in err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("micro_f1:without=madd", "is called 'madd'; did you mean 'mad'?"),
        ("micro_f1:out=mad", "no option of the metric micro_f1"),
        ("macro", "no metric is called 'macro'"),
    ],
)
def test_a_wrong_metric_is_refused_before_training(fecbench, toy, tmp_path, name, says):
    folder = tmp_path / "run"
    code, _, err = fecbench("run", "ce", "--dataset", toy, *BRIEF, "--metric", name, "--run-dir", folder)
    assert code == 2
    assert says in err
    assert not folder.exists()


def test_a_dry_run_refuses_an_unknown_metric(fecbench, toy):
    code, _, err = fecbench("run", "ce", "--dataset", toy, "--metric", "micro_f2", "--dry-run")
    assert code == 2
    assert "did you mean 'micro_f1'?" in err


def described(metric: str) -> SimpleNamespace:
    return SimpleNamespace(
        name="chats", labels=("a", "b", "neutral"), info=DatasetInfo("chats", "", "", "", metric=metric)
    )


def test_a_data_sets_own_metric_comes_first():
    assert list(further_metrics(described("micro_f1:without=neutral"), ["macro_f1"])) == [
        "micro_f1:without=neutral",
        "macro_f1",
    ]
    assert further_metrics(described(""), []) == {}


@pytest.mark.parametrize("metric", ["f1", "micro_f1:without=none"])
def test_a_description_that_names_an_unknown_metric_is_corrected(metric):
    with pytest.raises(DataError, match=r"the metric of chats must be one .* correct `metric` in the description"):
        further_metrics(described(metric), [])


def test_a_data_sets_own_metric_is_computed_for_every_run(toy, tmp_path):
    (toy / "dataset.toml").write_text(f'metric = "{NAME}"\nlanguage = "English"\n')
    record = train("ce", toy, tmp_path / "run", epochs=1)
    assert NAME in record.result["metrics"]["test"]
    assert record.run_file.dataset.metric == NAME


def test_a_metric_that_does_not_fit_the_labels_of_its_data_set_is_refused(fecbench, toy, tmp_path):
    (toy / "dataset.toml").write_text('metric = "micro_f1:without=neutral"\n')
    code, _, err = fecbench("run", "ce", "--dataset", toy, *BRIEF, "--run-dir", tmp_path / "run")
    assert code == 1
    assert "no label in micro_f1:without=neutral is called 'neutral'" in err
    assert "correct `metric` in the description of the data set" in err
    assert not (tmp_path / "run").exists()


SPEC = (
    'title = "T"\nobjectives = ["ce"]\ndatasets = ["{data}"]\nseeds = [0]\nmetrics = ["{metric}"]\n'
    '[settings]\nencoder = "tiny-bert"\nepochs = 1\n'
)


@pytest.mark.slow
def test_a_spec_names_metrics_for_its_runs_and_its_board(fecbench, runs_here, toy, tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC.format(data=toy, metric=NAME))
    assert fecbench("bench", spec, "--root", tmp_path / "runs")[0] == 0
    (record,) = find_records([tmp_path / "runs"])
    assert NAME in record.result["metrics"]["test"]
    out = fecbench("leaderboard", tmp_path / "runs", "--spec", spec, "--json")[1]
    (cell,) = json.loads(out)["tables"][0]["rows"][0]["cells"]
    assert NAME in cell["scores"]
    assert smoke(expand(read_spec(spec))).spec.metrics == []  # the demo data lack its label


def test_a_spec_with_an_unknown_label_is_refused(fecbench, toy, tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC.format(data=toy, metric="micro_f1:without=madd"))
    code, _, err = fecbench("bench", spec, "--root", tmp_path / "runs")
    assert code == 2
    assert "did you mean 'mad'?" in err
    assert not (tmp_path / "runs").exists()


def test_a_spec_with_an_unknown_metric_is_refused(fecbench, tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC.format(data="demo", metric="micro_f2"))
    code, _, err = fecbench("bench", spec, "--dry-run")
    assert code == 2
    assert "no metric is called 'micro_f2'; did you mean 'micro_f1'?" in err

"""The rows and the code that a bench plans: both name a run's folder, and a run of others is refused."""

import json
from dataclasses import asdict

import pytest

from fecbench.bench.workers import Workers
from fecbench.runs.identity import RowsAndCode
from fecbench.runs.record import RUN
from tests.support.benches import prepared, tiny, write

pytestmark = pytest.mark.slow


def test_code_and_rows_decide_what_is_complete(toy, tmp_path, monkeypatch):
    spec = write(tmp_path, tiny(toy))
    (before,) = prepared(spec, tmp_path / "root").all_tasks()
    (again,) = prepared(spec, tmp_path / "root").all_tasks()
    assert before.record.folder == again.record.folder
    with (toy / "train.csv").open("a") as file:
        file.write("one more,sad\n")
    (other_rows,) = prepared(spec, tmp_path / "root").all_tasks()
    assert other_rows.record.folder != before.record.folder
    monkeypatch.setattr("fecbench.bench.benchmark._code", lambda *_: "other")
    (other_code,) = prepared(spec, tmp_path / "root").all_tasks()
    assert other_code.record.folder not in (before.record.folder, other_rows.record.folder)


def test_a_run_of_other_rows_or_code_than_the_bench_planned_is_refused_and_says_so(toy, tmp_path, fecbench):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()
    arguments = benchmark._job(task, Workers()).arguments
    rows = (toy / "train.csv").read_text()
    (toy / "train.csv").write_text(rows + "one more,sad\n")
    code, _, err = fecbench(*arguments)
    assert code == 1
    assert "was planned before the rows of its data changed; give the command that planned it again" in err
    assert task.status == "failed"
    assert "planned before the rows" in task.record.failure["message"]
    (toy / "train.csv").write_text(rows)
    other = RowsAndCode(task.content.rows, "another code")
    code, _, err = fecbench(*arguments[:-1], json.dumps(asdict(other)))
    assert code == 1
    assert "was planned before the code of fecbench or of one of its plugins changed" in err
    assert not (task.record.folder / RUN).exists()
    code, _, err = fecbench(*arguments)
    assert code == 0, err
    assert task.status == "complete"
    code, _, err = fecbench(*arguments[:-1], json.dumps(asdict(other)))
    assert code == 1, "nor does a complete one count as another"


def test_a_run_of_other_label_texts_than_the_bench_planned_is_refused(toy, tmp_path, fecbench):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()
    (toy / "dataset.toml").write_text('[labels.descriptions]\nsad = "unhappy"\n')
    code, _, err = fecbench(*benchmark._job(task, Workers()).arguments)
    assert code == 1
    assert "was planned before the texts of its labels changed" in err


def test_rows_that_read_other_label_texts_expect_those(toy, tmp_path):
    (toy / "dataset.toml").write_text('[labels.descriptions]\nsad = "unhappy"\n')
    (tmp_path / "spec.toml").write_text(f"""
        title = "t"
        datasets = ["{toy}"]
        seeds = [0]
        settings = {{ encoder = "tiny-bert" }}
        row = [
            {{ name = "names", objective = "ce", settings = {{ label_texts = "names" }} }},
            {{ name = "described", objective = "ce" }},
        ]
    """)
    names, described = prepared(tmp_path / "spec.toml", tmp_path / "root").all_tasks()
    assert names.content.rows == described.content.rows
    assert names.content.difference(described.content) == "the texts of its labels"


@pytest.mark.parametrize("wrong", ["[1]", "{", '{"rows": "a"}', '{"rows": "a", "code": "b", "more": 1}'])
def test_what_is_expected_of_a_run_must_be_digests(fecbench, wrong):
    code, _, err = fecbench("run", "ce", "--dataset", "demo", "--expected", wrong)
    assert code == 2
    assert "--expected must be a JSON object of the digests rows, code and labels" in err

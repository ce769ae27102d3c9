"""``fecbench runs``: which runs there are, newest first."""

import json

import pytest


@pytest.mark.slow
def test_runs_lists_newest_first_with_scores(fecbench, trained, here):
    code, out, _ = fecbench("runs")
    assert code == 0
    assert out.splitlines()[1].split()[:6] == ["first", "ce", "toy", "scratch", "0", "complete"]
    (row,) = json.loads(fecbench("runs", "--json")[1])
    assert row["accuracy"] == trained.result["metrics"]["test"]["accuracy"]


@pytest.mark.slow
def test_newest_is_what_was_begun_last_not_what_was_copied_last(fecbench, trained, here):
    import shutil

    copied = here / "runs" / "copied"
    shutil.copytree(trained.folder, copied)
    path = copied / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"started": "2001-01-01T00:00:00+00:00"}))
    _, out, _ = fecbench("runs", "--json")
    assert [row["id"] for row in json.loads(out)] == ["first", "copied"]


@pytest.mark.slow
def test_a_broken_record_hides_no_other(fecbench, trained, here):
    for name, content in (("broken", "{"), ("empty", "{}"), ("odd", '{"format": 1, "objective": 3}')):
        (here / "runs" / name).mkdir()
        (here / "runs" / name / "run.json").write_text(content)
    rows = {row["id"]: row["status"] for row in json.loads(fecbench("runs", "--json")[1])}
    assert rows["first"] == "complete"
    assert all(rows[name].startswith("broken: ") for name in ("broken", "empty", "odd"))
    assert fecbench("predict", "ce", "a lovely day")[0] == 0


def test_no_runs_says_how_to_start_one(fecbench, here):
    code, out, _ = fecbench("runs")
    assert code == 0
    assert "no runs under runs; start one with: fecbench run ce --dataset demo" in out

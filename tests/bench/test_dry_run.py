"""A bench names missing inputs and the time that is left before anything starts."""

import json
import re

import pytest
from click.testing import CliRunner

from fecbench.bench.status import bench_status, total
from fecbench.bench.time_estimates import Estimates
from fecbench.cli import cli
from fecbench.core.errors import EncoderError, FecbenchError, NeedsError
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.find import readable_records
from tests.support.benches import prepared, tiny, write

pytestmark = pytest.mark.slow


def test_what_is_missing_is_said_before_anything_starts(toy, tmp_path):
    with pytest.raises(EncoderError, match="no/such"):
        prepared(write(tmp_path, tiny(toy).replace("tiny-bert", "no/such")), tmp_path / "root")
    with pytest.raises(FecbenchError, match="nowhere"):
        prepared(write(tmp_path, tiny(tmp_path / "nowhere")), tmp_path / "root")
    with pytest.raises(NeedsError, match="at least 2 texts"):
        prepared(
            write(tmp_path, tiny(toy, objectives='["aml"]', more="objective.aml = { batch_size = 1 }")),
            tmp_path / "root",
        )
    found = prepared(
        write(tmp_path, tiny(toy, objectives='"*"', more="objective.aml = { batch_size = 1 }")), tmp_path / "root"
    )
    assert "aml" not in {entry.row for entry in found.matrix.entries}
    assert "at least 2 texts" in found.matrix.left_out[f"aml on {toy}"]
    assert not (tmp_path / "root").exists()


def test_a_dry_run_names_what_is_missing_row_by_row_and_prints_the_rest(toy, tmp_path):
    absent = tmp_path / "absent"
    spec = tiny(
        toy,
        more="[[row]]\nname = 'fine'\nobjective = 'ce'\n[[row]]\nname = 'lost'\nobjective = 'ce'\n"
        "encoder = 'no/such'\n",
    )
    spec = re.sub("objectives = .*", "", spec).replace(f'["{toy}"]', f'["{toy}", "{absent}"]')
    path = write(tmp_path, spec + "[grid]\nselect = 'validation'\nsettings = { lr = [1e-3, 1e-4] }\n")
    asked = ["bench", str(path), "--root", str(tmp_path / "root"), "--dry-run"]
    shown = CliRunner().invoke(cli, asked)
    assert shown.exit_code == 1
    flat = " ".join(shown.output.split())
    assert flat.count("can't start") == 3 + 2  # rows of the table, and reasons
    assert f"can't start: lost on {toy}, lost on {absent}: the encoder 'no/such'" in flat
    assert f"can't start: fine on {absent}, lost on {absent}: {absent} doesn't exist" in flat
    rows = json.loads(CliRunner().invoke(cli, [*asked, "--json"]).stdout)
    assert [(row["row"], bool(row["missing"]), row["waiting"]) for row in rows] == [
        ("fine", False, 2),
        ("fine", True, 2),
        ("lost", True, 2),
        ("lost", True, 2),
    ]
    assert not (tmp_path / "root").exists()
    assert CliRunner().invoke(cli, asked[:-1]).exit_code == 1


def test_a_dry_run_estimates_by_earlier_runs(toy, tmp_path):
    spec = write(tmp_path, tiny(toy, seeds="[0, 1, 2]"))
    benchmark = prepared(spec, tmp_path / "root")
    before = bench_status(benchmark, Estimates.under(tmp_path / "root"))
    assert [(row.waiting, row.seconds) for row in before] == [(3, None)]
    assert total(before, 2) is None
    first = benchmark.all_tasks()[0]
    run(first.planned.plan, RunContext(DataLocations(), first.record.folder))
    (after,) = bench_status(benchmark, Estimates.under(tmp_path / "root"))
    assert (after.complete, after.waiting) == (1, 2)
    assert after.seconds == pytest.approx(2 * first.record.result["seconds"], abs=0.01)
    assert total([after], 2) == pytest.approx(after.seconds / 2)
    shown = CliRunner().invoke(cli, ["bench", str(spec), "--root", str(tmp_path / "root"), "--dry-run"])
    assert shown.exit_code == 0, shown.output
    assert "time left, 1 run at a time" in shown.output
    assert len(list(readable_records(tmp_path / "root"))) == 1


def test_a_dry_run_estimates_by_records_published_beside_the_spec(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = write(tmp_path, tiny(toy))
    asked = ["bench", str(spec), "--root", str(tmp_path / "root"), "--dry-run", "--json"]
    (before,) = json.loads(CliRunner().invoke(cli, asked).stdout)
    assert before["seconds"] is None
    (task,) = prepared(spec, tmp_path / "root").all_tasks()
    published = run(task.planned.plan, RunContext(DataLocations(), tmp_path / "results" / "board" / "ce-toy"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (after,) = json.loads(CliRunner().invoke(cli, asked).stdout)
    assert after["seconds"] == pytest.approx(published.result["seconds"], abs=0.01)

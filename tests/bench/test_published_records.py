"""Published records that ``bench --done`` counts as complete: whole ones of the same settings, rows and code."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from fecbench.bench import benchmark as benchmark_module
from fecbench.bench import matrix
from fecbench.bench.benchmark import Benchmark
from fecbench.bench.published_records import complete_records
from fecbench.bench.spec import read_spec
from fecbench.cli import cli
from fecbench.core.errors import UsageError
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.find import all_records, readable_records
from fecbench.runs.record import HISTORY, PREDICTIONS, RESULT, RUN
from tests.support.benches import prepared, tiny, write

pytestmark = pytest.mark.slow


@pytest.fixture
def published(toy, tmp_path) -> tuple[Path, Path]:
    """A spec, and the folder of its published records, which were run somewhere else."""
    spec = write(tmp_path, tiny(toy))
    (task,) = prepared(spec, tmp_path / "elsewhere").all_tasks()
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    told = CliRunner().invoke(
        cli, ["leaderboard", str(tmp_path / "elsewhere"), "--spec", str(spec), "--publish", str(tmp_path / "public")]
    )
    assert told.exit_code == 0, told.output
    return spec, tmp_path / "public"


def counted(spec: Path, root: Path, public: Path) -> Benchmark:
    return Benchmark.prepare(matrix.expand(read_spec(spec)), root, DataLocations(), complete_records(public)[0])


def test_what_is_complete_and_published_elsewhere_is_not_run_again(published, tmp_path):
    spec, public = published
    told = CliRunner().invoke(cli, ["bench", str(spec), "--root", str(tmp_path / "here"), "--done", str(public)])
    assert told.exit_code == 0, told.output
    assert "1 of 1 runs complete" in told.output
    assert list((tmp_path / "here").iterdir()) == [tmp_path / "here" / "logs"]
    (task,) = counted(spec, tmp_path / "here", public).all_tasks()
    assert task.record.folder.parent == public


def test_runs_and_published_records_make_one_board_that_is_published_again(published, tmp_path):
    spec, public = published
    before = (public / "board.md").read_bytes()
    for places in (["elsewhere", "public"], ["public", "elsewhere"]):
        places = [str(tmp_path / place) for place in places]
        told = CliRunner().invoke(cli, ["leaderboard", *places, "--spec", str(spec), "--publish", str(public)])
        assert told.exit_code == 0, told.output
        assert len(list(all_records(public))) == 1
        assert (public / "board.md").read_bytes() == before


def test_what_is_published_of_other_settings_or_code_does_not_count(published, toy, tmp_path, monkeypatch):
    spec, public = published
    other = write(tmp_path, tiny(toy).replace("batch_size = 16", "batch_size = 8"))
    assert [task.status for task in counted(other, tmp_path / "here", public).all_tasks()] == ["unfinished"]
    monkeypatch.setattr(benchmark_module, "_code", lambda *names: "other code")
    assert [task.status for task in counted(spec, tmp_path / "here", public).all_tasks()] == ["unfinished"]


@pytest.mark.parametrize(
    ("file", "found", "put"),
    [
        (RUN, b'"value": 16', b'"value": 61'),
        (RESULT, b'"epochs": 1', b'"epochs": 2'),
        (HISTORY, b'"epoch": 1', b'"epoch": 2'),
        (PREDICTIONS, b"\x01", b"\x00"),
    ],
)
def test_a_published_record_that_was_changed_does_not_count_and_is_named(published, file, found, put):
    _, public = published
    (record,) = readable_records(public)
    path = record.folder / file
    content = path.read_bytes()
    assert found in content
    path.write_bytes(put.join(content.rsplit(found, 1)))
    whole, reasons = complete_records(public)
    assert whole == {}
    assert record.id in reasons[0]


@pytest.mark.parametrize(
    ("more", "said"),
    [(["--done", "none"], "none isn't a folder"), (["--done", ".", "--force"], "leave one of them out")],
)
def test_done_is_a_folder_and_no_companion_of_force(toy, tmp_path, more, said):
    told = CliRunner().invoke(cli, ["bench", str(write(tmp_path, tiny(toy))), "--root", str(tmp_path / "here"), *more])
    assert isinstance(told.exception, UsageError)
    assert said in str(told.exception)

"""A benchmark's matrix: complete runs aren't repeated, failures stop nothing else, killed runs continue."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from zlib import crc32

import pytest
import torch
from click.testing import CliRunner
from pydantic import Field
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy, one_hot

from fecbench import BatchNeeds, Config, Objective, Update
from fecbench.bench import benchmark as benchmark_module
from fecbench.bench import matrix
from fecbench.bench.benchmark import Benchmark, smoke
from fecbench.bench.job import carry_out
from fecbench.bench.published_records import complete_records
from fecbench.bench.spec import read_spec
from fecbench.bench.status import bench_status, total
from fecbench.bench.time_estimates import Estimates
from fecbench.bench.workers import Workers
from fecbench.cli import cli
from fecbench.cli.terminal import bench_progress as watching
from fecbench.core.errors import EncoderError, FecbenchError, NeedsError, RunError, UsageError
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.find import all_records, readable_records
from fecbench.runs.identity import RowsAndCode
from fecbench.runs.plan import plan
from fecbench.runs.record import HISTORY, LOCK, PREDICTIONS, RESULT, RUN, Record
from fecbench.runs.run_folder import acquire, sign
from tests.support import ROOT

pytestmark = pytest.mark.slow

BENCHMARKS = ROOT / "benchmarks"
DEMO = BENCHMARKS / "demo.toml"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def write(folder: Path, text: str) -> Path:
    path = folder / "spec.toml"
    path.write_text(text)
    return path


def tiny(toy: Path, *, seeds: str = "[0]", objectives: str = '["ce"]', more: str = "") -> str:
    return f"""
        title = "t"
        objectives = {objectives}
        datasets = ["{toy}"]
        seeds = {seeds}
        settings = {{ encoder = "tiny-bert", epochs = 1, batch_size = 16 }}
        {more}
    """


def command(spec: Path, root: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "fecbench", "bench", str(spec), "--root", str(root), "--workers", "2", *more]


def carried_out(spec: Path, root: Path, *more: str) -> subprocess.CompletedProcess:
    return subprocess.run(command(spec, root, *more), env=ENVIRONMENT, capture_output=True, text=True, check=False)


def numbers(root: Path) -> dict:
    """Everything that equal matrices share, by run: scores, predictions and history."""
    found = {}
    for record in readable_records(root):
        result = {key: value for key, value in record.result.items() if "second" not in key}
        tensors = {name: tensor.tolist() for name, tensor in load_file(record.folder / PREDICTIONS).items()}
        found[record.id] = (result, tensors, record.history())
    return found


def prepared(spec: Path, root: Path) -> Benchmark:
    return Benchmark.prepare(matrix.expand(read_spec(spec)), root, DataLocations())


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """The demo spec, never interrupted."""
    root = tmp_path_factory.mktemp("demo") / "unbroken"
    return root, carried_out(DEMO, root, "--json")


def test_the_demo_spec(demo):
    root, done = demo
    assert done.returncode == 0, done.stderr
    states = json.loads(done.stdout)
    assert [(s["row"], s["seed"], s["status"]) for s in states] == [
        (row, seed, "complete") for row in ("ce", "aml") for seed in (0, 0, 1, 2)
    ]
    assert "8 of 8 runs complete" in done.stderr
    assert "among lr 0.0005 | lr 0.001 (first seed; 2 of 2 trials complete)" in done.stderr
    for record in readable_records(root):
        settings = record.about["settings"]
        assert settings["limit"] == {"value": 320, "origin": "spec"}
        assert settings["lr"]["origin"] == "spec"
        assert settings["encoder"] == {"value": "scratch", "origin": "data set demo"}
        assert record.about["threads"] == 1


def test_a_second_time_nothing_runs(demo):
    root, _ = demo
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*.*") if path.is_file()}
    again = carried_out(DEMO, root)
    assert again.returncode == 0
    assert "already complete: 8 runs" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*.*") if path.is_file()} == before


def test_a_matrix_killed_hard_again_and_again_ends_as_one_never_interrupted(demo, tmp_path):
    unbroken, _ = demo
    chance, kills, root = random.Random(0), 0, tmp_path / "0"
    while kills < 10:
        process = subprocess.Popen(
            command(DEMO, root),
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while process.poll() is None and not any(
            Record(lock.parent).status == "running" for lock in root.glob(f"*/{LOCK}")
        ):
            time.sleep(0.05)
        time.sleep(chance.uniform(0, 2))
        if process.poll() is not None:  # what the kills left was done before the next one came
            assert numbers(root) == numbers(unbroken)
            root = tmp_path / str(kills)
            continue
        if kills % 2:  # the whole group at once, as a power cut; or the starter alone, as an out-of-memory kill
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    done = carried_out(DEMO, root)
    assert done.returncode == 0, done.stderr
    assert numbers(root) == numbers(unbroken)


def test_one_that_fails_stops_no_other(toy, tmp_path):
    spec = write(tmp_path, tiny(toy, objectives='["ce", "aml"]', more="objective.ce = { lr = 1e30 }"))
    done = carried_out(spec, tmp_path / "root", "--json")
    assert done.returncode == 1
    assert {s["row"]: s["status"] for s in json.loads(done.stdout)} == {"ce": "failed", "aml": "complete"}
    assert "failed: ce-" in done.stderr
    (log,) = (tmp_path / "root" / "logs").glob("ce-*.log")
    assert log.read_text().count("fecbench: ") == 1  # it isn't tried twice
    assert "1 of 2 runs complete" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_benches_at_once_share_the_work(toy, tmp_path):
    grid = 'grid = { select = "validation", settings = { lr = [1e-4, 1e-3] } }'
    spec, root = write(tmp_path, tiny(toy, seeds="[0, 1]", more=grid)), tmp_path / "root"
    both = [subprocess.Popen(command(spec, root), env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=300)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert all("2 of 2 trials complete" in one and "3 of 3 runs complete" in one for one in said)
    assert len(list(readable_records(root))) == 3


def test_watching_takes_little_of_a_core(toy, tmp_path, monkeypatch):
    """After a look that cost 2 s of CPU time it waits until that is its share of the time."""
    watch, waits = watching.Watch(prepared(write(tmp_path, tiny(toy)), tmp_path / "root"), Estimates([]), 1), []
    monkeypatch.setattr(watching, "thread_time", iter([0.0, 2.0]).__next__)
    monkeypatch.setattr(watch.over, "wait", lambda pause: waits.append(pause) or len(waits) == 2)
    watch._repeat(lambda: None)
    assert waits == [watching.INTERVAL, 2.0 / watching.SHARE]


def test_ctrl_c_stops_all_and_the_same_command_goes_on(toy, tmp_path):
    spec = write(tmp_path, tiny(toy).replace("epochs = 1", "epochs = 4000, patience = 4000"))
    root = tmp_path / "root"
    process = subprocess.Popen(
        command(spec, root), env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    waited = time.monotonic()
    while not list(root.glob("*/last.safetensors")) and time.monotonic() - waited < 300:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "stopped; run the same command again to continue" in said
    assert "Traceback" not in said
    (record,) = readable_records(root)
    waited = time.monotonic()
    while record.status == "running" and time.monotonic() - waited < 300:
        time.sleep(0.1)
    assert record.status in ("interrupted", "unfinished")
    assert record.history()


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_a_real_local_cluster(engine, toy, tmp_path):
    pytest.importorskip("distributed" if engine == "dask" else "ray")
    spec = write(tmp_path, tiny(toy, seeds="[0, 1]"))
    done = carried_out(spec, tmp_path / "cluster", "--engine", engine)
    assert done.returncode == 0, done.stderr
    assert "2 of 2 runs complete" in done.stderr
    here = carried_out(spec, tmp_path / "here")
    assert here.returncode == 0, here.stderr
    assert numbers(tmp_path / "cluster") == numbers(tmp_path / "here")


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_spec_runs_at_its_smallest(path, tmp_path):
    small = smoke(matrix.expand(read_spec(path)))
    wanted = {entry.runs[0][0].plan.settings.encoder for entry in small.entries}
    families = {
        "table2": {"bert", "electra", "roberta"},
        **{key: {"roberta"} for key in ("paper", "ablation", "sensitivity")},
    }
    assert wanted == {f"tiny-{family}" for family in families.get(path.stem, {"bert"})}
    tasks = Benchmark.prepare(small, tmp_path, DataLocations()).all_tasks()
    for task in tasks:
        run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
        assert task.record.status == "complete"
        assert task.record.settings() == task.planned.settings
        assert task.record.about["dataset"]["rows"]["train"] == 16


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


@pytest.mark.parametrize("wrong", ["[1]", "{", '{"rows": "a"}', '{"rows": "a", "code": "b", "more": 1}'])
def test_what_is_expected_of_a_run_must_be_digests(fecbench, wrong):
    code, _, err = fecbench("run", "ce", "--dataset", "demo", "--expected", wrong)
    assert code == 2
    assert "--expected must be a JSON object of the digests rows and code" in err


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("other", ["rows", "code", "settings"])
def test_a_record_of_another_run_than_its_folder_promises_is_set_aside(toy, tmp_path, monkeypatch, other, complete):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()
    rows = (toy / "train.csv").read_text()
    with monkeypatch.context() as patched:  # what an earlier fecbench did where data or code was edited under way
        if other == "rows":
            (toy / "train.csv").write_text(rows + "one more,sad\n")
        elif other == "code":
            patched.setattr("fecbench.runs.provenance.code_digest", lambda *_: "another")
        flags = {"lr": 0.5} if other == "settings" else {}
        run(
            plan("ce", {"dataset": str(toy), "seed": 0, **flags}, task.planned.asked),
            RunContext(DataLocations(), task.record.folder),
        )
    (toy / "train.csv").write_text(rows)
    if not complete:
        (task.record.folder / RESULT).unlink()
    assert task.status == ("stale" if complete else "unfinished")
    assert benchmark._score(task.planned) is None
    (row,) = bench_status(benchmark, Estimates([]))
    assert (row.complete, row.waiting) == (0, 1)
    benchmark_module._set_aside([task] if task.is_stale else [])
    assert not task.record.folder.exists()
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder, expected=task.content))
    assert (task.status, task.is_stale) == ("complete", False)


def test_force_sets_earlier_records_aside(toy, tmp_path):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    assert task.record.status == "complete"
    benchmark.set_aside()
    assert not task.record.folder.exists()
    assert [record.status for record in readable_records(tmp_path / "root")] == ["complete"]


def test_a_log_is_written_to_no_place_outside_the_root(toy, tmp_path):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()
    (tmp_path / "mine").mkdir()
    task.log.parent.mkdir(parents=True)
    task.log.symlink_to(tmp_path / "mine" / "notes")
    with pytest.raises(RunError, match=r"\.log must be a file in .*logs, but leads to .*notes"):
        carry_out(benchmark._job(task, Workers()))
    shutil.rmtree(task.log.parent)
    task.log.parent.symlink_to(tmp_path / "mine")
    with pytest.raises(RunError, match=r"logs must be a file in .*root, but leads to .*mine"):
        benchmark.carry_out(Workers())
    assert not [*(tmp_path / "mine").iterdir()]


def test_records_set_aside_in_one_second_get_names_of_their_own(toy, tmp_path, monkeypatch):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()

    class Frozen(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 1, 2, 30, tzinfo=tz)

    monkeypatch.setattr("fecbench.bench.benchmark.datetime", Frozen)
    for number in range(3):
        task.record.folder.mkdir(parents=True)
        (task.record.folder / "which").write_text(str(number))
        benchmark.set_aside()
    name = f"{task.record.id}.until-20261101-023000"
    assert {path.name: (path / "which").read_text() for path in (tmp_path / "root").iterdir()} == {
        name: "0",
        f"{name}-2": "1",
        f"{name}-3": "2",
    }


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


@pytest.mark.parametrize("seconds", ["1e999", "-5e9", "1" + "0" * 400, '"long"', "null"])
def test_a_record_whose_times_are_none_estimates_nothing(toy, tmp_path, seconds):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    result = task.record.folder / RESULT
    result.write_text(re.sub(r'"train_seconds": [\d.]+', f'"train_seconds": {seconds}', result.read_text()))
    assert Estimates.under(tmp_path / "root").seconds(task.planned.plan, 60) is None


def test_a_run_under_way_counts_for_what_is_left_of_it(toy, tmp_path):
    spec = write(tmp_path, tiny(toy).replace("epochs = 1", "epochs = 4"))
    benchmark = prepared(spec, tmp_path / "root")
    (task,) = benchmark.all_tasks()
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    whole = Estimates.under(tmp_path / "root")
    (task.record.folder / RESULT).unlink()
    history = task.record.folder / HISTORY
    history.write_text(
        "".join(line for line in history.read_text().splitlines(keepends=True) if json.loads(line)["epoch"] <= 1)
    )
    lock = acquire(task.record)
    sign(task.record)
    (row,) = bench_status(benchmark, whole)
    lock.release()
    assert (row.running, row.running_now) == (1, "s0 epoch 2/4")
    assert row.seconds == pytest.approx(0.75 * whole.seconds(task.planned.plan, 60))


def test_what_was_broken_off_under_other_versions_is_set_aside(toy, tmp_path):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()
    assert not task.is_stale
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    (task.record.folder / RESULT).unlink()
    assert not task.is_stale
    about = json.loads((task.record.folder / RUN).read_text())
    about["versions"]["numpy"] = "0"
    (task.record.folder / RUN).write_text(json.dumps(about))
    assert task.is_stale


def test_a_run_takes_settings_as_json(toy, tmp_path):
    settings = json.dumps({"epochs": 1, "encoder": "tiny-bert", "lr": 0.001})
    arguments = [
        "run",
        "ce",
        "--dataset",
        str(toy),
        "--run-dir",
        str(tmp_path / "run"),
        "--settings",
        settings,
        "--lr",
        "0.01",
    ]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    recorded = Record(tmp_path / "run").about["settings"]
    assert (recorded["epochs"], recorded["lr"]) == ({"value": 1, "origin": "spec"}, {"value": 0.01, "origin": "flag"})
    for wrong in ("[1]", "{"):
        refused = CliRunner().invoke(cli, ["run", "ce", "--dataset", str(toy), "--settings", wrong])
        assert isinstance(refused.exception, UsageError)


class Fitted(Objective):
    """Cross-entropy; with ``cheat``, the validation labels are learnt by heart after training."""

    class Config(Config):
        cheat: bool = Field(False, description="whether validation labels are learnt by heart")

    needs = BatchNeeds(texts=True)

    def __init__(self, config, task):
        super().__init__(config, task)
        self.register_buffer("heart", torch.zeros(12, dtype=torch.int64))  # labels of the toy's validation rows
        self.register_buffer("texts", torch.zeros(12, dtype=torch.int64))  # checksums of their texts
        self.register_buffer("known", torch.tensor(False))

    def updates(self, batch, model):
        yield Update(cross_entropy(model.classify(model.project(model.encode(batch))), batch.labels))

    def after_training(self, stage):
        self.heart.copy_(stage.labels["validation"])
        self.texts.copy_(checksums(stage.texts["validation"]))
        self.known.fill_(self.config.cheat)

    def predict(self, batch, model):
        logits = super().predict(batch, model)
        if not self.known:
            return logits
        rows = (checksums(batch.texts)[:, None] == self.texts).int().argmax(1)
        return one_hot(self.heart[rows], logits.shape[1]).to(logits)


def checksums(texts):
    return torch.tensor([crc32(text.encode()) for text in texts])


def test_a_stage_that_reads_validation_labels_plays_no_part_in_the_choice(toy, tmp_path, registered):
    registered("fitted", Fitted)
    spec = write(
        tmp_path,
        tiny(
            toy, objectives='["fitted"]', more="grid = { select = 'validation', settings = { cheat = [false, true] } }"
        ),
    )
    benchmark = prepared(spec, tmp_path / "root")
    for task in benchmark.first(benchmark.matrix.entries):
        run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    honest, fitted = (task.record for task in benchmark.first(benchmark.matrix.entries))
    assert fitted.result["metrics"]["validation"]["accuracy"] == 1
    assert honest.result["metrics"]["validation"]["accuracy"] < 1
    best = [event["metrics"] for event in fitted.history() if event["event"] == "evaluation"][-1]
    assert matrix.validation_score(fitted) == best["accuracy"] + best["weighted_f1"] == matrix.validation_score(honest)
    assert [planned.plan.options.cheat for planned in benchmark.selection().runs] == [False]  # equal: the first


def test_older_records_are_chosen_by_what_they_hold(toy, tmp_path):
    (task,) = (benchmark := prepared(write(tmp_path, tiny(toy)), tmp_path / "root")).all_tasks()
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    path = task.record.folder / "result.json"
    result = json.loads(path.read_text())
    scores = result["metrics"]["validation"]
    assert (
        matrix.validation_score(task.record) == result["validation_score"] == scores["accuracy"] + scores["weighted_f1"]
    )
    path.write_text(
        json.dumps({key: value for key, value in result.items() if key not in ("validation_score", "seal")})
    )
    assert matrix.validation_score(benchmark.all_tasks()[0].record) == scores["accuracy"] + scores["weighted_f1"]


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


def test_groups_run_one_after_another_and_seed_by_seed(toy, tmp_path, monkeypatch):
    rows = """
        [[row]]
        name = "late"
        objective = "ce"
        group = 2
        seeds = [1]
        [[row]]
        name = "a"
        objective = "ce"
        settings = { label_smoothing = 0.1 }
        [[row]]
        name = "b"
        objective = "ce"
        settings = { label_smoothing = 0.2 }
    """
    spec = write(tmp_path, tiny(toy, seeds="[0, 1]", more=rows).replace('objectives = ["ce"]', ""))
    handed: list[list[tuple[str, int]]] = []

    def note(benchmark, tasks, workers):
        handed.append([(task.planned.row, task.planned.plan.settings.seed) for task in tasks])

    monkeypatch.setattr(Benchmark, "_execute", note)
    prepared(spec, tmp_path / "root").carry_out(Workers())
    assert [part for part in handed if part] == [[("a", 0), ("b", 0), ("a", 1), ("b", 1)], [("late", 1)]]

"""Every spec of the folder benchmarks runs at its smallest."""

import pytest

from fecbench.bench import matrix
from fecbench.bench.benchmark import Benchmark
from fecbench.bench.smoke import smoke
from fecbench.bench.spec import read_spec
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from tests.support.benches import BENCH, BENCHMARKS, write

pytestmark = pytest.mark.slow


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


def test_a_smoke_test_trains_with_the_real_optimiser_and_schedule(tmp_path):
    wanted = {"optimizer": "adam", "schedule": "constant", "no_decay_norm_bias": True}
    spec = write(tmp_path, f'{BENCH}optimizer = "adam"\nschedule = "constant"\nno_decay_norm_bias = true\n')
    small = smoke(matrix.expand(read_spec(spec)))
    assert small.entries[0].runs[0][0].plan.settings.model_dump(include=set(wanted)) == wanted

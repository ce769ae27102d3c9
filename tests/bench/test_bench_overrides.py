"""``fecbench bench SPEC --dataset --seeds --limit`` tries a part of a spec, or a spec on other data."""

import json

import pytest

from fecbench.runs.find import readable_records
from tests.support.benches import tiny, write

pytestmark = pytest.mark.slow


def test_a_dry_run_plans_what_is_given(fecbench, toy, tmp_path):
    spec, asked = write(tmp_path, tiny(toy, seeds="[0, 1]")), ["--root", tmp_path / "root", "--dry-run", "--json"]
    code, out, err = fecbench("bench", spec, *asked, "--dataset", "demo", "--seeds", "0-2")
    assert code == 0, err
    assert [(row["dataset"], row["waiting"]) for row in json.loads(out)] == [("demo", 3)]
    code, _, err = fecbench("bench", spec, *asked, "--seeds", "2-1")
    assert (code, "--seeds must name each seed once" in err) == (2, True)


def test_runs_of_a_part_count_for_the_whole(fecbench, toy, tmp_path):
    spec, root = write(tmp_path, tiny(toy, seeds="[0, 1]")), tmp_path / "root"
    code, _, err = fecbench("bench", spec, "--root", root, "--seeds", "1")
    assert code == 0, err
    assert err.rstrip().endswith(f"next: fecbench leaderboard {root}")
    code, _, err = fecbench("bench", spec, "--root", root)
    assert (code, "already complete: 1 run" in err) == (0, True), err
    assert err.rstrip().endswith(f"next: fecbench leaderboard {root} --spec {spec}")
    assert len(list(readable_records(root))) == 2

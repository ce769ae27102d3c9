"""A board reads each file of a record once, imports no torch for it, and says on a terminal what it does."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import safetensors

from fecbench.bench.comparable_records import Records
from fecbench.bench.planned_run import PlannedRun
from fecbench.bench.selection import Selection
from fecbench.results.leaderboard.assemble import board_of_records, board_of_selection
from fecbench.results.leaderboard.formats.page.render import page
from fecbench.runs.find import find_records
from fecbench.runs.plan import plan
from tests.support.records import SMALL

COUNTING: list[Counter] = []


def _count(event: str, arguments: tuple) -> None:
    if event == "open" and COUNTING and isinstance(arguments[0], str | Path):
        COUNTING[-1][str(arguments[0])] += 1


sys.addaudithook(_count)  # it can't be removed again, and counts only where a test asks for it


@pytest.fixture
def opened(monkeypatch):
    """Count the opens of each file, by path."""
    counted: Counter[str] = Counter()
    plain = safetensors.safe_open

    def safe_open(path, *arguments, **named):  # its files are opened by compiled code
        counted[str(path)] += 1
        return plain(path, *arguments, **named)

    monkeypatch.setattr(safetensors, "safe_open", safe_open)
    COUNTING.append(counted)
    yield counted
    COUNTING.pop()


def of_record(opened: Counter, folder: Path) -> Counter:
    return Counter({path: count for path, count in opened.items() if path.startswith(str(folder))})


def test_a_page_reads_each_file_of_a_record_once(three, opened):
    folder = three[0].folder.parent
    for record in three:
        (record.folder / "history.jsonl").write_text(
            '{"event": "evaluation", "epoch": 1, "metrics": {"accuracy": 1}}\n'
        )
    opened.clear()
    page(board_of_records(find_records([folder])))
    found = of_record(opened, folder)
    assert len(found) == 6 * 4
    assert set(found.values()) == {1}


def test_a_board_of_a_spec_reads_each_file_of_a_record_once(three, opened):
    folder = three[0].folder.parent
    cells = tuple(PlannedRun(name, plan(name, {**SMALL, "seed": seed})) for name in ("ce", "aml") for seed in range(3))
    opened.clear()
    records = find_records([folder])
    assert all(map(Records(records).of, cells))
    board_of_selection(Selection("T", ("demo",), cells), records)
    found = of_record(opened, folder)
    assert len(found) == 6 * 3
    assert set(found.values()) == {1}


def test_what_a_board_does_is_reported(three):
    said: list[str] = []
    board_of_records(three, report=said.append)
    assert said[0] == f"reading record 1: {three[0].id}"
    assert "testing aml against ce over examples and seeds (column 2 of 3, pair 1 of 1)" in said


def test_a_board_of_records_that_say_their_variants_imports_no_torch(make, tmp_path):
    for method in ("ce", "aml"):
        for seed in range(3):
            make(method, seed=seed, about={"objective": {"name": method, "variant_of": ""}})
    code = "import sys; from fecbench.cli import cli; cli(standalone_mode=False); print('torch' in sys.modules)"
    command = [sys.executable, "-c", code, "leaderboard", str(tmp_path / "runs")]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "better" in found.stdout
    assert found.stdout.endswith("False\n")
    assert found.stderr == ""

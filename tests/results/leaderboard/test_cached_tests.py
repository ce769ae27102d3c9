"""Results of tests are cached by the seals of the records."""

import importlib
import json
import os
from pathlib import Path

import pytest

from fecbench.core.errors import RunError
from fecbench.results.leaderboard.run import read_run
from fecbench.results.leaderboard.statistics import cached_tests
from fecbench.results.leaderboard.statistics.cached_tests import cached_test
from fecbench.runs.record import PREDICTIONS


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """The calls of a test, with a cache folder of this test's own."""
    monkeypatch.setattr(cached_tests, "user_cache_path", lambda name: tmp_path / "cache" / name)
    return []


@pytest.fixture
def rows(three, monkeypatch):
    """The runs of two rows, sealed: the fixture's records are unsealed so that tests can edit them."""
    runs = [read_run(record) for record in three]
    for run in runs:
        monkeypatch.setitem(run.record.result_file.seal, "result", f"seal of {run.record.id}")
    return runs[:3], runs[3:]


def counting(calls, p=0.25):
    def test():
        calls.append(p)
        return {"accuracy": p}

    return test


def test_a_test_is_made_once(rows, calls):
    assert [dict(cached_test(*rows, counting(calls))) for _ in range(2)] == [{"accuracy": 0.25}] * 2
    assert len(calls) == 1


def test_the_order_of_the_rows_does_not_matter(rows, calls):
    first, second = rows
    cached_test(first, second, counting(calls))
    assert cached_test(second, first, counting(calls, 0.5)) == {"accuracy": 0.25}


def test_another_seal_or_other_predictions_are_tested_anew(rows, calls, monkeypatch):
    cached_test(*rows, counting(calls))
    predictions = rows[0][0].record.folder / PREDICTIONS
    os.utime(predictions, ns=(1, 1))
    cached_test(*rows, counting(calls))
    monkeypatch.setitem(rows[1][0].record.result_file.seal, "result", "another")
    cached_test(*rows, counting(calls))
    assert len(calls) == 3


def test_other_code_tests_anew(rows, calls, monkeypatch):
    cached_test(*rows, counting(calls))
    monkeypatch.setattr(cached_tests, "CODE", "other code")
    cached_test(*rows, counting(calls))
    assert len(calls) == 2


def test_the_code_is_that_which_was_loaded(rows, monkeypatch):
    """A notebook that stays open while fecbench is updated writes nothing under the new code."""
    importlib.reload(cached_tests)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda _: b"the source of a newer version")
        key = cached_tests._key(*rows)
    importlib.reload(cached_tests)
    assert cached_tests._key(*rows) == key


def test_records_without_predictions_are_not_cached(rows, calls):
    (rows[0][0].record.folder / PREDICTIONS).unlink()
    for _ in range(2):
        cached_test(*rows, counting(calls))
    assert len(calls) == 2


def test_older_records_without_seals_are_known_by_their_content(three, calls):
    def rows():
        return [[read_run(record) for record in of_row] for of_row in (three[:3], three[3:])]

    assert not any(run.record.result_file.seal for row in rows() for run in row)
    for _ in range(2):
        cached_test(*rows(), counting(calls))
    assert len(calls) == 1
    path = three[0].folder / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"best_epoch": 7}))
    three[0].reload()
    cached_test(*rows(), counting(calls))
    assert len(calls) == 2


def test_errors_and_damaged_files_are_no_results(rows, calls, tmp_path):
    def failing():
        raise RunError("no predictions")

    with pytest.raises(RunError, match="no predictions"):
        cached_test(*rows, failing)
    cached_test(*rows, counting(calls))
    (file,) = (tmp_path / "cache" / "fecbench" / "tests").iterdir()
    for content in ("{", "[]", '{"accuracy": "x"}', '{"accuracy": 7.0}', "{}"):
        file.write_text(content)
        assert cached_test(*rows, counting(calls)) == {"accuracy": 0.25}
    assert len(calls) == 6


def test_a_cache_that_cannot_be_written_is_no_error(rows, calls, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setattr(cached_tests, "user_cache_path", lambda _: Path(blocked))
    assert cached_test(*rows, counting(calls)) == {"accuracy": 0.25}

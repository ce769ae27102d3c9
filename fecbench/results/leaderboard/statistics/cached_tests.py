"""Cache the p-values of permutation tests on disk, by the digests of the records that were tested.

The folder ``fecbench/tests`` in the user's cache folder (``XDG_CACHE_HOME``) holds one file for each pair of rows.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_cache_path

from fecbench.core.errors import RunError
from fecbench.core.files import read_json, replacing
from fecbench.runs.digests import result_digest, run_digest
from fecbench.runs.record import PREDICTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fecbench.results.leaderboard.run import Run

    PValues = Mapping[str, float]


def cached_test(first: Sequence[Run], second: Sequence[Run], test: Callable[[], PValues]) -> PValues:
    """Return the p-values by metric of ``test``, which compares two rows, from the cache if they are there.

    The key holds the digests of the records, size and time of their predictions, and the code of the tests, so that
    edited records and other code are tested anew. The digests of an older record without them are computed. A cache
    that can't be read or written costs time and is no error.

    Raises:
        RunError: as ``test`` does; errors aren't cached.
    """
    key = _key(first, second)
    if key is None:
        return test()
    path = user_cache_path("fecbench") / "tests" / f"{key}.json"
    known = _read(path)
    if known is not None:
        return known
    result = test()
    _write(path, result)
    return result


def _key(first: Sequence[Run], second: Sequence[Run]) -> str | None:
    """Return a digest of all that determines a test; None if a record lacks predictions."""
    rows = [[_of_run(run) for run in runs] for runs in (first, second)]
    if any(run is None for row in rows for run in row):
        return None
    # The test is two-sided: the order of the two rows doesn't matter.
    parts = [CODE, sorted(rows, key=json.dumps)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _of_run(run: Run) -> list[object] | None:
    """Return what determines a run's part in a test; None if it isn't known."""
    record = run.record
    seal = record.result_file.seal or {"run": run_digest(record.about), "result": result_digest(record.result)}
    try:
        predictions = record.inside(PREDICTIONS).stat()
    except (OSError, RunError):
        return None
    return [seal, str(run.repetition), predictions.st_size, predictions.st_mtime_ns]


def _code() -> str:
    """Return the digest of the code of the tests, and the version of numpy, whose random numbers they draw."""
    import numpy as np

    sha = hashlib.sha256(np.__version__.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        sha.update(source.read_bytes())
    return sha.hexdigest()


# At import: a notebook that stays open while fecbench is updated runs the code that it has loaded.
CODE = _code()


def _read(path: Path) -> dict[str, float] | None:
    with suppress(RunError):
        content = read_json(path)
        if content and all(isinstance(p, float) and 0 <= p <= 1 for p in content.values()):
            return content
    return None


def _write(path: Path, p_values: PValues) -> None:
    with suppress(OSError, RunError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            draft.write_text(json.dumps({metric: float(p) for metric, p in p_values.items()}), encoding="utf-8")

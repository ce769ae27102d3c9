"""Notes on rows that were run with different code versions. They are still compared."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from fecbench.core.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fecbench.results.leaderboard.board import Row
    from fecbench.results.leaderboard.run import Run


DIGITS = 8  # of a digest


def mixed(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a note for each package that ran in several versions, or one on older records without versions."""
    runs = [(row.name, run) for row in rows for cell in row.cells for run in cell.runs]
    found: dict[str, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for where, run in runs:
        for package, version in _parts(run).items():
            found[package][version][where] = None
    several = {package: versions for package, versions in found.items() if len(versions) > 1}
    for package, versions in several.items():
        listed = "; ".join(f"{version[:DIGITS]} ({shortened(list(rows))})" for version, rows in versions.items())
        yield (
            f"MIXED CODE: runs of this table were made with different versions of {package}: {listed}. "
            "The code may be the cause of differences between them. Run them again with one version"
        )
    silent = dict.fromkeys(where for where, run in runs if not run.sources)
    if silent and not several and len({run.code for _, run in runs}) > 1:
        rows_without = shortened(list(silent))
        yield f"MIXED CODE is possible: the older records of {rows_without} don't name their version of fecbench"


def _parts(run: Run) -> Mapping[str, str]:
    """Return the code versions by package; an older record has one version of all packages together."""
    if run.sources:
        return run.sources
    # The key has all that the one version depends on, so that two methods don't count as two versions of one package.
    return {f"fecbench or a plugin of {run.objective} with head {run.settings.get('head')} on {run.encoder}": run.code}

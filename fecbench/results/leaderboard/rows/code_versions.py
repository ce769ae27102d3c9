"""Which code rows were run with: rows that different versions made are compared, but said to be so first of all."""

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
    """Say which packages ran in different versions, or that older records don't tell."""
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
            "What they differ in may be the code's doing; run them again with one version"
        )
    silent = dict.fromkeys(where for where, run in runs if not run.sources)
    if silent and not several and len({run.code for _, run in runs}) > 1:
        yield f"MIXED CODE isn't ruled out: older records don't say which version of fecbench made {shortened(list(silent))}"


def _parts(run: Run) -> Mapping[str, str]:
    """Versions by package; an older record knows one of all that its method, head and encoder come from."""
    if run.sources:
        return run.sources
    return {f"fecbench or a plugin of {run.objective} with head {run.settings.get('head')} on {run.encoder}": run.code}

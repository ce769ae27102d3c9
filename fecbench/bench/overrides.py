"""Override the data sets, seeds and number of training rows of a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fecbench.bench.spec import Spec
from fecbench.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

Values = dict[str, Any]
OF_ROWS = ("objective", "pair")  # sections that are keyed by the names of rows
TUNED = ("grid", "search")  # sections that try settings


def override(spec: Spec, datasets: Sequence[str] = (), seeds: Sequence[int] = (), limit: int | None = None) -> Spec:
    """Return ``spec`` with other data sets, other seeds and another limit of training rows, as far as they are given.

    What the spec says of other data sets is left out. So are the rows that it restricts to other data sets or seeds,
    with their sections.

    Raises:
        UsageError: a name is empty, no row is left, or the grid or search tries limits.
    """
    if "" in datasets:
        raise UsageError("--dataset must be a name or a path, but is empty; give one or leave it out")
    if not datasets and not seeds and limit is None:
        return spec
    content = spec.model_dump(exclude_unset=True)
    if datasets:
        content["datasets"] = list(dict.fromkeys(datasets))
        content["dataset"] = _only(content.get("dataset", {}), datasets)
        content["pair"] = {row: _only(pairs, datasets) for row, pairs in content.get("pair", {}).items()}
    if seeds:
        content["seeds"] = list(dict.fromkeys(seeds))
    if spec.row:
        _restrict_rows(content)
    if limit is not None:
        _set_limit(content, limit)
    return Spec.model_validate(content)


def _only(values: Values, names: Collection[str]) -> Values:
    return {name: value for name, value in values.items() if name in names}


def _restrict_rows(content: Values) -> None:
    """Restrict declared rows to the data sets and seeds of ``content``, and leave out those without any."""
    for row in content["row"]:
        for key in ("datasets", "seeds"):
            if row.get(key) is not None:
                row[key] = [value for value in row[key] if value in content[key]]
    content["row"] = [row for row in content["row"] if [] not in (row.get("datasets"), row.get("seeds"))]
    names = [row["name"] for row in content["row"]]
    if not names:
        raise UsageError(
            f"a row of the spec must run on {', '.join(content['datasets'])} with one of the seeds "
            f"{', '.join(map(str, content['seeds']))}, but the spec restricts all rows to others; choose some of those"
        )
    for section in OF_ROWS:
        content[section] = _only(content.get(section, {}), names)
    for section in TUNED:
        if "objective" in content.get(section, {}):
            content[section]["objective"] = _only(content[section]["objective"], names)


def _set_limit(content: Values, limit: int) -> None:
    """Set the limit of every run: that of all sections is removed, since narrower ones would win."""
    for section in TUNED:
        tuned = content.get(section, {})
        if any("limit" in tried for tried in (tuned.get("settings", {}), *tuned.get("objective", {}).values())):
            raise UsageError(
                f"--limit sets one limit for all runs, but the spec's [{section}] tries limits; leave out --limit"
            )
    narrower = [
        *content.get("dataset", {}).values(),
        *content.get("objective", {}).values(),
        *(values for pairs in content.get("pair", {}).values() for values in pairs.values()),
        *(row["settings"] for row in content.get("row", ()) if "settings" in row),
    ]
    for values in narrower:
        values.pop("limit", None)
    content["settings"] = {**content.get("settings", {}), "limit": limit}

"""The rows of a spec's table: declared ones, named methods, or every method that can run here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.bench.spec import SpecRow
from fecbench.core import registry
from fecbench.core.errors import PluginError
from fecbench.core.plugin_errors import plugin_errors
from fecbench.data.datasets.dataset import DatasetInfo
from fecbench.objective.check import get_objective
from fecbench.runs.defaults import dataset_info
from fecbench.runs.plan import labelling_refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fecbench.bench.spec import Spec


def rows_of(spec: Spec) -> tuple[list[SpecRow], dict[str, str]]:
    """Return the rows of the table, and the reason for each method that ``"*"`` leaves out."""
    if spec.row:
        return spec.row, {}
    if spec.objectives != "*":
        return [SpecRow(name=name, objective=name) for name in spec.objectives], {}
    reasons = {name: _reason_to_leave_out(name) for name in registry.objectives}
    rows = [SpecRow(name=name, objective=name) for name, reason in reasons.items() if not reason]
    return rows, {name: reason for name, reason in reasons.items() if reason}


def _reason_to_leave_out(name: str) -> str:
    try:
        kind = get_objective(name)
        with plugin_errors(f"objective {name}", kind):
            return f"a variant of {kind.variant_of}" if kind.variant_of else str(kind.unmet())
    except PluginError as error:
        return str(error)


def refused(spec: Spec, rows: Iterable[SpecRow]) -> dict[str, str]:
    """Return the reasons why ``"*"`` leaves methods out on registered data sets, whose labels they don't take.

    Of one's own data, the labels are known only once it is loaded.
    """
    if spec.objectives != "*":
        return {}
    infos = {dataset: info for dataset in spec.datasets if isinstance(info := dataset_info(dataset), DatasetInfo)}
    reasons = {
        place_of(row, dataset): labelling_refusal(get_objective(row.objective), info)
        for row in rows
        for dataset, info in infos.items()
    }
    return {place: f"it {reason}" for place, reason in reasons.items() if reason}


def place_of(row: SpecRow, dataset: str) -> str:
    """Return the words for a row on a data set."""
    return f"{row.name} on {dataset}"

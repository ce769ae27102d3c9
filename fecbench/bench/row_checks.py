"""Find out what keeps the rows of a benchmark from starting on this machine: data, requirements or encoders."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import FecbenchError, NeedsError
from fecbench.data.datasets.dataset import EmotionData
from fecbench.data.datasets.load import load_dataset
from fecbench.model.encoders.load import load_encoder
from fecbench.runs.further_metrics import further_metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fecbench.bench.matrix_entry import MatrixEntry
    from fecbench.bench.planned_run import PlannedRun
    from fecbench.data.datasets.locations import DataLocations


TRIED = 64  # texts that an encoder is tried on: `scratch` learns its vocabulary from them


class RowChecks:
    """Loads each data set and tries each encoder of a matrix once, and remembers the outcomes."""

    def __init__(self, locations: DataLocations, metrics: Sequence[str]):
        self.locations, self.metrics = locations, metrics
        self._known: dict[tuple[str, Any], object] = {}

    @property
    def data(self) -> dict[tuple[str, int, str], EmotionData]:
        """The data sets that could be loaded, by :attr:`PlannedRun.rows`."""
        return {rows: found for (_, rows), found in self._known.items() if isinstance(found, EmotionData)}

    def faults(self, entry: MatrixEntry) -> list[FecbenchError]:
        """Return the errors that keep a row from starting on its data set: of data, requirements or encoder."""
        found: dict[str, FecbenchError] = {}
        of_rows = {planned.rows: planned for runs in entry.runs for planned in runs}
        # Everything is tried, so that a plan names all that a row lacks.
        work = [partial(self._load, planned) for planned in of_rows.values()]
        for planned in entry.examples:
            work += [partial(self._fits, planned), partial(self._try, planned)]
        if entry.trials > 1:
            work += [partial(self._can_be_chosen, planned) for planned in entry.examples]
        for step in work:
            try:
                step()
            except FecbenchError as fault:
                found[str(fault)] = fault  # by message, because folds and candidates share their faults
        return list(found.values())

    def _load(self, planned: PlannedRun) -> None:
        self._once("data set", planned.rows, partial(load_dataset, planned.plan.settings, self.locations))

    def _fits(self, planned: PlannedRun) -> None:
        settings, data = planned.plan.settings, self.data.get(planned.rows)
        if data is not None:
            planned.plan.check_labelling(data.info)
            planned.plan.needs.check(data, settings.batch_size, settings.limit, planned.plan.who)
            further_metrics(data, self.metrics)

    def _can_be_chosen(self, planned: PlannedRun) -> None:
        data, plan = self.data.get(planned.rows), planned.plan
        if data is not None and not plan.has_validation_score(data.labelling):
            raise NeedsError(
                f"{plan.who} trains nothing and has no score of the validation rows, so it must have one trial, but a "
                "grid or search gives it several; leave its row out of this spec"
            )

    def _try(self, planned: PlannedRun) -> None:
        data, encoder = self.data.get(planned.rows), planned.plan.settings.encoder
        # Without the data, any text shows whether the encoder can be loaded.
        texts = data.splits["train"][:TRIED]["text"] if data is not None else ["a text"]
        self._once("encoder", encoder, partial(load_encoder, encoder, texts))

    def _once(self, kind: str, name: object, work: Callable[[], object]) -> None:
        """Call ``work`` the first time only; later calls return its result or raise its error again."""
        if (kind, name) not in self._known:
            try:
                self._known[kind, name] = work()
            except FecbenchError as fault:
                self._known[kind, name] = fault
        if isinstance(outcome := self._known[kind, name], FecbenchError):
            raise outcome

"""Benchmark specs: TOML files that list methods, data sets, seeds and settings. They are checked before any run starts.

::

    title = "Two methods on GoEmotions"
    objectives = ["ce", "aml"]              # or "*": every method installed that can run here, without variants, on the
                                            # data sets whose labels it takes (one or several a text)
    datasets = ["ge-prepared"]
    seeds = [0, 1, 2]
    notes = ["The rows differ in ..."]      # printed under the table
    metrics = ["micro_f1:without=neutral"]  # further metrics, of all runs
    folds = 5                               # cross-validation of data sets without a test split: seeds times folds

    [settings]                              # of all runs
    encoder = "minilm"

    [dataset.ge-prepared]                   # of the runs on one data set
    [objective.aml]                         # of the runs of one method (or declared row)
    [pair.aml.ge-prepared]                  # of the runs of one method on one data set

    [grid]
    select = "validation"                   # validation scores choose; test scores are not used
    settings = { lr = [1e-4, 2e-4] }        # values to try on the first seed, for every method
    objective.aml = { weight = [0.5, 1.0] } # values to try for one method instead; the same number of trials

    [search]                                # instead of [grid]; needs pip install "fecbench[search]"
    select = "validation"
    trials = 20                             # of each row on each data set, on the first seed
    sampler = "tpe"                         # or "random"
    startup = 10                            # random trials before those of tpe (default: 10)
    seed = 0                                # of the draws (default: 0)
    settings.lr = { low = 1e-5, high = 1e-3, log = true }
    settings.batch_size = { low = 16, high = 64, step = 16 }
    settings.schedule = ["linear", "constant"]
    objective.aml.weight = { low = 0.0, high = 2.0 }    # of one method, beside the common settings

A spec may declare rows instead of objectives::

    [[row]]
    name = "K = 5"
    objective = "aml"
    encoder = "roberta-base"                # default: the encoder of [settings]
    settings = { k_pos = 5, k_neg = 5 }
    group = 2                               # runs after all rows of group 1, the default
    datasets = ["ge-prepared"]              # default: all data sets of the spec
    seeds = [0]                             # default: all seeds of the spec
"""

from __future__ import annotations

import tomllib
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from fecbench.bench.distribution import Distribution
from fecbench.bench.search import Search
from fecbench.core.errors import UnknownName, UsageError
from fecbench.core.settings import Config
from fecbench.core.value_errors import requirement

if TYPE_CHECKING:
    from pathlib import Path


Values = dict[str, Any]
Name = Annotated[str, Field(min_length=1)]
OF_THE_MATRIX = ("dataset", "seed", "fold")


class SpecRow(Config):
    """A declared row of the table; ``datasets`` and ``seeds`` are subsets of the spec's, or None for all."""

    name: str = Field(min_length=1)
    objective: str
    encoder: Name | None = None
    settings: Values = Field(default_factory=dict)
    group: int = Field(default=1, ge=1)
    datasets: list[Name] | None = Field(default=None, min_length=1)
    seeds: list[int] | None = Field(default=None, min_length=1)


class Grid(Config):
    """Values of settings to try: ``settings`` for every method, or those in ``objective`` for a single method."""

    select: Literal["validation"]  # required, though it has one value: a spec states that test scores choose nothing
    settings: dict[str, list[Any]] = Field(default_factory=dict)
    objective: dict[str, dict[str, list[Any]]] = Field(default_factory=dict)

    def candidates(self, row: str) -> list[Values]:
        """Return the combinations of settings to try for ``row``."""
        grid = self.objective.get(row, self.settings)
        return [dict(zip(grid, chosen, strict=True)) for chosen in product(*grid.values())]

    def trials(self, row: str) -> int:
        """Return the number of combinations to try for ``row``."""
        return prod(len(values) for values in self.objective.get(row, self.settings).values())


class Spec(Config):
    """A benchmark spec, as in the TOML file."""

    title: str
    datasets: list[Name] = Field(min_length=1)
    seeds: list[int] = Field(min_length=1)
    notes: list[Name] = Field(default_factory=list)
    metrics: list[Name] = Field(default_factory=list)
    folds: int | None = Field(default=None, ge=2)
    objectives: Literal["*"] | list[Name] = Field(default_factory=list)
    row: list[SpecRow] = Field(default_factory=list)
    settings: Values = Field(default_factory=dict)
    dataset: dict[str, Values] = Field(default_factory=dict)
    objective: dict[str, Values] = Field(default_factory=dict)
    pair: dict[str, dict[str, Values]] = Field(default_factory=dict)
    grid: Grid = Field(default_factory=lambda: Grid(select="validation"))
    search: Search | None = None

    def trials(self, row: str) -> int:
        """Return the number of trials of ``row`` on each data set; 1 if nothing is tried."""
        return self.search.trials if self.search else self.grid.trials(row)

    def seeds_of(self, row: SpecRow) -> dict[str, list[int]]:
        """Return the seeds of a row by data set, in the spec's order of data sets."""
        return {
            dataset: row.seeds or self.seeds for dataset in self.datasets if dataset in (row.datasets or self.datasets)
        }

    def folds_of(self, dataset: str) -> int | None:
        """Return the number of folds of a data set's cross-validation; None without one."""
        folds = self.dataset.get(dataset, {}).get("folds", self.settings.get("folds", self.folds))
        return folds if type(folds) is int and folds > 1 else None  # the plan refuses other values

    def of(self, row: SpecRow, dataset: str) -> Values:
        """Return the settings of a row on a data set; the more specific section wins."""
        own = {"encoder": row.encoder} if row.encoder else {}
        layers = (  # from general to specific: a later layer wins
            {"folds": self.folds} if self.folds else {},
            self.settings,
            self.dataset.get(dataset, {}),
            self.objective.get(row.name, {}),
            own,
            row.settings,
            self.pair.get(row.name, {}).get(dataset, {}),
        )
        return {key: value for layer in layers for key, value in layer.items()}

    @model_validator(mode="after")
    def _methods_or_rows(self) -> Self:
        if bool(self.objectives) == bool(self.row):
            given = "both" if self.row else "neither"
            raise ValueError(
                f'a spec must have objectives (names, or "*") or [[row]] tables, and not both, but has {given}'
            )
        return self

    @model_validator(mode="after")
    def _grid_or_search(self) -> Self:
        if self.search and "grid" in self.model_fields_set:
            raise ValueError("a spec must have [grid] or [search], and not both; leave one of them out")
        return self

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        rows = [row.name for row in self.row]
        names: dict[str, list[Any]] = {
            "datasets": self.datasets,
            "seeds": self.seeds,
            "metrics": self.metrics,
            "objectives": list(self.objectives),
            "row": rows,
        }
        grids = {
            "settings": self.grid.settings,
            **{f"objective.{name}": grid for name, grid in self.grid.objective.items()},
        }
        names |= {
            f"row {row.name}: {key}": own
            for row in self.row
            for key in ("datasets", "seeds")
            if (own := getattr(row, key))
        }
        names |= {f"grid.{place}.{key}": values for place, grid in grids.items() for key, values in grid.items()}
        for key, values in names.items():
            twice = sorted({str(value) for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"{key} must list each value once, but {', '.join(twice)} is repeated; list it once")
        return self

    @model_validator(mode="after")
    def _rows_are_of_the_matrix(self) -> Self:
        """Raise ValueError if a row names a data set or seed that the spec doesn't list."""
        for row in self.row:
            for key, own, all_of_them in (("datasets", row.datasets, self.datasets), ("seeds", row.seeds, self.seeds)):
                others = [str(value) for value in own or () if value not in all_of_them]
                if others:
                    raise ValueError(
                        f"row {row.name}: {key} must be among the spec's, but {', '.join(others)} isn't; add it there"
                    )
        return self

    @model_validator(mode="after")
    def _matrix_is_its_own(self) -> Self:
        """Raise ValueError if a section sets what the matrix runs over, or one of a row the folds."""
        of_data = [self.settings, *self.dataset.values()]
        of_rows: list[Values] = [
            *self.objective.values(),
            *(row.settings for row in self.row),
            self.grid.settings,
            *self.grid.objective.values(),
            *([self.search.settings, *self.search.objective.values()] if self.search else []),
            *(values for pairs in self.pair.values() for values in pairs.values()),
        ]
        taken = sorted({key for group in (*of_data, *of_rows) for key in group} & set(OF_THE_MATRIX))
        if taken:
            raise ValueError(
                f"{' and '.join(taken)} can't be settings of a spec; give datasets, seeds or folds instead"
            )
        if any("folds" in group for group in of_rows):
            raise ValueError(
                "folds must be the same for all rows of a data set; give it at the top or in [dataset.NAME]"
            )
        return self


def read_spec(path: Path) -> Spec:
    """Read and check the spec in a TOML file.

    Raises:
        UsageError: the file is missing, isn't TOML or isn't a valid spec; the message names each wrong key.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # deeply nested tables raise RecursionError
        raise UsageError(f"{path} must be a readable TOML file: {error}; correct it") from error
    try:
        # Strict, because TOML has types: without it pydantic would turn the text "1" into the seed 1.
        spec = Spec.model_validate(content, strict=True)
    except ValidationError as error:
        raise UsageError(f"{path}: {'; '.join(_explain(part) for part in error.errors())}") from None
    for section, names in {
        "dataset": spec.dataset,
        **{f"pair.{row}": pairs for row, pairs in spec.pair.items()},
    }.items():
        for name in names:
            if name not in spec.datasets:
                raise UsageError(
                    f"{path}: [{section}.{name}]: {UnknownName('data set', name, spec.datasets, where='of the spec')}"
                )
    return spec


def _explain(part: Any) -> str:
    """Return an error of pydantic in the file's own terms, with the key that was probably meant."""
    # for a union, pydantic adds the name of the member that it tried to the location
    steps = [str(step) for step in part["loc"]]
    place = ".".join(step for step in steps if not step.startswith(("list[", "literal[")))
    if part["type"] == "extra_forbidden":
        *above, key = part["loc"]
        fields = _model_at(above).model_fields
        return str(UnknownName("key", str(key), fields, where=f"of {'.'.join(map(str, above)) or 'a spec'}"))
    if part["type"] == "missing":
        return f"{place} is required, but missing"
    reason = requirement(part)
    return f"{place}: {reason}" if place else reason


def _model_at(place: list[Any]) -> type[Config]:
    """Return the model of the table at ``place`` in a spec."""
    if place[:1] == ["search"]:
        return Search if len(place) == 1 else Distribution
    models: dict[tuple[Any, ...], type[Config]] = {(): Spec, ("grid",): Grid}
    return models.get(tuple(place), SpecRow)

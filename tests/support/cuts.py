"""Data sets without some of their splits, and what a cut makes of them."""

from collections.abc import Sequence

from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
from fecbench.data.datasets.rows import split_from_columns
from fecbench.data.datasets.splits.missing_splits import SplitChoice, cut_missing

Row = tuple[str, int, str]  # text, label, group


def uncut(rows: Sequence[Row], *, grouped: bool = True, given: Sequence[str] = ()) -> EmotionData:
    """A data set with these training rows; each split in ``given`` has a row of each label."""
    labels = tuple(f"label {number}" for number in range(1 + max(label for _, label, _ in rows)))

    def split(rows: Sequence[Row]):
        columns = dict(zip(("text", "label", "group"), map(list, zip(*rows, strict=True)), strict=True))
        return split_from_columns(columns if grouped else {name: columns[name] for name in ("text", "label")})

    own = {name: split([(f"{name} {label}", label, name) for label in range(len(labels))]) for name in given}
    return EmotionData(DatasetInfo("cut", "", "", ""), labels, {"train": split(rows), **own}, "here")


def cut(rows: Sequence[Row], seed: int = 0, folds: int | None = None, fold: int = 0, **how) -> EmotionData:
    """The data set with all its splits."""
    return cut_missing(uncut(rows, **how), SplitChoice(seed, folds, fold), "here")


def column(data: EmotionData, split: str, name: str = "text") -> list:
    return data.splits[split][name][:]

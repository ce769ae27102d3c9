"""The data and the encoder of a benchmark: an excerpt of a data set, and an encoder or its shape."""

from pathlib import Path

from datasets import disable_progress_bars
from shapes import roberta_base

from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.plan import plan

SHAPE = "roberta-base-shape"


def excerpt(dataset: str, data_dir: Path | None, rows: int, folder: Path) -> Path:
    """Write an excerpt of a data set to ``folder`` as a data set of one's own, and return the folder.

    It holds the first ``rows`` training rows, and one row of each class in every split, so that scoring is short.
    """
    data = load_dataset(plan("ce", {"dataset": dataset}).settings, DataLocations(data_dir))
    disable_progress_bars()
    folder.mkdir()
    for split, table in data.splits.items():
        labels = table["label"][:]
        first = [labels.index(label) for label in range(len(data.labels))]
        kept = dict.fromkeys([*range(min(rows, len(table))), *first] if split == "train" else first)
        table.select(kept).to_json(folder / f"{split}.jsonl")
    lines = (f"{name}\t{data.descriptions.get(name, '')}\n" for name in data.labels)
    (folder / "labels.txt").write_text("".join(lines), encoding="utf-8")
    return folder


def encoder(name: str, folder: Path) -> str:
    """Return the value of ``--encoder`` for ``name``: the name, or the folder of roberta-base's shape, written here."""
    return str(roberta_base(folder)) if name == SHAPE else name

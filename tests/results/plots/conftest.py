"""Fixtures of the plots' tests: written records of runs that never ran, two trained runs, and the drawn figures."""

import pytest

from fecbench.core.files import write_json
from fecbench.results.plots import confusion, dynamics, embeddings, reliability, scores, sensitivity
from fecbench.results.plots.saving import save
from fecbench.results.plots.style import figure_style
from fecbench.runs.record import Record
from tests.support.figure_texts import check_texts
from tests.support.records import PAPER, unseal
from tests.support.toy_data import LABELS
from tests.support.train import train

WORDS = (("sun", "cake", "song"), ("lie", "noise", "blame"), ("rain", "loss", "night"))


@pytest.fixture
def recorded(tmp_path):
    """Write the record of a run that never was: ``recorded("a/b", 0.5, seed=1, k_pos=5)``."""

    def write(
        name: str, accuracy: float | None, *, objective="aml", data=("ed", "e" * 64), code="c", minute=0, **settings
    ) -> Record:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        values = {**PAPER, "seed": 0, "device": "cpu", "dataset": data[0], "limit": None, **settings}
        about = {
            "format": 1,
            "started": f"2026-01-01T00:{minute:02}:00+00:00",
            "objective": {"name": objective},
            "dataset": {"name": data[0], "fingerprint": data[1], "labels": ["glad", "mad"]},
            "settings": {key: {"value": value, "origin": "flag"} for key, value in values.items()},
            "code": code,
        }
        write_json(folder / "run.json", about)
        if accuracy is not None:
            scores = {"accuracy": accuracy, "macro_f1": accuracy / 2}
            write_json(folder / "result.json", {"metrics": {"test": scores, "validation": {"accuracy": 1 - accuracy}}})
        return Record(folder)

    write.root = tmp_path / "runs"
    return write


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> dict[str, Record]:
    """Two runs on a small data set."""
    home = tmp_path_factory.mktemp("plots")
    (home / "words").mkdir()
    for split, times in (("train", 8), ("validation", 2), ("test", 6)):
        lines = [
            f"{WORDS[n % 3][count % 3]} {split}{count},{LABELS[n % 3]}" for count in range(times) for n in range(3)
        ]
        (home / "words" / f"{split}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    records = {
        name: train(name, home / "words", home / "runs" / name, batch_size=8, device="cpu") for name in ("ce", "aml")
    }
    for record in records.values():
        unseal(record.folder)  # tests edit copies of them
    return records


@pytest.fixture
def figures(monkeypatch):
    """The figures that are drawn. Each must show all of its texts."""
    kept = []

    def keep(figure, path):
        kept.append(figure)
        written = save(figure, path)
        with figure_style():
            check_texts(figure)
        return written

    for module in (sensitivity, embeddings, dynamics, confusion, reliability, scores):
        monkeypatch.setattr(module, "save", keep)
    return kept

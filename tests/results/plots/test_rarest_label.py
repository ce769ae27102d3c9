"""The picture of embeddings of texts with several labels: each text has the colour of its rarest label."""

import numpy as np
import pytest

from fecbench.data.datasets.load import load_registered
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.rows import targets_of
from fecbench.results.plots.embeddings import draw_embeddings, draw_sample
from fecbench.results.plots.rarest_label import rarest_labels, rarest_of
from tests.support.train import train


@pytest.fixture(scope="module")
def data():
    return load_registered("demo-multi", DataLocations())


def test_the_first_of_equally_rare_labels_is_taken():
    has_label = np.array([[1, 1, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0]], dtype=bool)
    assert rarest_of(has_label, np.array([7, 2, 2])).tolist() == [1, 1, 0, -1]


def test_rarity_is_counted_in_training_rows(data):
    counts = targets_of(data.splits["train"], 12).sum(0)
    found = rarest_labels(data, "test", data.labels)
    for label, targets in zip(found, targets_of(data.splits["test"], 12), strict=True):
        assert targets[label] == 1
        assert counts[label] == counts[targets > 0].min()


def test_a_sample_of_some_labels_has_the_rows_with_any_of_them(data):
    sample = draw_sample(data, "test", 100, ("sad", "angry"), 0)
    has_label = targets_of(data.splits["test"], 12)[:, [data.labels.index(name) for name in ("sad", "angry")]]
    assert (sample.names, sample.total, sample.whole) == (("sad", "angry"), has_label.any(1).sum(), 90)
    assert sample.several
    only_sad = [data.splits["test"]["text"][row] for row in np.flatnonzero(has_label[:, 0] > has_label[:, 1])]
    assert {sample.labels[sample.texts.index(text)] for text in only_sad} == {0}


@pytest.mark.slow
def test_the_picture_and_the_command_say_what_the_colours_are(fecbench, figures, tmp_path):
    record = train("ce", "demo-multi", tmp_path / "run", epochs=1)
    draw_embeddings([record], tmp_path / "e.svg", device="cpu")
    (figure,) = figures
    assert (
        figure.get_suptitle() == "demo-multi: t-SNE of 90 test rows\ncoloured by the rarest label's group of emotions"
    )
    macro_f1 = record.result["metrics"]["test"]["macro_f1"]
    title = f"ce, seed 0\ntest macro F1 {100 * macro_f1:.2f} %\n10-NN accuracy"
    assert figure.axes[0].get_title().startswith(title)
    code, out, err = fecbench("plot", "embeddings", record.folder, "--out", tmp_path / "e.png", "--device", "cpu")
    assert code == 0, err
    assert f"{100 * macro_f1:.2f}" in out.splitlines()[1]
    assert "test macro F1: of the run, on the whole split" in out
    assert "note: texts can have several labels; colours and scores use each text's rarest label" in out

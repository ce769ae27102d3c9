"""The picture of embeddings: the same rows in the same colours, and figures that say how well they part."""

import json
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from fecbench.core.errors import RunError, UnknownName, UsageError
from fecbench.core.files import write_json
from fecbench.data.datasets.builtin.empathetic_dialogues import LABELS as ED
from fecbench.results.plots import embeddings
from fecbench.results.plots.embeddings import (
    Sample,
    draw_embeddings,
    draw_sample,
    neighbour_accuracy,
    project,
    silhouette,
)
from fecbench.results.plots.marks import MOST, mark
from fecbench.results.plots.style import PAGE, figure_style
from fecbench.runs.predictor import data_of
from fecbench.runs.record import Record
from tests.support.toy_data import LABELS


def test_marks_differ_as_long_as_they_can():
    assert len({mark(index) for index in range(MOST)}) == MOST >= 32
    assert mark(0).colour != mark(1).colour


@pytest.mark.slow
def test_embeddings_show_the_same_rows_in_the_same_colours(trained, figures, tmp_path):
    drawn, found = draw_embeddings([trained["ce"], trained["aml"]], tmp_path / "e.svg", device="cpu")
    ElementTree.parse(tmp_path / "e.svg")
    assert Counter(drawn.labels.tolist()) == {0: 6, 1: 6, 2: 6}
    (figure,) = figures
    assert figure.get_suptitle() == "words: t-SNE of 18 test rows"
    for axes, embedding in zip(figure.axes, found, strict=True):
        name, accuracy = (
            embedding.record.about["objective"]["name"],
            embedding.record.result["metrics"]["test"]["accuracy"],
        )
        assert axes.get_title() == (
            f"{name}, seed 0\ntest accuracy {100 * accuracy:.2f} %\n10-NN accuracy {100 * embedding.neighbours:.2f} %"
        )
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("t-SNE 1", "t-SNE 2")
        for index, points in enumerate(axes.collections):
            assert points.get_offsets().data.tolist() == embedding.points[drawn.labels == index].tolist()
            assert points.get_facecolor()[0, :3].tolist() == list(to_rgb(mark(index).colour))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(LABELS)
    ours, theirs = ([points.get_facecolor().tolist() for points in axes.collections] for axes in figure.axes)
    assert ours == theirs
    assert found[0].points.tolist() != found[1].points.tolist()
    again = draw_embeddings([trained["ce"]], tmp_path / "e.png", device="cpu")[1]
    assert again[0].points.tolist() == found[0].points.tolist()


@pytest.mark.slow
def test_labels_stand_as_they_are_and_a_part_of_the_rows_is_told_from_the_whole(trained):
    part = Sample("test", 18, 12, 0, ("_glad", "$sad"), np.array([0, 1] * 6), [])
    accuracy = trained["ce"].result["metrics"]["test"]["accuracy"]
    found = embeddings.Embedding(trained["ce"], np.random.default_rng(0).normal(size=(12, 2)), 0.5, 0.5)
    with figure_style():
        figure = embeddings._figure([found], part, "tsne")
    texts = figure.legends[0].get_texts()
    assert [text.get_text() for text in texts] == ["_glad", "$sad"]
    assert not any(text.get_parse_math() for text in texts)
    assert f"test accuracy {100 * accuracy:.2f} % on all 18 rows\n" in figure.axes[0].get_title()


@pytest.mark.slow
def test_many_labels_have_the_colours_of_their_groups_and_the_legend_is_not_cut(trained):
    labels = np.arange(320) % len(ED)
    points = np.random.default_rng(0).normal(size=(320, 2))
    sample = Sample("test", 320, 320, 0, ED, labels, [])
    found = [embeddings.Embedding(trained[name], points, 0.5, 0.5) for name in ("ce", "aml")]
    with figure_style():
        figure = embeddings._figure(found, sample, "umap")
        figure.draw_without_rendering()
    assert figure.get_suptitle() == "words: UMAP of 320 test rows\ncoloured by group of emotions"
    assert figure.get_figwidth() == PAGE
    texts = [" ".join(text.get_text().split()) for text in figure.legends[0].get_texts()]
    assert texts[0].startswith("sadness: sad, disappointed, ashamed")
    assert "disgusted" in texts
    assert sorted(name for text in texts for name in text.split(": ")[-1].split(", ")) == sorted(ED)
    left = figure.axes[0]
    assert sum(len(drawn.get_offsets()) for drawn in left.collections) == 320
    assert len({tuple(drawn.get_facecolor()[0]) for drawn in left.collections}) == len(texts)
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= 0
    assert all(box.y1 < axes.bbox.y0 for axes in figure.axes)


class Projection:
    """Stands for UMAP and keeps its options."""

    options: ClassVar[dict[str, object]] = {}

    def __init__(self, **options):
        type(self).options = options

    def fit_transform(self, features):
        return features[:, :2]


def test_umap_gets_the_seed_and_the_cosine_distance(monkeypatch):
    module = ModuleType("umap")
    module.UMAP = Projection
    monkeypatch.setitem(sys.modules, "umap", module)
    features = np.random.default_rng(0).normal(size=(12, 4))
    assert project(features, 7, "umap").tolist() == features[:, :2].tolist()
    options = {"metric": "cosine", "init": "spectral", "n_neighbors": 11, "random_state": 7, "n_jobs": 1}
    assert Projection.options == options


def test_umap_is_asked_for_before_the_work(monkeypatch, recorded, tmp_path):
    monkeypatch.setattr(embeddings, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs the package umap-learn.*pip install 'fecbench\[umap\]'"):
        draw_embeddings([recorded("a", 0.5)], tmp_path / "e.png", method="umap")


@pytest.mark.slow
def test_umap_parts_what_is_apart():
    pytest.importorskip("umap")
    labels = np.arange(60) % 3
    features = np.random.default_rng(0).normal(size=(60, 5)) * 0.05 + np.eye(5)[labels]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        points = project(features, 0, "umap")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)
    assert silhouette(points - points.mean(0), labels) > 0.5
    assert points.tolist() == project(features, 0, "umap").tolist()


@pytest.mark.slow
def test_a_sample_is_drawn_by_seed_or_by_labels(trained):
    data = data_of(trained["ce"])
    some = draw_sample(data, "test", 12, (), 0)
    assert (len(some.texts), some.total, some.whole) == (12, 18, 18)
    assert some.title == "12 of 18 test rows, sampled with seed 0"
    assert some.texts == draw_sample(data, "test", 12, (), 0).texts != draw_sample(data, "test", 12, (), 1).texts
    gold = dict(zip(data.splits["test"]["text"], data.splits["test"]["label"], strict=True))
    assert [data.labels[gold[text]] for text in some.texts] == [some.names[label] for label in some.labels]
    two = draw_sample(data, "test", 100, ("sad", "glad"), 0)
    assert (two.total, two.whole) == (12, 18)
    assert (two.names, two.labels.tolist(), two.commonest) == (("glad", "sad"), [0, 1] * 6, 0.5)
    with pytest.raises(UnknownName, match="no label of words is called 'gald'; did you mean 'glad'"):
        draw_sample(data, "test", 100, ("gald",), 0)
    with pytest.raises(
        UsageError,
        match="at least 10 rows of at least two labels, but there are 6 rows of 1; give more with --rows or --labels",
    ):
        draw_sample(data, "test", 100, ("sad",), 0)


def test_neighbour_accuracy_is_a_leave_one_out_vote():
    noise = np.random.default_rng(0)
    labels = noise.integers(0, 3, 40)
    features = noise.normal(size=(40, 5)) + 2 * np.eye(5)[labels]
    right = 0
    for row, vector in enumerate(features):
        cosine = features @ vector / np.linalg.norm(features, axis=1) / np.linalg.norm(vector)
        cosine[row] = -2
        votes = Counter(labels[np.argsort(-cosine)[:5]].tolist())
        right += min(label for label, count in votes.items() if count == max(votes.values())) == labels[row]
    assert 0.3 < right / 40 < 1
    assert neighbour_accuracy(features, labels, neighbours=5) == pytest.approx(right / 40)


@pytest.mark.parametrize(
    "features", [np.ones((12, 4)), np.zeros((12, 4)), np.arange(1.0, 13.0)[:, None]], ids=["equal", "zero", "a line"]
)
def test_collapsed_features_are_drawn_all_the_same(features):
    labels = np.arange(12) % 3
    assert np.isfinite(project(features, 0)).all()
    assert np.isfinite(silhouette(features, labels))
    assert silhouette(features, np.arange(12)) == 0


@pytest.mark.slow
def test_embeddings_need_weights_and_the_same_rows(trained, tmp_path):
    published = tmp_path / "published"
    shutil.copytree(trained["ce"].folder, published, ignore=shutil.ignore_patterns("best.safetensors", "encoder"))
    with pytest.raises(
        RunError, match=r"published must hold its trained weights \(best.safetensors\), but a published record has none"
    ):
        draw_embeddings([trained["aml"], Record(published)], tmp_path / "e.png")
    about = json.loads((trained["ce"].folder / "run.json").read_text())
    other = tmp_path / "other"
    shutil.copytree(trained["ce"].folder, other)
    write_json(other / "run.json", {**about, "dataset": {**about["dataset"], "fingerprint": "f" * 64}})
    with pytest.raises(RunError, match="must have the same rows"):
        draw_embeddings([trained["aml"], Record(other)], tmp_path / "e.png")
    write_json(other / "run.json", {key: value for key, value in about.items() if key != "max_length"})
    with pytest.raises(RunError, match=r"run\.json must be as fecbench writes it, but max_length: field required"):
        draw_embeddings([trained["aml"], Record(other)], tmp_path / "e.png")
    assert not (tmp_path / "e.png").exists()

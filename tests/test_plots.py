"""Pictures of run records: what they show, and that they are written."""

import json
import shutil
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from fecbench.atomic import write_json
from fecbench.datasets.core import Places
from fecbench.errors import RunError, UnknownName, UsageError
from fecbench.experiment import Workplace, run
from fecbench.planning import plan
from fecbench.plots import dynamics, embeddings, sensitivity
from fecbench.plots.dynamics import draw_dynamics, gap, series
from fecbench.plots.embeddings import Sample, draw_embeddings, lay_out, neighbour_accuracy, sample, silhouette
from fecbench.plots.marks import MOST, mark
from fecbench.plots.panels import Configuration, base_of, panels
from fecbench.plots.saving import check_target, save
from fecbench.plots.sensitivity import complete_runs, draw_sensitivity, rows, study
from fecbench.prediction import data_of
from fecbench.runs import Record
from tests.conftest import unseal

LABELS = ("glad", "mad", "sad")
WORDS = (("sun", "cake", "song"), ("lie", "noise", "blame"), ("rain", "loss", "night"))
PAPER = {"k_pos": 10, "k_neg": 10, "weight": 1.0}


def configuration(*scores: float, **settings: object) -> Configuration:
    return Configuration({**PAPER, **settings}, dict(enumerate(scores or (0.5,))))


def drawn(found) -> dict[str, dict[str, list[tuple]]]:
    """Values by panel and data set."""
    return {panel.name: {name: [point.values for point in points] for name, points in panel.lines.items()} for panel in found}


def test_the_papers_figure_5_has_a_panel_for_k_and_one_for_lambda():
    sweep = [configuration(k_pos=k, k_neg=k) for k in (20, 5, 10)] + [configuration(weight=weight) for weight in (2.0, 0.5)]
    found, notes = panels({"ed": sweep})
    assert drawn(found) == {"k_pos = k_neg": {"ed": [(5, 5), (10, 10), (20, 20)]}, "weight": {"ed": [(0.5,), (1.0,), (2.0,)]}}
    assert [[point.base for point in panel.lines["ed"]] for panel in found] == [[False, True, False]] * 2
    assert all(panel.numeric for panel in found)
    assert notes == ()


def test_the_base_differs_least_from_the_others_and_of_equals_has_most_seeds():
    sweep = [configuration(weight=2.0), configuration(0.1, 0.2, weight=0.5)]
    assert base_of(sweep).settings["weight"] == 0.5
    grid = [configuration(k_pos=k, weight=weight) for k, weight in ((5, 1.0), (20, 1.0), (10, 1.0), (10, 2.0))]
    assert base_of(grid).settings == PAPER


def test_of_a_grid_only_the_axes_through_the_base_are_drawn_and_the_rest_is_said():
    grid = [configuration(k_pos=k, weight=weight) for k in (5, 10) for weight in (1.0, 2.0, 3.0)]
    found, notes = panels({"ed": grid})
    assert drawn(found) == {"k_pos": {"ed": [(5,), (10,)]}, "weight": {"ed": [(1.0,), (2.0,), (3.0,)]}}
    assert notes == ("ed: configurations not drawn, differing from the base in the settings of several panels at once: 2",)


def test_words_none_and_settings_of_unequal_values_are_categories():
    sweep = [configuration(strategy=s, limit=None) for s in ("topk", "uniform")] + [configuration(strategy="topk", limit=100)]
    sweep += [configuration(strategy="topk", limit=None, k_pos=5, k_neg=7)]
    found, _ = panels({"ed": sweep})
    assert drawn(found) == {
        "k_pos, k_neg": {"ed": [(5, 7), (10, 10)]},
        "limit": {"ed": [(100,), (None,)]},
        "strategy": {"ed": [("topk",), ("uniform",)]},
    }
    assert not any(panel.numeric for panel in found)
    assert [point.text for point in found[0].lines["ed"]] == ["5\n7", "10"]
    assert [point.text for point in found[1].lines["ed"]] == ["100", "none"]


def test_each_data_set_has_its_own_base_and_line():
    ed = [configuration(k_pos=k, k_neg=k) for k in (5, 10)]
    ge = [configuration(k_pos=k, k_neg=k, lr=0.1) for k in (20, 40)]
    found, notes = panels({"ed": ed, "ge": ge, "demo": [configuration()]})
    assert drawn(found) == {"k_pos = k_neg": {"ed": [(5, 5), (10, 10)], "ge": [(20, 20), (40, 40)]}}
    assert notes == ("demo: not drawn, since nothing varies among its runs",)


@pytest.fixture
def recorded(tmp_path):
    """Write the record of a run that never was: ``recorded("a/b", 0.5, seed=1, k_pos=5)``."""

    def write(name: str, accuracy: float | None, *, objective="aml", data=("ed", "e" * 64), code="c", minute=0, **settings) -> Record:
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


def test_seeds_are_averaged_and_a_repeated_run_counts_once(recorded):
    recorded("base/0", 0.50)
    recorded("base/1", 0.60, seed=1, device="cuda")
    recorded("deeper/k/0", 0.90, k_pos=5, k_neg=5, minute=1)
    recorded("deeper/k/again", 0.30, k_pos=5, k_neg=5, minute=2)
    recorded("unfinished", None, weight=7.0)
    records, notes = complete_runs([recorded.root, recorded.root / "base"])
    assert len(records) == 4
    assert notes == ["runs left out, not being complete: 1"]
    found = study(records)
    k, base = rows(found)
    assert (k["value"], k["mean"], k["std"], k["seeds"]) == ("5", 0.30, None, 1)
    assert (base["value"], base["mean"], base["seeds"]) == ("10 (base)", pytest.approx(0.55), 2)
    assert base["std"] == pytest.approx(np.std([0.5, 0.6], ddof=1))
    assert found.notes == ("ed: runs left out, repeating a newer one's settings and seed: 1",)
    assert rows(study(records, "macro_f1"))[0]["mean"] == 0.15
    assert rows(study(records, split="validation"))[0]["mean"] == 0.7


def test_a_setting_that_older_records_lack_counts_as_none_and_whole_numbers_as_numbers(recorded):
    recorded("old", 0.4, weight=1, seed=1)
    recorded("new", 0.6, newer=None, weight=1.0)
    recorded("newer", 0.2, newer=2.0)
    (panel,) = study(complete_runs([recorded.root])[0]).panels
    assert panel.settings == ("newer",)
    assert {point.values: sorted(point.scores) for point in panel.lines["ed"]} == {(2.0,): [0.2], (None,): [0.4, 0.6]}


def test_versions_of_the_data_never_share_a_line_and_of_the_code_are_said(recorded):
    for number, fingerprint in enumerate("ab"):
        for weight in (1.0, 2.0):
            recorded(f"{fingerprint}{weight}", weight / 4, data=("ed", fingerprint * 64), weight=weight, code=str(number), limit=2560)
    found = study(complete_runs([recorded.root])[0])
    (panel,) = found.panels
    assert {name: [point.scores for point in points] for name, points in panel.lines.items()} == {
        "ed (aaaaaaaa)": [(0.25,), (0.5,)],
        "ed (bbbbbbbb)": [(0.25,), (0.5,)],
    }
    assert found.notes == ("the runs are of 2 versions of the code", "LIMITED: runs were trained on the first 2,560 rows only")


def test_which_runs_are_studied_and_what_is_refused(recorded):
    with pytest.raises(RunError, match=r"needs complete runs, but .*runs holds none; run some"):
        complete_runs([recorded.root])
    recorded("ce", 0.5, objective="ce")
    recorded("lcl", 0.5, objective="lcl")
    records, _ = complete_runs([recorded.root])
    with pytest.raises(UsageError, match="one objective must be chosen, found runs of ce, lcl; choose one with --objective"):
        study(records)
    with pytest.raises(RunError, match=r"needs runs of ce that differ in a setting, but nothing varies among 1 found"):
        study(records, objective="ce")
    with pytest.raises(UnknownName, match="did you mean 'lcl'"):
        study(records, objective="lc")
    recorded("aml", 0.5)
    recorded("aml-5", 0.5, k_pos=5)
    assert study(complete_runs([recorded.root])[0]).objective == "aml"
    with pytest.raises(UnknownName, match="no metric of all 2 runs is called 'weighted_f1'"):
        study(complete_runs([recorded.root])[0], "weighted_f1")


@pytest.fixture
def figures(monkeypatch):
    """The figures that are drawn, before they are written."""
    kept = []

    def keep(figure, path):
        kept.append(figure)
        return save(figure, path)

    for module in (sensitivity, embeddings, dynamics):
        monkeypatch.setattr(module, "save", keep)
    return kept


def test_the_sensitivity_plot_shows_means_bars_base_and_data_sets(recorded, figures, tmp_path):
    for name in ("ed", "ge"):
        for seed, gain in enumerate((0.0, 0.1)):
            for k in (5, 10):
                recorded(f"{name}k{k}s{seed}", k / 20 + gain, data=(name, name * 32), seed=seed, k_pos=k, k_neg=k)
            recorded(f"{name}us{seed}", 0.2 + gain, data=(name, name * 32), seed=seed, strategy="uniform")
    path = draw_sensitivity(study(complete_runs([recorded.root])[0]), tmp_path / "s.svg")
    ElementTree.parse(path)
    (figure,) = figures
    k, strategy = figure.axes
    assert (k.get_xlabel(), strategy.get_xlabel()) == ("k_pos = k_neg", "strategy")
    (line, bars, _), (other, _, _) = k.containers[0].lines, k.containers[1].lines
    assert line.get_xdata().tolist() == [5, 10]
    assert line.get_ydata() == pytest.approx([30, 55])
    assert bars[0].get_ydata() == pytest.approx([30 - 100 * np.std([0, 0.1], ddof=1), 55 - 100 * np.std([0, 0.1], ddof=1)])
    assert line.get_marker() == other.get_marker() != "none"
    assert line.get_color() != other.get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ed", "ge", "base"]
    assert [label.get_text() for label in strategy.get_xticklabels()] == ["none", "uniform"]
    rings = [ring for ring in k.lines if ring.get_fillstyle() == "none"]
    assert [ring.get_xydata()[0].tolist() for ring in rings] == [[10, pytest.approx(55)]] * 2


def test_a_single_seed_has_no_bar_and_crowded_values_keep_matplotlibs_ticks(recorded, figures, tmp_path):
    for weight in (1.0, 1.1, 100.0):
        recorded(str(weight), 0.5, weight=weight)
    recorded("again", 0.7, weight=100.0, seed=1)
    draw_sensitivity(study(complete_runs([recorded.root])[0]), tmp_path / "s.png")
    (axes,) = figures[0].axes
    assert 1.1 not in axes.get_xticks()
    assert figures[0].get_suptitle() == "aml: mean and standard deviation over 1 to 2 seeds"
    _, caps, (bars,) = axes.containers[0].lines
    drawn = [path.vertices for path in bars.get_paths() if np.isfinite(path.vertices).all()]
    assert [segment[:, 0].tolist() for segment in drawn] == [[100.0, 100.0]]
    assert drawn[0][:, 1] == pytest.approx([60 - 100 * np.std([0.5, 0.7], ddof=1), 60 + 100 * np.std([0.5, 0.7], ddof=1)])
    assert all(np.isfinite(cap.get_ydata().astype(float)).tolist() == [False, False, True] for cap in caps)


def test_values_are_named_apart_and_a_word_is_no_missing_value(recorded, figures, tmp_path):
    for number, k in enumerate((1_000_001, 1_000_002, 9_000_000)):
        recorded(f"k{number}", 0.5, k_pos=k, k_neg=k)
    for number, strategy in enumerate((None, "none", "$uniform")):
        recorded(f"s{number}", 0.5, strategy=strategy, k_pos=9_000_000, k_neg=9_000_000)
    draw_sensitivity(study(complete_runs([recorded.root])[0]), tmp_path / "s.png")
    k, strategy = study(complete_runs([recorded.root])[0]).panels
    assert [point.text for point in k.lines["ed"]] == ["1000001", "1000002", "9000000"]
    ticks = figures[0].axes[1].get_xticklabels()
    assert sorted(tick.get_text() for tick in ticks) == ["$uniform", "none", "none"]
    assert not any(tick.get_parse_math() for tick in ticks)


def test_a_broken_record_is_passed_over_and_said(fecbench, recorded, tmp_path):
    for weight in (1.0, 2.0):
        recorded(str(weight), weight / 4, weight=weight)
    (recorded("empty", 0.5).folder / "result.json").write_text("{}")
    (recorded("text", 0.5).folder / "run.json").write_text("no JSON")
    for name, part in {"list": {"settings": [1]}, "nothing": {"dataset": {}}, "seedless": {"settings": {}}}.items():
        folder = recorded(name, 0.5).folder
        write_json(folder / "run.json", json.loads((folder / "run.json").read_text()) | part)
    code, out, err = fecbench("plot", "sensitivity", recorded.root, "--out", tmp_path / "s.png")
    assert code == 0, err
    assert len([line for line in out.splitlines() if line.startswith("weight")]) == 2
    (note,) = [line for line in out.splitlines() if line.startswith("note")]
    assert note.startswith("note: runs left out, their records being broken: ")
    assert all(name in note for name in ("empty", "text", "list", "nothing", "seedless"))


def test_dynamics_pair_curves_by_their_batch(recorded, figures, tmp_path):
    record = recorded("uneven", 0.5)
    logs = [
        (1, 20, {"discriminator_loss": 1.0}),
        (1, 25, {"discriminator_loss": 2.0, "discriminator_loss_after": 5.0}),
        (2, 20, {"discriminator_loss_after": 4.0}),
        (2, 25, {"discriminator_loss": 3.0, "discriminator_loss_after": 2.0}),
    ]
    events = [{"event": "updates", "epoch": epoch, "step": step, "logs": values} for epoch, step, values in logs]
    (record.folder / "history.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    assert series(record) == {
        "discriminator_loss": [(20, 1.0), (25, 2.0), (50, 3.0)],
        "discriminator_loss_after": [(25, 5.0), (45, 4.0), (50, 2.0)],
    }
    assert gap(*series(record).values()) == [(25, 3.0), (50, -1.0)]
    draw_dynamics(record, tmp_path / "d.svg")
    curves, aside = figures[0].axes
    assert [text.get_text() for text in curves.get_legend().get_texts()] == ["discriminator_loss", "discriminator_loss_after"]
    ((shaded,),) = [[path.vertices for path in area.get_paths()] for area in aside.collections]
    assert {(25.0, 3.0), (50.0, -1.0)} <= set(map(tuple, shaded.tolist()))


@pytest.mark.parametrize(
    "event", [{"logs": {"a_loss": 1.0}}, {"step": 1}, {"step": 1, "logs": {"a_loss": "high"}}, {"step": 1, "logs": []}]
)
def test_a_broken_history_is_named(recorded, tmp_path, event):
    record = recorded("broken", 0.5)
    (record.folder / "history.jsonl").write_text(json.dumps({"event": "updates", "epoch": 1, **event}) + "\n")
    with pytest.raises(RunError, match=r"history\.jsonl must give every entry of `updates` a step and logs"):
        draw_dynamics(record, tmp_path / "d.svg")


def test_marks_differ_as_long_as_they_can():
    assert len({mark(index) for index in range(MOST)}) == MOST >= 32
    assert mark(0).colour != mark(1).colour


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x.docs", r"x\.docs must end in \.png, \.svg, \.pdf; choose another --out"),
        ("x.jpg", r"x\.jpg must end in"),
        ("x", r"/x must end in"),
        ("folder", r"folder must end in"),
        ("album.png", r"album\.png can't be written: it is a folder"),
        ("no/x.png", "isn't a folder; make it"),
    ],
)
def test_targets_that_cannot_be_written_are_refused(tmp_path, name, reason):
    from matplotlib.figure import Figure

    for folder in ("folder", "album.png"):
        (tmp_path / folder).mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RunError, match=reason):
        check_target(tmp_path / name)
    with pytest.raises(RunError, match=reason):
        save(Figure(), tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bad_out_is_refused_before_the_work(fecbench, trained, recorded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = trained["ce"].folder.parent
    for command in (["dynamics", root / "ce"], ["embeddings", root / "ce"], ["sensitivity", tmp_path / "no runs here"]):
        code, out, err = fecbench("plot", *command, "--out", "picture")
        assert (code, out, err) == (1, "", "fecbench: picture must end in .png, .svg, .pdf; choose another --out\n")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> dict[str, Record]:
    """Two runs on a small data set."""
    home = tmp_path_factory.mktemp("plots")
    (home / "words").mkdir()
    for split, times in (("train", 8), ("validation", 2), ("test", 6)):
        lines = [f"{WORDS[n % 3][count % 3]} {split}{count},{LABELS[n % 3]}" for count in range(times) for n in range(3)]
        (home / "words" / f"{split}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    settings = {"dataset": str(home / "words"), "encoder": "scratch", "epochs": 2, "batch_size": 8, "device": "cpu"}
    records = {name: run(plan(name, settings), Workplace(Places(), home / "runs" / name)) for name in ("ce", "aml")}
    for record in records.values():
        unseal(record.folder)  # tests edit copies of them
    return records


def test_embeddings_show_the_same_rows_in_the_same_colours(trained, figures, tmp_path):
    drawn, found = draw_embeddings([trained["ce"], trained["aml"]], tmp_path / "e.svg", device="cpu")
    ElementTree.parse(tmp_path / "e.svg")
    assert Counter(drawn.labels.tolist()) == {0: 6, 1: 6, 2: 6}
    (figure,) = figures
    assert figure.get_suptitle() == "t-SNE of 18 test rows"
    for axes, embedding in zip(figure.axes, found, strict=True):
        name, accuracy = embedding.record.about["objective"]["name"], embedding.record.result["metrics"]["test"]["accuracy"]
        assert axes.get_title() == f"{name} on words, seed 0\ntest accuracy {100 * accuracy:.2f} %"
        for index, points in enumerate(axes.collections):
            assert points.get_offsets().data.tolist() == embedding.points[drawn.labels == index].tolist()
            assert points.get_facecolor()[0, :3].tolist() == list(to_rgb(mark(index).colour))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(LABELS)
    ours, theirs = ([points.get_facecolor().tolist() for points in axes.collections] for axes in figure.axes)
    assert ours == theirs
    assert found[0].points.tolist() != found[1].points.tolist()
    again = draw_embeddings([trained["ce"]], tmp_path / "e.png", device="cpu")[1]
    assert again[0].points.tolist() == found[0].points.tolist()


def test_labels_stand_as_they_are_and_a_part_of_the_rows_is_told_from_the_whole(trained, figures, tmp_path):
    part = Sample("test", 18, 12, 0, ("_glad", "$sad"), np.array([0, 1] * 6), [])
    accuracy = trained["ce"].result["metrics"]["test"]["accuracy"]
    found = embeddings.Embedding(trained["ce"], np.random.default_rng(0).normal(size=(12, 2)), 0.5, 0.5)
    embeddings._draw_all([found], part, tmp_path / "e.svg")
    (figure,) = figures
    texts = figure.legends[0].get_texts()
    assert [text.get_text() for text in texts] == ["_glad", "$sad"]
    assert not any(text.get_parse_math() for text in texts)
    assert figure.axes[0].get_title().endswith(f"test accuracy {100 * accuracy:.2f} % on all 18 rows")


def test_a_sample_is_drawn_by_seed_or_by_labels(trained):
    data = data_of(trained["ce"])
    some = sample(data, "test", 12, (), 0)
    assert (len(some.texts), some.total, some.whole) == (12, 18, 18)
    assert some.title == "12 of 18 test rows, drawn at random by seed 0"
    assert some.texts == sample(data, "test", 12, (), 0).texts != sample(data, "test", 12, (), 1).texts
    gold = dict(zip(data.splits["test"]["text"], data.splits["test"]["label"], strict=True))
    assert [data.labels[gold[text]] for text in some.texts] == [some.names[label] for label in some.labels]
    two = sample(data, "test", 100, ("sad", "glad"), 0)
    assert (two.total, two.whole) == (12, 18)
    assert (two.names, two.labels.tolist(), two.commonest) == (("glad", "sad"), [0, 1] * 6, 0.5)
    with pytest.raises(UnknownName, match="no label of words is called 'gald'; did you mean 'glad'"):
        sample(data, "test", 100, ("gald",), 0)
    with pytest.raises(UsageError, match="at least 10 rows of at least two labels, found 6 of 1; give more with --rows or --labels"):
        sample(data, "test", 100, ("sad",), 0)


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


@pytest.mark.parametrize("features", [np.ones((12, 4)), np.zeros((12, 4)), np.arange(1.0, 13.0)[:, None]], ids=["equal", "zero", "a line"])
def test_collapsed_features_are_drawn_all_the_same(features):
    labels = np.arange(12) % 3
    assert np.isfinite(lay_out(features, 0)).all()
    assert np.isfinite(silhouette(features, labels))
    assert silhouette(features, np.arange(12)) == 0


def test_embeddings_need_weights_and_the_same_rows(trained, tmp_path):
    published = tmp_path / "published"
    shutil.copytree(trained["ce"].folder, published, ignore=shutil.ignore_patterns("best.safetensors", "encoder"))
    with pytest.raises(RunError, match=r"published must hold its trained weights \(best.safetensors\), but a published record has none"):
        draw_embeddings([trained["aml"], Record(published)], tmp_path / "e.png")
    about = json.loads((trained["ce"].folder / "run.json").read_text())
    other = tmp_path / "other"
    shutil.copytree(trained["ce"].folder, other)
    write_json(other / "run.json", {**about, "dataset": {**about["dataset"], "fingerprint": "f" * 64}})
    with pytest.raises(RunError, match="need the same rows"):
        draw_embeddings([trained["aml"], Record(other)], tmp_path / "e.png")
    write_json(other / "run.json", {key: value for key, value in about.items() if key != "max_length"})
    with pytest.raises(RunError, match=r"run\.json must be as fecbench writes it, but max_length: field required"):
        draw_embeddings([trained["aml"], Record(other)], tmp_path / "e.png")
    assert not (tmp_path / "e.png").exists()


def test_the_commands(fecbench, trained, recorded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = trained["ce"].folder.parent
    code, out, err = fecbench("plot", "embeddings", "ce", "aml", "--root", root, "--labels", "glad, sad", "--device", "cpu")
    assert code == 0, err
    assert [line.split()[:2] for line in out.splitlines()[1:3]] == [["ce", "ce"], ["aml", "aml"]]
    assert "over 12 test rows: 10-NN accuracy" in out
    assert "note: The runs differ in more than the method and its options: head (linear, label)" in out
    assert Path("embeddings.png").read_bytes().startswith(b"\x89PNG")
    code, out, err = fecbench("plot", "dynamics", "aml", "--root", root, "--out", "d.svg")
    assert (code, out) == (0, "written: d.svg\n")
    ElementTree.parse("d.svg")
    for weight in (1.0, 2.0):
        recorded(str(weight), weight / 4, weight=weight, limit=8)
    code, out, err = fecbench("plot", "sensitivity")
    assert code == 0, err
    assert [line.split() for line in out.splitlines()[1:3]] == [
        ["weight", "ed", "1", "25.00", "1"],
        ["weight", "ed", "2", "(base)", "50.00", "1"],
    ]
    assert "note: LIMITED: runs were trained on the first 8 rows only\n" in out
    assert Path("sensitivity.png").read_bytes().startswith(b"\x89PNG")
    code, _, err = fecbench("plot", "sensitivity", "nowhere")
    assert (code, "nowhere holds none" in err) == (1, True)

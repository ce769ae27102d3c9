"""The sensitivity plot: which runs it averages, and what it shows of them."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from fecbench.core.errors import RunError, UnknownName, UsageError
from fecbench.core.files import write_json
from fecbench.results.plots.complete_runs import complete_runs
from fecbench.results.plots.panels import Panel
from fecbench.results.plots.sensitivity import axis_name, build_study, draw_sensitivity, rows
from fecbench.results.plots.style import COLUMN

PLOT = "a sensitivity plot"


def test_seeds_are_averaged_and_a_repeated_run_counts_once(recorded):
    recorded("base/0", 0.50)
    recorded("base/1", 0.60, seed=1, device="cuda")
    recorded("deeper/k/0", 0.90, k_pos=5, k_neg=5, minute=1)
    recorded("deeper/k/again", 0.30, k_pos=5, k_neg=5, minute=2)
    recorded("unfinished", None, weight=7.0)
    records, notes = complete_runs([recorded.root, recorded.root / "base"], PLOT)
    assert len(records) == 4
    assert notes == ["runs left out because they are not complete: 1"]
    found = build_study(records)
    k, base = rows(found)
    assert (k["value"], k["mean"], k["std"], k["seeds"]) == ("5", 0.30, None, 1)
    assert (base["value"], base["mean"], base["seeds"]) == ("10 (base)", pytest.approx(0.55), 2)
    assert base["std"] == pytest.approx(np.std([0.5, 0.6], ddof=1))
    assert found.notes == ("ed: runs left out because a newer run has their settings and seed: 1",)
    assert rows(build_study(records, "macro_f1"))[0]["mean"] == 0.15
    assert rows(build_study(records, split="validation"))[0]["mean"] == 0.7


def test_a_missing_option_counts_as_none_and_whole_numbers_as_numbers(recorded):
    recorded("old", 0.4, weight=1, seed=1)
    recorded("new", 0.6, newer=None, weight=1.0)
    recorded("newer", 0.2, newer=2.0)
    (panel,) = build_study(complete_runs([recorded.root], PLOT)[0]).panels
    assert panel.settings == ("newer",)
    assert {point.values: sorted(point.scores) for point in panel.lines["ed"]} == {(2.0,): [0.2], (None,): [0.4, 0.6]}


def test_an_older_record_has_the_default_of_a_newer_option(recorded):
    recorded("older", 0.4)
    recorded("newer", 0.6, seed=1, discriminator_steps=1)
    recorded("other", 0.2, discriminator_steps=2)
    (panel,) = build_study(complete_runs([recorded.root], PLOT)[0]).panels
    assert {point.values: sorted(point.scores) for point in panel.lines["ed"]} == {(1,): [0.4, 0.6], (2,): [0.2]}


def test_versions_of_the_data_never_share_a_line_and_of_the_code_are_said(recorded):
    for number, fingerprint in enumerate("ab"):
        for weight in (1.0, 2.0):
            recorded(
                f"{fingerprint}{weight}",
                weight / 4,
                data=("ed", fingerprint * 64),
                weight=weight,
                code=str(number),
                limit=2560,
            )
    found = build_study(complete_runs([recorded.root], PLOT)[0])
    (panel,) = found.panels
    assert {name: [point.scores for point in points] for name, points in panel.lines.items()} == {
        "ed (aaaaaaaa)": [(0.25,), (0.5,)],
        "ed (bbbbbbbb)": [(0.25,), (0.5,)],
    }
    assert found.notes == (
        "the runs have 2 different versions of the code",
        "LIMITED: runs were trained on the first 2,560 rows only",
    )


def test_which_runs_are_studied_and_what_is_refused(recorded):
    with pytest.raises(RunError, match=r"needs complete runs, but .*runs holds none; run some"):
        complete_runs([recorded.root], PLOT)
    recorded("ce", 0.5, objective="ce")
    recorded("lcl", 0.5, objective="lcl")
    records, _ = complete_runs([recorded.root], PLOT)
    with pytest.raises(
        UsageError, match="a plot shows one objective, but there are runs of ce, lcl; choose one with --objective"
    ):
        build_study(records)
    with pytest.raises(RunError, match=r"needs runs of ce that differ in a setting, but nothing varies among 1 found"):
        build_study(records, objective="ce")
    with pytest.raises(UnknownName, match="did you mean 'lcl'"):
        build_study(records, objective="lc")
    recorded("aml", 0.5)
    recorded("aml-5", 0.5, k_pos=5)
    assert build_study(complete_runs([recorded.root], PLOT)[0]).objective == "aml"
    with pytest.raises(UnknownName, match=r"no metric of all 2 runs of .* is called 'weighted_f1'"):
        build_study(complete_runs([recorded.root], PLOT)[0], "weighted_f1")


def test_the_sensitivity_plot_shows_means_bars_base_and_data_sets(recorded, figures, tmp_path):
    for name in ("ed", "ge"):
        for seed, gain in enumerate((0.0, 0.1)):
            for k in (5, 10):
                recorded(f"{name}k{k}s{seed}", k / 20 + gain, data=(name, name * 32), seed=seed, k_pos=k, k_neg=k)
            recorded(f"{name}us{seed}", 0.2 + gain, data=(name, name * 32), seed=seed, strategy="uniform")
    path = draw_sensitivity(build_study(complete_runs([recorded.root], PLOT)[0]), tmp_path / "s.svg")
    ElementTree.parse(path)
    (figure,) = figures
    k, strategy = figure.axes
    assert (k.get_xlabel(), strategy.get_xlabel()) == ("$K$ (k_pos = k_neg)", "strategy")
    (line, bars, _), (other, _, _) = k.containers[0].lines, k.containers[1].lines
    assert line.get_xdata().tolist() == [5, 10]
    assert line.get_ydata() == pytest.approx([30, 55])
    assert bars[0].get_ydata() == pytest.approx(
        [30 - 100 * np.std([0, 0.1], ddof=1), 55 - 100 * np.std([0, 0.1], ddof=1)]
    )
    assert len({line.get_marker(), other.get_marker(), "None"}) == 3
    assert line.get_color() != other.get_color()
    assert not figure.legends
    for axes in (k, strategy):
        assert [text.get_text() for text in axes.texts] == ["ed", "ge"]
        assert [text.get_color() for text in axes.texts] == [drawn.lines[0].get_color() for drawn in axes.containers]
    assert figure.get_suptitle().splitlines()[-1] == "ring: base configuration"
    assert figure.get_figwidth() == COLUMN
    assert [label.get_text() for label in strategy.get_xticklabels()] == ["topk", "uniform"]
    rings = [ring for ring in k.lines if ring.get_fillstyle() == "none"]
    assert [ring.get_xydata()[0].tolist() for ring in rings] == [[10, pytest.approx(55)]] * 2


def test_a_single_seed_has_no_bar_and_crowded_values_keep_matplotlibs_ticks(recorded, figures, tmp_path):
    for weight in (1.0, 1.1, 100.0):
        recorded(str(weight), 0.5, weight=weight)
    recorded("again", 0.7, weight=100.0, seed=1)
    draw_sensitivity(build_study(complete_runs([recorded.root], PLOT)[0]), tmp_path / "s.png")
    (axes,) = figures[0].axes
    assert 1.1 not in axes.get_xticks()
    title = " ".join(figures[0].get_suptitle().split())
    assert title == "aml on ed: mean ± standard deviation, 1 to 2 seeds ring: base configuration"
    assert not axes.texts
    _, caps, (bars,) = axes.containers[0].lines
    drawn = [path.vertices for path in bars.get_paths() if np.isfinite(path.vertices).all()]
    assert [segment[:, 0].tolist() for segment in drawn] == [[100.0, 100.0]]
    assert drawn[0][:, 1] == pytest.approx(
        [60 - 100 * np.std([0.5, 0.7], ddof=1), 60 + 100 * np.std([0.5, 0.7], ddof=1)]
    )
    assert all(np.isfinite(cap.get_ydata().astype(float)).tolist() == [False, False, True] for cap in caps)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ((0.1, 0.5, 1.0), "log"),
        ((1e-5, 3e-5, 1e-4), "log"),
        ((0.5, 1.0, 2.0), "linear"),
        ((0.0, 1.0, 100.0), "linear"),
        ((-1.0, 1.0, 50.0), "linear"),
    ],
)
def test_values_that_span_a_factor_of_ten_have_a_logarithmic_axis(recorded, figures, tmp_path, values, scale):
    for value in values:
        recorded(str(value), 0.5, weight=value)
    draw_sensitivity(build_study(complete_runs([recorded.root], PLOT)[0]), tmp_path / "s.svg")
    (axes,) = figures[0].axes
    assert axes.get_xscale() == scale
    assert axes.get_xlabel() == "$λ$ (weight)"


def test_ticks_of_a_logarithmic_axis_are_the_values(recorded, figures, tmp_path):
    for value in (0.1, 0.5, 1.0, 2.0):
        recorded(str(value), 0.5, weight=value)
    draw_sensitivity(build_study(complete_runs([recorded.root], PLOT)[0]), tmp_path / "s.svg")
    (axes,) = figures[0].axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.1", "0.5", "1", "2"]
    assert axes.get_xticks(minor=True).tolist() == []


def test_a_method_that_is_not_installed_has_no_symbols(recorded, figures, tmp_path):
    for weight in (1.0, 2.0):
        recorded(str(weight), 0.5, objective="theirs", weight=weight)
    draw_sensitivity(build_study(complete_runs([recorded.root], PLOT)[0]), tmp_path / "s.svg")
    assert figures[0].axes[0].get_xlabel() == "weight"


def test_values_are_named_apart_and_a_word_is_no_missing_value(recorded, figures, tmp_path):
    for number, k in enumerate((1_000_001, 1_000_002, 9_000_000)):
        recorded(f"k{number}", 0.5, k_pos=k, k_neg=k)
    for number, sampling in enumerate((None, "none", "$uniform")):
        recorded(f"s{number}", 0.5, sampling=sampling, k_pos=9_000_000, k_neg=9_000_000)
    draw_sensitivity(build_study(complete_runs([recorded.root], PLOT)[0]), tmp_path / "s.png")
    k, _ = build_study(complete_runs([recorded.root], PLOT)[0]).panels
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
    assert note.startswith("note: runs left out because their records are broken: ")
    assert all(name in note for name in ("empty", "text", "list", "nothing", "seedless"))


def several(record, **scores):
    """Make a record one of texts with several labels."""
    about = json.loads((record.folder / "run.json").read_text())
    write_json(record.folder / "run.json", about | {"dataset": {**about["dataset"], "labelling": "multi"}})
    write_json(record.folder / "result.json", {"metrics": {"test": scores}})


def test_texts_with_several_labels_show_macro_f1(recorded, figures, tmp_path):
    for weight in (1.0, 2.0):
        several(recorded(str(weight), 0.5, weight=weight), macro_f1=weight / 10, nll=weight)
    records, _ = complete_runs([recorded.root], PLOT)
    assert build_study(records).metric == "macro_f1"
    draw_sensitivity(build_study(records, "nll"), tmp_path / "s.png")
    assert figures[0].get_supylabel() == "test nll (nats a text)"
    (line, *_) = figures[0].axes[0].containers[0].lines
    assert line.get_ydata().tolist() == [1.0, 2.0]


def test_the_command_prints_a_loss_in_its_unit(recorded, fecbench, tmp_path):
    for weight in (1.0, 2.0):
        several(recorded(str(weight), 0.5, weight=weight), macro_f1=weight / 10, nll=weight)
    code, out, err = fecbench("plot", "sensitivity", recorded.root, "--metric", "nll", "--out", tmp_path / "s.png")
    assert code == 0, err
    assert [line.split()[-2:] for line in out.splitlines()[1:3]] == [["1.000", "1"], ["2.000", "1"]]


def test_single_and_several_labels_share_no_axis(recorded):
    several(recorded("several", 0.5, data=("moods", "m" * 64)), macro_f1=0.5)
    recorded("one", 0.5, weight=2.0)
    records, _ = complete_runs([recorded.root], PLOT)
    with pytest.raises(UsageError, match=r"there are runs of aml on both \(moods have several\); give the folders"):
        build_study(records, "macro_f1")


def test_symbols_have_their_index_below_and_names_stay_literal(recorded, figures, tmp_path):
    for steps in (1, 2):
        recorded(str(steps), 0.5, discriminator_steps=steps, **{"$odd": steps})
    draw_sensitivity(build_study(complete_runs([recorded.root], PLOT)[0]), tmp_path / "s.svg")
    assert axis_name(Panel(("discriminator_steps",), {}), {"discriminator_steps": "T_D"}).startswith(
        r"$T_\mathrm{D}$ ("
    )
    assert r"\$odd" in figures[0].axes[0].get_xlabel()


def test_long_words_below_an_axis_do_not_meet(recorded, figures, tmp_path):
    for encoder in ("distilroberta-base", "roberta-large-twitter", "minilm-l12-uncased", "deberta-v3-small"):
        recorded(encoder, 0.5, encoder=encoder)
    draw_sensitivity(build_study(complete_runs([recorded.root], PLOT)[0]), tmp_path / "s.svg")
    ticks = [tick.get_text().replace("\n", "") for tick in figures[0].axes[0].get_xticklabels()]
    assert "distilroberta-base" in ticks


def test_folds_are_called_folds(recorded, figures, tmp_path):
    for weight in (1.0, 2.0):
        for fold in range(3):
            recorded(f"{weight}-{fold}", 0.5 + fold / 10, weight=weight, folds=3, fold=fold)
    draw_sensitivity(build_study(complete_runs([recorded.root], PLOT)[0]), tmp_path / "s.png")
    title = " ".join(figures[0].get_suptitle().split())
    assert title == "aml on ed: mean ± standard deviation, 3 folds ring: base configuration"

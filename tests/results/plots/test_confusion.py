"""The confusion plot: mean shares of a method's runs, similar labels beside each other, the diagonal apart."""

import json

import numpy as np
import pytest

from fecbench.core.errors import RunError, UsageError
from fecbench.core.files import write_json
from fecbench.results.plots.confusion import draw_confusion, mean_shares, mixed_settings, similar_order
from fecbench.results.plots.style import PAGE


def complete(record, matrix, support):
    result = {
        "metrics": {"test": {"accuracy": 0.5}},
        "per_class": {label: {"support": float(count)} for label, count in support.items()},
        "confusion_matrix": matrix,
    }
    write_json(record.folder / "result.json", result)
    record.reload()
    return record


def test_labels_that_are_confused_stand_beside_each_other():
    shares = np.eye(5) * 0.6
    for one, other in ((0, 3), (1, 4)):
        shares[one, other] = shares[other, one] = 0.4
    shares[2, 2] = 1
    order = similar_order(shares).tolist()
    assert abs(order.index(0) - order.index(3)) == 1
    assert abs(order.index(1) - order.index(4)) == 1


def test_seeds_are_averaged_and_unanswered_rows_have_a_column(recorded, figures, tmp_path):
    first = complete(recorded("a", 0.5), [[2, 1], [0, 4]], {"glad": 4, "mad": 4})
    second = complete(recorded("b", 0.5, seed=1), [[4, 0], [2, 2]], {"glad": 4, "mad": 4})
    draw_confusion([first, second], tmp_path / "c.svg")
    axes = figures[0].axes[0]
    assert [text.get_text() for text in axes.texts[:2]] == ["75", "75"]
    assert sorted(text.get_text() for text in axes.texts[2:]) == ["12", "12", "25"]
    assert [tick.get_text() for tick in axes.get_xticklabels()][-1] == "no answer"
    drawn = axes.images[0].get_array()
    assert np.ma.getmaskarray(drawn).sum() == 2
    assert sorted(drawn.compressed().round(3).tolist()) == [0.0, 12.5, 12.5, 25.0]
    assert "mean of 2 runs" in " ".join(figures[0].get_suptitle().split())


def test_shares_are_of_the_true_labels_texts():
    assert mean_shares([np.array([[1, 3], [0, 0]])]).tolist() == [[0.25, 0.75], [0, 0]]


def test_runs_of_other_methods_and_runs_without_a_matrix_are_refused(recorded, tmp_path):
    one = complete(recorded("a", 0.5), [[2, 1], [0, 4]], {"glad": 3, "mad": 4})
    with pytest.raises(UsageError, match="aml on ed, ce on ed; choose some"):
        draw_confusion([one, recorded("b", 0.5, objective="ce")], tmp_path / "c.svg")
    with pytest.raises(RunError, match="must hold a confusion matrix of its 2 labels"):
        draw_confusion([recorded("c", 0.5)], tmp_path / "c.svg")


def test_many_labels_fit_the_width_of_a_page(recorded, figures, tmp_path):
    names = [f"label {number}" for number in range(40)]
    record = recorded("many", 0.5)
    about = json.loads((record.folder / "run.json").read_text())
    write_json(record.folder / "run.json", {**about, "dataset": {**about["dataset"], "labels": names}})
    draw_confusion([complete(record, np.eye(40, dtype=int).tolist(), dict.fromkeys(names, 1))], tmp_path / "c.svg")
    assert figures[0].get_figwidth() == PAGE


def test_a_label_without_texts_has_a_dash_and_no_error_is_white(recorded, figures, tmp_path):
    draw_confusion([complete(recorded("a", 0.5), [[3, 0], [0, 0]], {"glad": 3, "mad": 0})], tmp_path / "c.svg")
    axes = figures[0].axes[0]
    assert sorted(text.get_text() for text in axes.texts) == ["100", "–"]  # noqa: RUF001  the en dash is intended
    assert axes.images[0].get_clim() == (0, 1)


def test_runs_of_other_settings_are_said(recorded, fecbench, tmp_path):
    matrix, support = [[2, 1], [0, 4]], {"glad": 3, "mad": 4}
    seeds = [complete(recorded(f"s{seed}", 0.5, seed=seed), matrix, support).folder for seed in range(2)]
    other = complete(recorded("other", 0.5, seed=2, lr=0.5, weight=7.0), matrix, support).folder
    assert fecbench("plot", "confusion", *seeds, "-o", tmp_path / "c.svg")[1] == f"written: {tmp_path / 'c.svg'}\n"
    code, out, err = fecbench("plot", "confusion", *seeds, other, "-o", tmp_path / "c.svg")
    assert code == 0, err
    assert set(out.splitlines()[0].removeprefix("note: the mean is over runs that differ in ").split(", ")) == {
        "lr",
        "weight",
    }


def test_an_older_record_has_the_default_of_a_newer_option(recorded):
    older, newer = recorded("older", 0.5), recorded("newer", 0.5, seed=1, discriminator_steps=1)
    assert mixed_settings([older, newer]) == []
    assert mixed_settings([older, recorded("other", 0.5, discriminator_steps=2)]) == ["discriminator_steps"]

"""A run from Python is the run of the command line, as an object."""

import json
import pickle

import numpy as np
import pytest

from fecbench import load, run
from fecbench.core.errors import UnknownName, UsageError

pytestmark = pytest.mark.slow


def test_a_run_equals_the_commands(trained, fecbench):
    code, out, err = fecbench("run", "ce", "--dataset", "demo", "--epochs", "2", "--limit", "64", "--json")
    assert code == 0, err
    other = load(json.loads(out)["folder"])
    assert other.scores == trained.scores
    assert other.record.about["settings"] == trained.record.about["settings"]
    assert np.array_equal(other.predictions.probabilities, trained.predictions.probabilities)


def test_scores_are_those_of_the_record(trained):
    assert trained.scores["test"] == trained.record.result["metrics"]["test"]
    assert set(trained.scores) == {"validation", "test"}


def test_the_history_has_a_row_for_each_epoch(trained):
    assert [row["epoch"] for row in trained.history] == [1, 2]
    assert {"model_loss", "accuracy", "macro_f1"} <= set(trained.history[0])


def test_texts_are_predicted_with_probabilities_of_all_labels(trained):
    predicted = trained.predict(["I am so happy", "leave me alone"])
    assert len(predicted) == 2
    assert predicted.probabilities.shape == (2, 12)
    assert predicted.probabilities.sum(1) == pytest.approx(1)
    assert predicted.labels == [trained.labels[number] for number in predicted.probabilities.argmax(1)]
    frame = predicted.to_frame()
    assert list(frame.columns[:2]) == ["text", "label"]
    assert frame["probability_joyful"].tolist() == predicted.probabilities[:, 0].tolist()
    html = predicted._repr_html_()
    assert "<th>probability</th>" in html
    assert "probability_joyful" not in html
    assert repr(predicted) == "<Predictions: 2 texts, 12 labels>"


def test_one_text_must_stand_in_a_list(trained):
    with pytest.raises(UsageError, match=r"a list of texts, but got one text; give \[text\]"):
        trained.predict("I am so happy")


def test_test_rows_have_their_predictions(trained):
    frame = trained.predictions.to_frame()
    assert frame["row"].tolist() == list(range(240))
    assert frame["correct"].mean() == pytest.approx(trained.scores["test"]["accuracy"])


def test_a_run_is_found_by_folder_id_and_method(trained):
    for reference in (trained.folder, str(trained.folder), trained.id, "ce", trained.record):
        assert load(reference).record.run_file.objective.name == "ce"
    with pytest.raises(UnknownName, match="nothing"):
        load("nothing")


def test_rows_in_memory_give_a_run_their_name(folder):
    texts, labels = [f"text {number}" for number in range(24)], ["joy", "fear", "anger"] * 8
    own = run("ce", (texts, labels), name="days", encoder="scratch", epochs=1, progress=False)
    assert own.dataset == "days"
    assert own.id.endswith("-ce-days-scratch-s0")  # without the path of the cache


def test_a_pickled_run_names_its_folder_and_holds_no_weights(trained):
    trained.predict(["I am so happy"], progress=False)
    pickled = pickle.dumps(trained)
    assert len(pickled) < 2000
    again = pickle.loads(pickled)
    assert again.folder == trained.folder.resolve()
    assert again.scores == trained.scores


def test_numbers_of_numpy_and_one_metric_are_settings_too(folder):
    small = run("ce", "demo", epochs=np.int64(1), limit=np.int32(32), metrics="brier", progress=False)
    assert (small.settings["epochs"], small.settings["limit"]) == (1, 32)
    assert "brier" in small.scores["test"]


def test_an_export_is_that_of_the_command(trained, tmp_path):
    pytest.importorskip("onnxruntime")
    written = trained.export(str(tmp_path / "model"), "onnx", progress=False)
    assert written.folder == tmp_path / "model"
    assert "model.onnx" in written.files
    with pytest.raises(UsageError, match="kind must be one of hf, onnx"):
        trained.export(tmp_path / "other", "pt")


def test_a_notebook_shows_scores_and_a_curve(trained):
    html = trained._repr_html_()
    assert f"{trained.scores['test']['macro_f1']:.4f}" in html
    assert "<polyline" in html
    assert trained.id in repr(trained)


def test_progress_is_shown_unless_it_is_turned_off(folder, capsys):
    run("ce", "demo", epochs=1, limit=32, progress=False)
    assert capsys.readouterr() == ("", "")
    run("ce", "demo", epochs=1, limit=32)
    assert "epoch 1/1" in capsys.readouterr().err


def test_a_mistake_is_named_as_on_the_command_line(folder):
    with pytest.raises(UnknownName, match="did you mean 'aml'"):
        run("amll", "demo")
    with pytest.raises(UsageError, match="epochz"):
        run("ce", "demo", epochz=3)


def test_a_fold_must_be_named(folder):
    """The command carries out all folds; a call returns one run."""
    with pytest.raises(UsageError, match="call run for each of the 3 folds"):
        run("ce", (["a", "b"] * 6, ["x", "y"] * 6), folds=3)
